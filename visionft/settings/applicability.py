"""When a setting has an effect: each field declares one of these, and what was given is held against it before work."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from visionft.settings.export import ExportSettings
    from visionft.settings.fit import FitSettings

_NOTHING: tuple[Any, ...] = (None, "auto", "none", False)  # False is also 0
_UNSET: tuple[Any, ...] = (None, "auto")


@dataclass(frozen=True)
class Obstacle:
    """Why a setting has no effect, and what would give it one; both go on in a sentence."""

    why: str
    remedy: str


@dataclass(frozen=True)
class Applies:
    """When a setting has an effect.

    Attributes:
        words: the condition for people, such as `weights train by epochs`; empty: always.
        obstacle: looks at whole settings and says what stands in the way, if anything does.
        nothing: values that ask for nothing, and so contradict nothing.
    """

    words: str
    obstacle: Callable[[Any], Obstacle | None]
    nothing: tuple[Any, ...] = _NOTHING


def solved_alone(settings: FitSettings) -> bool:
    """Tell whether the method solves a linear head and trains nothing by epochs."""
    return settings.method.name == "head" and settings.method.solver != "epochs" and settings.head == "linear"


def _untrained(settings: FitSettings) -> Obstacle | None:
    if solved_alone(settings):
        return Obstacle(
            "the method head solves a linear head and trains nothing by epochs",
            "give --method.solver epochs or another --method",
        )
    return Obstacle("epochs 0 trains nothing", "give --epochs from 1") if settings.epochs == 0 else None


def _fixed_epochs(settings: FitSettings) -> Obstacle | None:
    if settings.method.name == "gradual" and settings.method.phases != "auto":
        return Obstacle("method.phases says how many epochs each phase lasts", "leave the phases out")
    return _untrained(settings)


def _fixed_backbone(settings: FitSettings) -> Obstacle | None:
    if settings.method.name == "head" and not solved_alone(settings):
        return Obstacle("the method head leaves the backbone as it is", "give another --method")
    return _untrained(settings)


def _no_rate(settings: FitSettings) -> Obstacle | None:
    if settings.method.name == "head" and settings.optim.head_lr != "auto" and not solved_alone(settings):
        return Obstacle("the method head trains the head alone, whose rate is optim.head_lr", "give another --method")
    return _untrained(settings)


def _untrained_from_scratch(settings: FitSettings) -> Obstacle | None:
    # A run that goes on from one with additions has to name them as they are, also with `epochs 0`.
    return None if settings.from_run is not None else _untrained(settings)


def _no_flip(settings: FitSettings) -> Obstacle | None:
    if settings.augment.strength == "none":
        return Obstacle("augment.strength none changes nothing of a photo", "give another --augment.strength")
    return _untrained(settings)


def _new_views(settings: FitSettings) -> Obstacle | None:
    for name in ("mixup", "cutmix"):
        if getattr(settings.augment, name):
            return Obstacle(f"augment.{name} mixes other photos in each step", f"leave --augment.{name} out")
    if settings.distill is not None:
        return Obstacle("distill shows the teacher the pixels of each view", "leave --distill out")
    if settings.method.name == "full" and settings.head == "linear":
        return Obstacle("the method full has no phase whose lower part is frozen", "give --method gradual or head")
    return _untrained(settings)


def _no_store(settings: FitSettings) -> Obstacle | None:
    if settings.data.cache == "none":
        return Obstacle("data.cache none keeps nothing", "give --data.cache decoded")
    if settings.data.cache == "auto" and settings.hardware.device == "cpu":
        return Obstacle("data.cache auto keeps nothing on a processor", "give --data.cache decoded")
    return _untrained(settings)


def _no_teacher(settings: FitSettings) -> Obstacle | None:
    return Obstacle("no run teaches", "name one with --distill") if settings.distill is None else None


def _no_parent(settings: FitSettings) -> Obstacle | None:
    if settings.from_run is None:
        return Obstacle("classes of an earlier run are renamed and none is given", "name one with --from")
    return None


def _other_weights(settings: FitSettings) -> Obstacle | None:
    return None if settings.from_run is None else Obstacle("from brings the weights of its run", "leave --from out")


def _no_folder(settings: FitSettings) -> Obstacle | None:
    if settings.photos.is_file() and settings.retention is None:  # whose photos are read by the same settings
        return Obstacle(f"{settings.photos} is a manifest, which names the class of each photo", "give a folder")
    return None


def _no_manifest(settings: FitSettings) -> Obstacle | None:
    if settings.photos.is_dir() and settings.retention is None:
        return Obstacle(f"{settings.photos} is a folder, which has no columns", "give a CSV/Parquet manifest")
    return None


def _unsolvable(settings: FitSettings) -> Obstacle | None:
    if settings.method.name == "head" and settings.method.solver == "lbfgs" and settings.head != "linear":
        return Obstacle(f"lbfgs solves linear heads and head is {settings.head}", "give --method.solver epochs")
    return None


def _whole(settings: ExportSettings) -> Obstacle | None:
    if settings.precision == "fp32":
        return Obstacle("precision fp32 makes nothing smaller", "give --precision fp16 or int8")
    return None


ALWAYS = Applies("", lambda _: None)
TRAINED = Applies("weights train by epochs", _untrained)
TIMED = Applies("weights train by epochs, and no phases are given", _fixed_epochs)
BACKBONE = Applies("the backbone trains, or what is added to it", _fixed_backbone)
RATED = Applies("weights train by epochs", _no_rate)
ADDED = Applies("weights train by epochs, or an earlier run is gone on from", _untrained_from_scratch)
FLIPPED = Applies("photos are augmented", _no_flip)
VIEWED = Applies("a phase has a frozen part, and neither mixup, cutmix nor a teacher", _new_views)
STORED = Applies("decoded photos are kept", _no_store, _UNSET)
TAUGHT = Applies("`distill` names a run", _no_teacher, _UNSET)
INHERITED = Applies("`from` names a run", _no_parent)
FRESH = Applies("no `from` is given", _other_weights, _UNSET)
FOLDER = Applies("the photos are a folder", _no_folder)
MANIFEST = Applies("the photos are a manifest", _no_manifest)
SOLVABLE = Applies("the head is linear, for `lbfgs`", _unsolvable)
SHRUNKEN = Applies("the precision is fp16 or int8", _whole)
