"""From a whole graph in fp32 to a smaller and faster one that passed three gates, or to a refusal with figures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray
from onnx import ModelProto

from visionft.bundle.names import CLASS_INDEX, IMAGE, PIXELS
from visionft.bundle.quantization_record import MachineRecord, QuantizationRecord, SpeedRecord
from visionft.bundle.schema import AgreementRecord
from visionft.classes import Classes
from visionft.errors import DataError
from visionft.exporting.parity_photos import SPLIT, limit_of, read_photos, stratified
from visionft.exporting.postprocess_graph import refit_answers
from visionft.exporting.quantization.accuracy import QuantizedModel, judge
from visionft.exporting.quantization.core_graph import core_of, spliced
from visionft.exporting.quantization.gates import SLOWER, Gates, processor, saturation
from visionft.exporting.quantization.recipe_search import CALIBRATING, CHOOSING, RACED, Trial, search
from visionft.exporting.quantization.speed import race
from visionft.exporting.reference_answers import Truth
from visionft.exporting.stage_parity import STAGE_PHOTOS, Progress, Stages
from visionft.exporting.trained_model import Photos
from visionft.machine.cores import cores
from visionft.serving.onnx_session import open_model
from visionft.settings import ExportSettings

Precision = Literal["fp16", "int8"]
LEAST_TRAINING = 16
"""Training photos without which nothing can be calibrated or compared."""


@dataclass(frozen=True)
class Wanted:
    """What a shrunken model must be.

    Attributes:
        precision: `fp16` or `int8`.
        max_loss: points of top-1 under which the loss must surely lie, in (0, 100].
        allow: gates that may fail: `slower`.
        accepted: share of known photos that the threshold lets pass; None: there is no threshold.
        limit: most validation photos that are compared; None: all.
    """

    precision: Precision
    max_loss: float
    allow: tuple[Literal["slower"], ...]
    accepted: float | None
    limit: int | None


def wanted_of(settings: ExportSettings) -> Wanted | None:
    """Return what a shrunken model must be; None: none is wanted."""
    if settings.precision == "fp32":
        return None
    allow = () if settings.allow is None else (settings.allow,)
    return Wanted(settings.precision, settings.max_loss, allow, settings.accept, limit_of(settings))


@dataclass(frozen=True, eq=False)
class Quantization:
    """A shrunken model that passed.

    Attributes:
        model: the whole graph, what was fitted anew inside.
        shrunken: the same, to be asked.
        record: how it was made and judged.
        agreement: beside the trained model.
        notes: what the user should know.
    """

    model: ModelProto
    shrunken: QuantizedModel
    record: QuantizationRecord
    agreement: AgreementRecord
    notes: tuple[str, ...]


def quantize(
    model: ModelProto, trained: Truth, manifest: Photos, classes: Classes, wanted: Wanted, on_progress: Progress | None
) -> Quantization:
    """Shrink the network half, measure it and pass it through the gates.

    Args:
        model: the whole graph in fp32.
        trained: the trained model.
        manifest: photos of the run; those of training choose the recipe, those of validation judge it.
        classes: names in the order of the logits.
        wanted: what it must be.
        on_progress: called with the stage, how many steps are done and how many there are.

    Raises:
        PrecisionError: a gate failed.
        DataError: there are too few training photos to calibrate on.
        BackboneError: no recipe suits the network.
    """
    core = core_of(model)
    trial = search(core, wanted.precision, training_pixels(trained, manifest), on_progress or silent)
    whole = spliced(model, trial.core)
    speeds = speeds_of(core, trial.core, trained, on_progress)
    candidate = Candidate(model, whole, trial.core, trial, speeds, whole.ByteSize(), model.ByteSize())
    found = passed(candidate, trained, manifest, classes, wanted, on_progress)
    refit_answers(whole, found.shrunken.answering)
    return found


@dataclass(frozen=True, eq=False)
class Candidate:
    """A shrunken graph before its gates.

    Attributes:
        model: the whole graph in fp32.
        whole: the whole shrunken graph.
        core: the part of it that was shrunken.
        trial: how it was made.
        speeds: of the network half, beside fp32's.
        bytes: of the file.
        bytes_fp32: of the one in fp32.
    """

    model: ModelProto
    whole: ModelProto
    core: ModelProto
    trial: Trial
    speeds: tuple[SpeedRecord, ...]
    bytes: int
    bytes_fp32: int


def passed(
    candidate: Candidate,
    trained: Truth,
    manifest: Photos,
    classes: Classes,
    wanted: Wanted,
    on_progress: Progress | None,
) -> Quantization:
    """Judge a candidate on validation photos, pass it through the gates, and fit anew what depends on its answers.

    Raises:
        PrecisionError: a gate failed.
    """
    shrunken = QuantizedModel.of_models(candidate.whole, candidate.core, trained)
    rows = manifest.rows(SPLIT)
    chosen = stratified(rows, wanted.limit)
    judged = judge(shrunken, trained, read_photos(manifest.root, rows, chosen), len(chosen), on_progress)
    sample = list(read_photos(manifest.root, rows, chosen[:STAGE_PHOTOS]))
    notes = _notes(wanted.precision)
    gates = Gates(
        wanted.precision, _words(candidate.trial), judged.flips(), candidate.speeds,
        candidate.bytes, candidate.bytes_fp32, wanted.max_loss,
    )  # fmt: skip
    gates.require(wanted.allow, notes)
    answering = judged.refit(trained.answering, wanted.accepted)
    levels = Stages(candidate.whole, trained.preprocess).pixel_difference([photo.image for photo in sample])
    beside = _whole_speed(candidate, sample[0].image, on_progress or silent)
    record = _record(gates, candidate.trial, (*candidate.speeds, beside), answering is not trained.answering)
    agreement = judged.agreement(answering, classes, levels, len(chosen) - len(judged.labels))
    return Quantization(candidate.whole, replace(shrunken, answering=answering), record, agreement, notes)


def training_pixels(trained: Truth, manifest: Photos) -> NDArray[np.float32]:
    """Return pixels (n, 3, h, w) of training photos that a recipe is chosen on; DataError where there are too few."""
    rows = manifest.rows("train")
    photos = read_photos(manifest.root, rows, stratified(rows, CALIBRATING + CHOOSING))
    pixels = [trained.preprocess.tensor(photo.image) for photo in photos]
    if len(pixels) < LEAST_TRAINING:
        raise DataError(
            f"{len(pixels)} training photos can be read and a smaller precision is chosen on {LEAST_TRAINING} at "
            "least: bring the photos back, name the place that they moved to with --data, or give --precision fp32"
        )
    return np.stack(pixels)


def speeds_of(
    core: ModelProto, small: ModelProto, trained: Truth, on_progress: Progress | None
) -> tuple[SpeedRecord, ...]:
    """Time a shrunken core in turn with the one in fp32."""
    say = on_progress or silent
    one, two = (open_model(model.SerializeToString()) for model in (core, small))
    found = []
    for number, size in enumerate(RACED):
        say("timing", number, len(RACED))
        pixels = np.random.default_rng(0).normal(size=(size, 3, *trained.preprocess.size)).astype(np.float32)
        found.append(_speed("network", size, one, two, {PIXELS: pixels}, None))
    return tuple(found)


def _whole_speed(candidate: Candidate, image: NDArray[np.uint8], say: Progress) -> SpeedRecord:
    say("timing", len(RACED), len(RACED))
    one, two = (open_model(each.SerializeToString()) for each in (candidate.model, candidate.whole))
    return _speed("whole", 1, one, two, {IMAGE: image[None]}, [CLASS_INDEX])


def _speed(
    part: Literal["network", "whole"],
    size: int,
    one: ort.InferenceSession,
    two: ort.InferenceSession,
    feed: dict[str, NDArray[np.float32]] | dict[str, NDArray[np.uint8]],
    outputs: Sequence[str] | None,
) -> SpeedRecord:
    found = race(lambda: one.run(outputs, feed), lambda: two.run(outputs, feed))
    return SpeedRecord(
        part=part, batch=size, ratio=found.ratio, low=found.low, high=found.high,
        fp32_ms=found.champion_ms, ms=found.challenger_ms, rounds=found.rounds,
    )  # fmt: skip


def _record(gates: Gates, trial: Trial, speeds: tuple[SpeedRecord, ...], refitted: bool) -> QuantizationRecord:
    return QuantizationRecord(
        recipe=gates.recipe,
        left_in_float=trial.left,
        flips=gates.flips,
        max_loss=gates.max_loss,
        speeds=speeds,
        bytes_fp32=gates.bytes_fp32,
        machine=MachineRecord(
            processor=processor(),
            cores=cores(),
            onnxruntime=ort.__version__,
            saturates=saturation() is not None,
        ),
        allowed=(SLOWER,) if gates.slow() else (),
        refitted=refitted,
    )


def _words(trial: Trial) -> str:
    return f"{trial.name}, {len(trial.left)} nodes left in float" if trial.left else trial.name


def _notes(precision: Precision) -> tuple[str, ...]:
    warning = saturation() if precision == "int8" else None
    return () if warning is None else (warning,)


def silent(stage: str, done: int, total: int) -> None:
    """Say nothing of the progress."""
