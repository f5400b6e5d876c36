"""The shape of training crops; and crops that grow from epoch to epoch: when that can be, how the work then spreads."""

from __future__ import annotations

from visionft.data import Sides
from visionft.data.transforms.progressive_resizing import scaled
from visionft.errors import UsageError
from visionft.methods.phases import phases
from visionft.settings import FitSettings


def crop(settings: FitSettings, input_size: tuple[int, int]) -> tuple[int, int]:
    """Return (H, W) of the training crops in pixels: `augment.size` is the shorter side, the ratio is evaluation's.

    Args:
        settings: resolved.
        input_size: (H, W) of evaluation.
    """
    return scaled(input_size, int(settings.augment.size))


def require_one_size(settings: FitSettings, any_size: bool, side: int) -> None:
    """Look whether training crops have the one size of a backbone that takes no other.

    Args:
        settings: resolved.
        any_size: whether the backbone takes any size.
        side: the shorter side of evaluation's photos.

    Raises:
        UsageError: they have another one.
    """
    if not any_size and int(settings.augment.size) != side:
        wrong = f"--augment.size {settings.augment.size}: {settings.backbone} takes one size only"
        raise UsageError(f"{wrong}, {side} (--preprocess.size); leave it out")


def require_growable(settings: FitSettings, any_size: bool) -> None:
    """Look whether crops can grow as the settings say.

    Args:
        settings: resolved.
        any_size: whether the backbone takes any size.

    Raises:
        UsageError: they cannot.
    """
    start, end, name = settings.augment.start_size, int(settings.augment.size), "--augment.start-size"
    if start is None:
        return
    if not any_size:
        raise UsageError(f"{name} {start}: {settings.backbone} takes one size only, {end}; leave it out")
    if start > end:
        raise UsageError(f"{name} {start} is above --augment.size {end}: crops grow; give at most {end}")
    if settings.distill is not None:
        raise UsageError(f"{name} {start}: a teacher sees views of one size in all epochs; leave one of the two out")
    if isinstance(settings.augment.views, int):
        raise UsageError(
            f"{name} {start}: views that come again (--augment.views {settings.augment.views}) have one size; "
            "leave one of the two out"
        )


def sides(settings: FitSettings, solves_head: bool) -> Sides | None:
    """Return the side of each epoch's crops; none: all have one size."""
    start = settings.augment.start_size
    if start is None:
        return None
    epochs = sum(phase.epochs for phase in phases(settings.method, int(settings.epochs), solves_head))
    return Sides(start, int(settings.augment.size), epochs)
