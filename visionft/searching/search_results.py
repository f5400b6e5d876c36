"""What a search found, as values that show themselves."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any, overload

from visionft.searching.threshold import Threshold
from visionft.wording.lists import count
from visionft.wording.safe_text import printable

NOT_THERE = "not in the catalogue"


@dataclass(frozen=True)
class Hit:
    """One photo of the catalogue that is near a query.

    Attributes:
        path: as the index has it, relative to the catalogue's folder.
        score: cosine of both embeddings, in [-1, 1]; 1: the same direction.
        label: its class; None: it has none.
        group: its product; None: it has none.
        columns: its values in the columns of the manifest, and its split.
    """

    path: str
    score: float
    label: str | None
    group: str | None
    columns: dict[str, Any] = field(default_factory=dict)

    def to_row(self) -> dict[str, Any]:
        """Return plain values by column."""
        return {**self.columns, "path": self.path, "score": self.score, "label": self.label, "group": self.group}

    def __str__(self) -> str:
        product = "  ".join(printable(value) for value in (self.label, self.group) if value is not None)
        return f"{self.score:.3f}  {printable(self.path)}{f'  {product}' if product else ''}"


@dataclass(frozen=True)
class Matches:
    """What one photo was found to be near.

    Attributes:
        photo: the query, as the caller named it.
        hits: the nearest first; those above the threshold alone, where there is one.
        best: the highest score, whether a hit or not; None: nothing was compared.
        known: whether the best is at or above the threshold; None: no threshold was asked for.
        problem: why the query could not be read; None: it could.
    """

    photo: str
    hits: tuple[Hit, ...] = ()
    best: float | None = None
    known: bool | None = None
    problem: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        hits = [hit.to_row() for hit in self.hits]
        return {"photo": self.photo, "known": self.known, "best": self.best, "hits": hits, "problem": self.problem}

    def __str__(self) -> str:
        if self.problem is not None:
            return f"{printable(self.photo)}  not read: {self.problem}"
        if self.known is False:
            nearest = "" if self.best is None else f" (the nearest has {self.best:.3f})"
            return f"{printable(self.photo)}  {NOT_THERE}{nearest}"
        if not self.hits:
            return f"{printable(self.photo)}  nothing to compare with"
        return "\n".join([printable(self.photo), *(f"  {hit}" for hit in self.hits)])


@dataclass(frozen=True)
class Found(Sequence[Matches]):
    """The answers of a search, one a query, in the order of asking.

    Attributes:
        folder: of the index.
        rows: the answers.
        threshold: the cosine below which a query is not in the catalogue; None: none was asked for.
        fitted: where the threshold was fitted when the index was made: its rates.
        notes: sentences about the index.
    """

    folder: Path
    rows: tuple[Matches, ...]
    threshold: float | None = None
    fitted: Threshold | None = None
    notes: tuple[str, ...] = ()

    @overload
    def __getitem__(self, at: int) -> Matches: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[Matches]: ...
    def __getitem__(self, at: int | slice) -> Matches | Sequence[Matches]:
        return self.rows[at]

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[Matches]:
        return iter(self.rows)

    def to_json(self) -> dict[str, Any]:
        """Return plain values: the queries with their hits, and the threshold with its rates."""
        return {
            "index": str(self.folder),
            "threshold": self.threshold,
            "rates": None if self.fitted is None else self.fitted.to_json(),
            "notes": list(self.notes),
            "queries": [row.to_json() for row in self.rows],
        }

    def __str__(self) -> str:
        return "\n".join([*map(str, self.rows), *self._end()])

    def _end(self) -> list[str]:
        unread = sum(row.problem is not None for row in self.rows)
        strange = sum(row.known is False for row in self.rows)
        told = [f"{count(len(self.rows) - unread, 'photo')} looked up{f', {unread:,} not read' if unread else ''}"]
        if self.threshold is not None:
            told[0] += f", {strange:,} {NOT_THERE}"
        told += [] if self.fitted is None else [str(self.fitted)]
        return [*told, *(f"note: {note}" for note in self.notes)]

    def _repr_html_(self) -> str:
        cells = []
        for row in self.rows:
            if row.hits:
                cells += [
                    (row.photo, f"{hit.score:.3f}", hit.path, hit.label or "", hit.group or "") for hit in row.hits
                ]
            else:
                cells.append((row.photo, "", row.problem or NOT_THERE, "", ""))
        lines = "".join(f"<tr>{''.join(f'<td>{escape(printable(cell))}</td>' for cell in line)}</tr>" for line in cells)
        head = "".join(f"<th>{name}</th>" for name in ("photo", "score", "hit", "label", "group"))
        end = "".join(f"<p>{escape(line)}</p>" for line in self._end())
        return f"<table><caption>{escape(printable(self.folder))}</caption><tr>{head}</tr>{lines}</table>{end}"


@dataclass(frozen=True)
class Indexed:
    """What a pass over a catalogue made of its index.

    Attributes:
        path: the folder of the index.
        model: what it was made with, in words.
        photos: that it holds now.
        added: of them that are new.
        changed: of them whose bytes are others than before.
        described: of them that are the same, with another label or another value in a column.
        unchanged: of them that are as they were.
        removed: rows that went, as the catalogue has their photos no more.
        left_out: photos that could not be read: (path, reason).
        columns: that conditions may name.
        threshold: fitted to the photos; None: `unfitted` says why not.
        unfitted: why there is no threshold.
        exact_ms: milliseconds of one exact search here.
        approximate: whether approximate neighbours were built, as it is slow.
        notes: sentences about the photos.
        seconds: that the pass took.
        vectors: how they are kept: float32, float16, int8 or binary.
        megabytes: of the index on disk.
    """

    path: Path
    model: str
    photos: int
    added: int
    changed: int
    described: int
    unchanged: int
    removed: int
    left_out: tuple[tuple[str, str], ...]
    columns: tuple[str, ...]
    threshold: Threshold | None
    unfitted: str | None
    exact_ms: float
    approximate: bool
    notes: tuple[str, ...] = ()
    seconds: float = 0.0
    vectors: str = "float32"
    megabytes: float = 0.0

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        record = {**self.__dict__, "path": str(self.path)}
        return {**record, "threshold": None if self.threshold is None else self.threshold.to_json()}

    def __str__(self) -> str:
        return "\n".join(self._lines())

    def _lines(self) -> list[str]:
        parts = [
            f"{self.added:,} added, {self.changed:,} changed, {self.removed:,} removed, {self.unchanged:,} unchanged"
        ]
        parts += [f"{self.described:,} with another label or column"] if self.described else []
        lines = [f"index {printable(self.path)}: {count(self.photos, 'photo')}; {', '.join(parts)}"]
        lines += [f"note: {note}" for note in self.notes]
        if self.left_out:
            path, reason = self.left_out[0]
            lines.append(f"{count(len(self.left_out), 'photo')} left out, first {path} ({reason})")
        lines.append(str(self.threshold) if self.threshold else f"no threshold: {self.unfitted}")
        beside = "signs" if self.vectors == "binary" else "approximate neighbours"
        how = f"so {beside} are kept beside them" if self.approximate else "so every search is exact"
        lines.append(f"an exact search takes {self.exact_ms:.1f} ms here, {how}")
        return [*lines, f"{self.megabytes:,.1f} MB on disk, vectors as {self.vectors}"]

    def _repr_html_(self) -> str:
        return f"<pre>{escape(str(self))}</pre>"
