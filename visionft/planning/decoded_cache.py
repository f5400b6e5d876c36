"""Whether the training photos are kept decoded, and where they then come from."""

from __future__ import annotations

from collections.abc import Sequence

from visionft import data
from visionft.data import Decoded
from visionft.planning.choices import Choice
from visionft.settings import FitSettings

GB = 1e9


def by_room(settings: FitSettings) -> bool:
    """Tell whether the choice of `data.cache` hangs on the room that is free just now."""
    return settings.hardware.device != "cpu" and int(settings.epochs) > 1


def cache_choice(settings: FitSettings, digests: Sequence[str], size: tuple[int, int]) -> Choice:
    """Choose `data.cache`; everything else is resolved.

    Args:
        settings: resolved otherwise.
        digests: of the photos to train on; those that an earlier run kept need no room.
        size: (H, W) of the training views in pixels.
    """
    if not settings.epochs:
        return _none("nothing is trained by epochs")
    if settings.hardware.device == "cpu":
        return _none("on a processor, training takes far longer than decoding")
    if settings.epochs == 1:
        return _none("one epoch reads each photo once")
    store = Decoded(data.side_of(size), _bytes(settings))
    needed = data.estimate(store.missing(digests), store.side)
    if needed > (free := data.room(store.budget)):
        return _none(f"about {needed / GB:.1f} GB more would be kept, and there is room for {free / GB:.1f}")
    return Choice(
        "data.cache", "decoded", f"about {needed / GB:.1f} GB more, decoded once for {settings.epochs} epochs"
    )


def decoded(settings: FitSettings, size: tuple[int, int], processes: int = 1) -> Decoded | None:
    """Return where training views of `size` (H, W) come from, if not from the files; a run older than this has none.

    Args:
        settings: resolved.
        size: (H, W) of the views in pixels.
        processes: of the fit on this machine, which keep photos at one place.
    """
    if settings.data.cache != "decoded":
        return None
    writers = max(1, int(settings.hardware.workers)) * processes
    return Decoded(data.side_of(size), _bytes(settings), writers)


def _none(reason: str) -> Choice:
    return Choice("data.cache", "none", reason)


def _bytes(settings: FitSettings) -> int:
    return int(settings.data.cache_gb * GB)
