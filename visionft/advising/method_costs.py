"""One row for each method: what it would cost here."""

from __future__ import annotations

from dataclasses import dataclass

from visionft.advising.first_look import FirstLook
from visionft.advising.trials import Trial
from visionft.finishing.final_metrics import TRAIN_SAMPLE

SOLVED = ("head", "prototypes")  # methods that have a linear head in closed form, and nothing by steps


@dataclass(frozen=True)
class Row:
    """What one method costs.

    Attributes:
        method: its name.
        refusal: why it cannot be used here, in one sentence; the figures are then 0.
        epochs: that a fit would take.
        images_per_second: photos trained a second, augmentation and reading included; of a solved head through it.
        peak_memory_mb: most memory of the whole process, in megabytes; on a GPU the device's.
        saved_mb: memory a photo for the backward pass in float32, in megabytes, where most is trained.
        trained: parameters trained, where most are.
        stored_mb: what a run keeps for this task, in megabytes.
        own_file: whether that is a file of additions, beside a base that tasks can share.
        seconds: expected of a whole fit, without reading the folder.
    """

    method: str
    refusal: str | None = None
    epochs: int = 0
    images_per_second: float = 0.0
    peak_memory_mb: float = 0.0
    saved_mb: float = 0.0
    trained: int = 0
    stored_mb: float = 0.0
    own_file: bool = False
    seconds: float = 0.0


def of_head(name: str, look: FirstLook, test_photos: int) -> Row:
    """Return the row of a method that solves a head: the first look is nearly all of its fit."""
    return Row(
        name,
        images_per_second=look.images_per_second,
        peak_memory_mb=look.peak_memory / 1e6,
        trained=look.head_parameters,
        stored_mb=look.stored_bytes / 1e6,
        seconds=look.seconds + _figures(look, test_photos),
    )


def of_trial(method: str, trial: Trial, look: FirstLook, test_photos: int) -> Row:
    """Return the row of a method that was tried.

    A fit is the first look, where it solves the head, then the steps, a validation an epoch, and the final figures.
    """
    validations = trial.epochs * look.held_out / look.images_per_second
    return Row(
        method,
        epochs=trial.epochs,
        images_per_second=trial.images_per_second,
        peak_memory_mb=trial.peak_memory / 1e6,
        saved_mb=trial.saved_bytes / 1e6,
        trained=trial.trainable,
        stored_mb=trial.stored_bytes / 1e6,
        own_file=trial.own_file,
        seconds=look.seconds * trial.solves_head
        + trial.steps * trial.step_seconds
        + validations
        + _figures(look, test_photos),
    )


def _figures(look: FirstLook, test_photos: int) -> float:
    """Return the seconds for the final figures on validation photos, on some training photos, and on the test split."""
    return (look.held_out + min(TRAIN_SAMPLE, look.photos) + test_photos) / look.images_per_second
