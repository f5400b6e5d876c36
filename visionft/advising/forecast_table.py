"""The forecast as a value: printed, shown in a notebook, written as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from html import escape
from typing import Any

from visionft.advising.advice import aligned
from visionft.machine.gpu_cards import CARDS, Card
from visionft.training.eta import spoken


@dataclass(frozen=True)
class Fit:
    """What one method would take.

    Attributes:
        method: its name.
        refusal: why it cannot be forecast, in one sentence; the figures are then empty.
        passes: bytes of tensors at most, by the photos of a pass.
        largest: photos of a pass that fits at most, up to 1024; 0: not even one.
        checkpointed: the same with gradient checkpointing; none: it was not asked for, or timm has none.
        peak: bytes of tensors where passes have as many photos as fit, at most the batch's.
        seconds: estimated of the whole fit, by the name of a card.
        trained: parameters.
    """

    method: str
    refusal: str | None = None
    passes: Mapping[int, int] = field(default_factory=dict)
    largest: int = 0
    checkpointed: int | None = None
    peak: int = 0
    seconds: Mapping[str, float] = field(default_factory=dict)
    trained: int = 0

    def with_checkpointing(self, largest: int) -> Fit:
        """Return it with what fits with gradient checkpointing."""
        return replace(self, checkpointed=largest)


@dataclass(frozen=True)
class Forecast:
    """How much fits on a card.

    Attributes:
        card: that was asked about.
        timed: names of the cards whose time is estimated.
        backbone: its name.
        size: side of the training crops in pixels.
        precision: of the arithmetic.
        batch: photos of an optimizer step.
        context: bytes kept for CUDA.
        slack: share of the rest kept for the allocator, in [0, 1].
        room: bytes left for tensors.
        fits: of each method.
    """

    card: Card
    timed: tuple[str, ...]
    backbone: str
    size: int
    precision: str
    batch: int
    context: float
    slack: float
    room: float
    fits: tuple[Fit, ...]

    @property
    def taken(self) -> Fit | None:
        """The method to take: full fine-tuning where it fits in any way, else the one that trains most."""
        able = [fit for fit in self.fits if fit.refusal is None and (fit.largest or fit.checkpointed)]
        return max(able, key=lambda fit: (fit.method == "full", fit.trained), default=None)

    @property
    def method(self) -> str | None:
        """The name of the method to take; none where nothing fits."""
        return self.taken.method if self.taken else None

    @property
    def checkpoints(self) -> bool:
        """Whether the method to take needs gradient checkpointing."""
        return self.taken is not None and not self.taken.largest

    @property
    def micro_batch(self) -> int:
        """Photos of a pass of the method to take: the batch, halved until it fits; 0 where nothing fits."""
        if self.taken is None:
            return 0
        photos, most = self.batch, (self.taken.checkpointed or 0) if self.checkpoints else self.taken.largest
        while photos > most:
            photos //= 2
        return photos

    def to_json(self) -> dict[str, Any]:
        """Return everything as plain values that json can write."""
        return {
            **asdict(self),
            "method": self.method,
            "micro_batch": self.micro_batch,
            "gradient_checkpointing": self.checkpoints,
        }

    def __str__(self) -> str:
        told = [fit for fit in self.fits if fit.refusal is None]
        table = aligned([self._headings(told), *(self._cells(fit, told) for fit in told)])
        refused = [f"  {fit.method}: {fit.refusal}" for fit in self.fits if fit.refusal]
        return "\n".join([*self._first_lines(), *table, *refused, *self._notes(), self._last_line()])

    def _repr_html_(self) -> str:
        told = [fit for fit in self.fits if fit.refusal is None]
        head = "".join(f"<th>{escape(name)}</th>" for name in self._headings(told))
        rows = "".join(
            "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in self._cells(fit, told)) + "</tr>" for fit in told
        )
        lines = [*self._first_lines(), *(f"{fit.method}: {fit.refusal}" for fit in self.fits if fit.refusal)]
        above, below = ("".join(f"<p>{escape(line)}</p>" for line in some) for some in (lines, self._notes()))
        return f"{above}<table><tr>{head}</tr>{rows}</table>{below}<p><b>{escape(self._last_line())}</b></p>"

    def _first_lines(self) -> list[str]:
        return [
            f"forecast for {self._named()}: {self.backbone}, crops of {self.size} pixels, {self.precision}, batches of "
            f"{self.batch}; nothing was run",
            f"  {gigabytes(self.room)} GB are for tensors: {gigabytes(self.context)} GB are kept for CUDA and its "
            f"libraries, and {self.slack:.0%} of the rest for what the allocator cannot fill",
        ]

    def _named(self) -> str:
        card = self.card
        return f"{card.name}, {gigabytes(card.memory)} GB" if card.bandwidth else card.name

    def _headings(self, told: list[Fit]) -> tuple[str, ...]:
        passes = [f"GB at {photos}" for photos in (told[0].passes if told else ())]
        checkpointed = ["checkpointed"] if _any_checkpointed(told) else []
        return (
            "method",
            *passes,
            "most photos a pass",
            *checkpointed,
            *(f"fit on {name}" for name in self.timed),
            "trained",
        )

    def _cells(self, fit: Fit, told: list[Fit]) -> tuple[str, ...]:
        checkpointed = [_photos(fit.checkpointed)] if _any_checkpointed(told) else []
        times = [spoken(fit.seconds[name]) for name in self.timed]
        return (
            fit.method,
            *(gigabytes(peak) for peak in fit.passes.values()),
            _photos(fit.largest),
            *checkpointed,
            *times,
            f"{fit.trained:,}",
        )

    def _notes(self) -> list[str]:
        if not self.timed:
            return ["  no time is told: name a card, such as --for 'RTX 4090'"]
        sources = "; ".join(dict.fromkeys(CARDS[name].source for name in self.timed))
        return [
            "  times are estimates, good to a factor of two, from published peak rates and as if photos were read fast "
            f"enough ({sources})"
        ]

    def _last_line(self) -> str:
        fit = self.taken
        if fit is None:
            return f"nothing fits into {self._named()}: choose a smaller --backbone or --preprocess.size"
        at_once = "the whole batch at once" if self.micro_batch == self.batch else f"in passes of {self.micro_batch}"
        way = f"{at_once}{', with gradient checkpointing' if self.checkpoints else ''}"
        quick = min(fit.seconds.items(), key=lambda item: item[1], default=None)
        about = f", about {spoken(quick[1])} on {quick[0]}" if quick and not self.checkpoints else ""
        return f"fits: {fit.method}, {way}, {gigabytes(fit.peak)} GB of tensors{about}"


def gigabytes(size: float) -> str:
    """Return bytes in 10^9, to two digits or one decimal."""
    return f"{size / 1e9:.1f}" if size >= 1e9 else f"{size / 1e9:.2f}"


def _photos(number: int | None) -> str:
    if number is None:
        return "-"
    return "none" if number == 0 else f"{number:,}"


def _any_checkpointed(fits: list[Fit]) -> bool:
    return any(fit.checkpointed is not None for fit in fits)
