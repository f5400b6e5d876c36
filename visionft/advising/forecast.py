"""What a fit would need of a GPU that is not here: how many photos pass at once, and about how long it would take."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from visionft import backbones, data
from visionft.advising.fake_step import fake_features
from visionft.advising.forecast_steps import CONTEXT, SAMPLES, SLACK, Asked, Steps, ready
from visionft.advising.forecast_table import Fit, Forecast
from visionft.advising.live_bytes import Line
from visionft.advising.roofline import seconds
from visionft.backbones import Network
from visionft.data import Manifest
from visionft.errors import BackboneError, MissingExtraError, UsageError
from visionft.finishing.final_metrics import TRAIN_SAMPLE
from visionft.machine.gpu_cards import Card
from visionft.machine.progress import Say, bar
from visionft.planning.auto import solves_head
from visionft.planning.choices import Choice, put
from visionft.planning.crop_sizes import crop
from visionft.planning.precision import DTYPES
from visionft.preprocess import Preprocess
from visionft.settings import METHODS, FitSettings
from visionft.training import frozen_features, validation_cache

PASSES = (8, 32, 128)
"""Photos of the passes whose memory is told."""
MOST = 1024
"""Photos of a pass: more at once make nothing faster."""


def forecast(settings: FitSettings, names: Sequence[str], card: Card, *, say: Say = print) -> Forecast:
    """Foretell memory and time of each method on a card; nothing is computed, fetched or written.

    Args:
        settings: as for a fit, with "auto"; of its method, its own settings are used where it is asked about.
        names: of the methods.
        card: that is asked about.
        say: prints one line.

    Raises:
        DataError, BackboneError: as in a fit.
    """
    with bar("reading photos") as advance:
        manifest = data.prepare(settings.photos, settings.data, on_progress=advance)
    say(data.summary(manifest))
    backbone = backbones.GPU_BACKBONE if settings.backbone == "auto" else settings.backbone
    chosen = [Choice("hardware.device", "cuda", "asked about"), Choice("backbone", backbone, "asked about")]
    precision = settings.hardware.precision
    if precision == "auto":
        precision = "bf16" if card.bf16 else "fp16"
    asked = Asked(put(settings, chosen), manifest, card, precision)
    fits: list[Fit] = []
    resolved, transform = asked.settings, None
    with bar("methods") as advance:
        for number, name in enumerate(names):
            try:
                fit, resolved, transform = _fit(asked, name)
            except (BackboneError, MissingExtraError, UsageError) as refusal:
                fit = Fit(name, refusal=str(refusal))
            fits.append(fit)
            advance(number + 1, len(names))
    size = 0 if transform is None else min(crop(resolved, transform.size))
    batch = 0 if transform is None else int(resolved.optim.batch_size)
    return Forecast(
        card, tuple(card.name for card in asked.cards), backbone, size, precision, batch, CONTEXT, SLACK, asked.room,
        tuple(fits),
    )  # fmt: skip


def _fit(asked: Asked, name: str) -> tuple[Fit, FitSettings, Preprocess]:
    own = asked.settings.method if asked.settings.method.name == name else METHODS[name]()
    wanted = asked.settings.model_copy(update={"method": own})
    settings, network, transform = ready(asked, wanted, checkpointing=False)
    if not settings.epochs:
        return _solved(asked, settings, network, transform), settings, transform
    batch = int(settings.optim.batch_size)
    fit = _stepped(asked, Steps(asked, settings, network, transform), name)
    if settings.hardware.gradient_checkpointing or fit.largest >= batch:
        return fit, settings, transform
    try:
        other = Steps(asked, *ready(asked, wanted, checkpointing=True))
    except BackboneError:
        return fit, settings, transform
    return fit.with_checkpointing(largest(other.peak, asked.room)), settings, transform


def _stepped(asked: Asked, steps: Steps, name: str) -> Fit:
    most = largest(steps.peak, asked.room)
    taken = min(most, steps.batch) or 1
    return Fit(
        name,
        passes={photos: steps.peak(photos) for photos in PASSES},
        largest=most,
        peak=steps.peak(taken),
        seconds={card.name: _seconds(asked, steps, card, taken) for card in asked.cards},
        trained=steps.trained,
    )


def _seconds(asked: Asked, steps: Steps, card: Card, photos: int) -> float:
    step = seconds(steps.line(further=photos < steps.batch).work(photos), card) / photos
    one = seconds(steps.validation.work(validation_cache.BATCH), card) / validation_cache.BATCH
    held_out = steps.schedule.epochs * len(asked.manifest.rows("validation"))
    solving = _solving_photos(asked.manifest) if solves_head(steps.settings) else 0
    return steps.schedule.total_steps * steps.batch * step + (held_out + solving + _final_photos(asked.manifest)) * one


def _solving_photos(manifest: Manifest) -> int:
    return len(manifest.rows("train")) + len(manifest.rows("validation"))


def _final_photos(manifest: Manifest) -> int:
    train = len(manifest.rows("train"))
    return len(manifest.rows("validation")) + len(manifest.rows("test")) + min(TRAIN_SAMPLE, train)


def _solved(asked: Asked, settings: FitSettings, network: Network, transform: Preprocess) -> Fit:
    """Return what a head takes that is solved on features: passes of the frozen backbone."""
    trained = sum(parameter.numel() for parameter in network.head.parameters())
    line = Line(*fake_features(settings, network, transform.size, DTYPES[asked.precision], SAMPLES))
    photos = _solving_photos(asked.manifest) + _final_photos(asked.manifest)
    each = {card.name: seconds(line.work(frozen_features.BATCH), card) / frozen_features.BATCH for card in asked.cards}
    spent = {name: photos * one for name, one in each.items()}
    most = largest(line.peak, asked.room)
    peaks = {photos: line.peak(photos) for photos in PASSES}
    peak = line.peak(min(most, frozen_features.BATCH) or 1)
    return Fit(settings.method.name, passes=peaks, largest=most, peak=peak, seconds=spent, trained=trained)


def largest(peak: Callable[[int], int], room: float) -> int:
    """Return the largest number of photos from 1 to 1024 whose `peak` (photos -> bytes, rising) fits, or 0."""
    low, high = 0, MOST + 1  # what fits, what need not
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if peak(middle) <= room else (low, middle)
    return low
