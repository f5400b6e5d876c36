"""What stands in the way of a setting's effect, for each condition that a field can declare."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from visionft.settings.applicability import (
    ADDED,
    BACKBONE,
    CLASSED,
    CONTINUED,
    EFFECTIVE,
    FLIPPED,
    FOLDER,
    FRESH,
    INHERITED,
    LEARNT,
    LONG_TAILED,
    MANIFEST,
    NAMED,
    PROJECTED,
    RATED,
    REDUCED,
    SAMPLED,
    SEVERAL,
    SMOOTHED,
    SOLVABLE,
    STORED,
    TAUGHT,
    TIMED,
    TRAINED,
    VIEWED,
    Applies,
)
from visionft.settings.export import ExportSettings
from visionft.settings.fit import FitSettings
from visionft.settings.method import HEAD_ALONE
from visionft.settings.own_names import is_own
from visionft.tasks.registry import DEFAULT, spec_of
from visionft.tasks.spec import Stage


@dataclass(frozen=True)
class Obstacle:
    """Why a setting has no effect, and what would give it one; both go on in a sentence."""

    why: str
    remedy: str


HEADS_ALONE = {kind.model_fields["name"].default for kind in HEAD_ALONE}


def obstacle(applies: Applies | None, settings: Any) -> Obstacle | None:
    """Return what keeps a setting of this condition from having an effect in whole settings, or None."""
    found = None if applies is None else _OBSTACLES.get(applies)
    return None if found is None else found(settings)


def solved_alone(settings: FitSettings) -> bool:
    """Tell whether the method solves a linear head and trains nothing by epochs."""
    method = settings.method
    if method.name == "head" and method.solver == "epochs":
        return False
    return method.name in HEADS_ALONE and settings.head == "linear"


def _alike(settings: FitSettings) -> Obstacle | None:
    if settings.method.name == "prototypes":
        return Obstacle("the method prototypes gives each class its mean, whatever its share", "give another --method")
    return None


def _untrained(settings: FitSettings) -> Obstacle | None:
    if settings.method.name == "prototypes":
        return Obstacle("the method prototypes takes means and trains nothing by epochs", "give another --method")
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


def _own_pipeline(settings: FitSettings) -> Obstacle | None:
    if settings.augment.pipeline is not None:
        return Obstacle("augment.pipeline takes its place", "leave --augment.pipeline out")
    return _untrained(settings)


def _no_flip(settings: FitSettings) -> Obstacle | None:
    if settings.augment.pipeline is not None:
        return _own_pipeline(settings)
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


def _own_loss(settings: FitSettings) -> Obstacle | None:
    if is_own(settings.loss):
        return Obstacle(f"the loss is {settings.loss}, which is nobody else's to smooth", "smooth in that function")
    return None


def _lacks(stage: Stage, what: str) -> Callable[[FitSettings], Obstacle | None]:
    """Return what looks whether a task has a stage, named in words."""

    def look(settings: FitSettings) -> Obstacle | None:
        if stage in spec_of(settings.task).stages:
            return None
        return Obstacle(f"the task {settings.task} has no {what}", f"give --task {DEFAULT}")

    return look


def _answers(settings: FitSettings) -> Obstacle | None:
    if spec_of(settings.task).projects:
        return None
    return Obstacle(
        f"the task {settings.task} answers with {spec_of(settings.task).answers}, and learns no embedding of its own",
        "give a --task that does",
    )


def _one_label(settings: FitSettings) -> Obstacle | None:
    if spec_of(settings.task).several:
        return None
    return Obstacle(f"the task {settings.task} gives a photo one answer", "give a --task with several labels")


def _either(*looks: Callable[[FitSettings], Obstacle | None]) -> Callable[[FitSettings], Obstacle | None]:
    return lambda settings: next((found for look in looks if (found := look(settings)) is not None), None)


def _other_weights_of_classes(settings: FitSettings) -> Obstacle | None:
    if settings.optim.class_weights == "effective":
        return None
    return Obstacle(f"class weights are {settings.optim.class_weights}", "give --optim.class-weights effective")


def _full_precision(settings: ExportSettings) -> Obstacle | None:
    if settings.precision == "fp32":
        return Obstacle("precision fp32 makes nothing smaller", "give --precision fp16 or int8")
    return None


_OBSTACLES: dict[Applies, Callable[[Any], Obstacle | None]] = {
    TRAINED: _untrained,
    TIMED: _fixed_epochs,
    BACKBONE: _fixed_backbone,
    RATED: _no_rate,
    ADDED: _untrained_from_scratch,
    NAMED: _own_pipeline,
    FLIPPED: _no_flip,
    VIEWED: _new_views,
    STORED: _no_store,
    TAUGHT: _no_teacher,
    INHERITED: _no_parent,
    FRESH: _other_weights,
    FOLDER: _no_folder,
    MANIFEST: _no_manifest,
    SOLVABLE: _unsolvable,
    REDUCED: _full_precision,
    PROJECTED: _answers,
    SEVERAL: _one_label,
    SAMPLED: _either(_answers, _untrained),
    LONG_TAILED: _either(_lacks("long_tail", "classes of which a photo has one"), _alike),
    EFFECTIVE: _other_weights_of_classes,
    CLASSED: _either(_lacks("class_weights", "classes to weigh"), _alike),
    SMOOTHED: _either(_lacks("label_smoothing", "classes to smooth"), _untrained, _own_loss),
    LEARNT: _lacks("distill", "way to learn from another run"),
    CONTINUED: _lacks("from", "way to go on from another run"),
}
"""What looks for an obstacle, by condition; `ALWAYS` has none."""
