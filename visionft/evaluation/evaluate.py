"""Held-out evaluation of a run or a bundle: the only room that reads the test split."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from visionft import data
from visionft.backbones import forward_batches
from visionft.bundle import Bundle
from visionft.classes import Classes
from visionft.data import EvalPhotos, Manifest, eval_batches
from visionft.errors import DataError, UsageError
from visionft.evaluation.evaluation import Evaluation, Measured
from visionft.evaluation.products import Grouping
from visionft.evaluation.seen_photos import known_photos
from visionft.machine.arithmetic import full_precision
from visionft.machine.memory import ON_PROCESSOR, memory_shortage_said
from visionft.photos import of_file
from visionft.runs import Run
from visionft.runs.learning import learning_of
from visionft.serving.engine import Engine
from visionft.serving.predict_bundle import answering
from visionft.serving.streaming import answered
from visionft.settings import DataSettings
from visionft.tasks.registry import spec_of

BATCH = 64
SPLITS = ("train", "validation", "test")


@memory_shortage_said("the evaluation", ON_PROCESSOR)
@full_precision()
def evaluate_run(
    run: Run, photos: Path | None = None, split: str | None = None, products: Grouping | None = None
) -> Evaluation:
    """Evaluate a run's final weights in fp32 on one of its splits, or on another folder or manifest.

    A photo of the run's own that has other bytes than the run recorded is left out, with its reason.

    Args:
        run: a finished run.
        photos: other photos; with a split: where the run's own are now, matched by their digests.
        split: one of the run's own; none: other photos are measured, or the test split where none are given.
        products: what tells the product of each photo, for one answer a product beside those of the photos.

    Raises:
        UsageError: the run has no such split, or it is empty.
        DataError: the other photos have a class that the run does not know, or no photo of the split is there.
    """
    if photos is None or split is not None:
        measured = own_photos(run, "test" if split is None else split, photos)
    else:
        measured = _others(photos, run.classes, run.settings.data, run.task)
    rows, apart = measured.rows, split in (None, "test")  # the other splits are known to the run, all of them
    dataset = EvalPhotos(rows, measured.root, run.preprocess)
    workers = (
        int(run.settings.hardware.workers) if len(rows) > BATCH else 0
    )  # starting processes costs more than one batch
    device = run.device
    network = run.network().to(device)
    answers = forward_batches(
        network, eval_batches(dataset, BATCH, workers), run.preprocess, device=device, want=("logits",)
    )
    return Evaluation.of(
        run.path,
        measured,
        measured.classes or run.classes,
        answers["logits"],
        run.answering(),
        known_photos(run, rows.digests),
        apart=apart,
        task=run.task,
        products=products,
        training=run.train_counts if "long_tail" in spec_of(run.task).stages else None,
    )


def evaluate_bundle(
    bundle: Bundle, photos: Path | Measured, adapter: str | None = None, products: Grouping | None = None
) -> Evaluation:
    """Evaluate the shipped file through onnxruntime on labelled photos, from their encoded bytes.

    Args:
        bundle: what is measured.
        photos: a folder or manifest, or photos that were read already, labelled by the bundle's classes.
        adapter: the one that answers, in a bundle with adapters.
        products: as of `evaluate_run`.

    Raises:
        UsageError: the adapter is unknown, or none is named and each answer needs one.
        DataError: the photos have a class that the bundle does not know.
    """
    chosen = bundle.chosen(adapter)
    if isinstance(photos, Measured):
        measured = photos
    else:
        measured = _others(photos, chosen.classes, reading_of(chosen), chosen.record.task)
    logits = _logits(Engine(bundle), [measured.root / str(path) for path in measured.rows.paths], adapter)
    task, shipped = chosen.record.task, learning_of(chosen.record.task).shipped(chosen.record)
    classes = measured.classes or chosen.classes
    return Evaluation.of(bundle.path, measured, classes, logits, shipped, task=task, products=products)


def _others(photos: Path, classes: Classes, settings: DataSettings, task: str) -> Measured:
    if settings.group_by == "column" and photos.is_file():  # products matter to splits alone, and here are none
        settings = settings.model_copy(update={"group_by": "none"})
    manifest = data.label_photos(photos, classes, settings, task=task)
    name, rows = photos.absolute().stem, manifest.rows("test")
    account, apart = manifest.account, manifest.quarantine
    return Measured(name, rows, manifest.root, account, apart, manifest.notes, manifest.classes)


def own_photos(run: Run, split: str, place: Path | None = None) -> Measured:
    """Find the photos of a run's split again, as they were when it was made.

    Raises:
        UsageError: the run has no such split, or it is empty.
        DataError: no photo of it is there.
    """
    manifest = _split_of(run, split)
    located = data.locate(manifest, (split,), run.settings.data, place, flags=f"--split {split} --data")
    made = manifest.account
    notes = [f"when the run was made: {made}"] if made.left_out else []
    notes += [located.note] if located.note else []
    rows = located.manifest.rows(split)
    return Measured(split, rows, located.manifest.root, located.account, manifest.quarantine, tuple(notes))


def reading_of(bundle: Bundle) -> DataSettings:
    """Return how the bundle's run read its photos: which folders make the class name."""
    trained: Any = bundle.record.provenance.get("settings", {})
    return DataSettings.model_validate(trained.get("data", {}))


def _logits(engine: Engine, paths: Sequence[Path], adapter: str | None) -> NDArray[np.float32]:
    """Return (N, C) raw logits, in the order of the paths."""
    found: dict[int, NDArray[np.float32]] = {}
    for outcome in answered(map(of_file, paths), engine.pixels, answering(engine, adapter)):
        if outcome.answer is None:
            raise DataError(
                f"{outcome.name} could be read a moment ago and cannot any more ({outcome.problem}); "
                "run the command again"
            )
        found[outcome.place] = outcome.answer.logits
    return np.stack([found[place] for place in range(len(found))])


def _split_of(run: Run, split: str) -> Manifest:
    if split not in SPLITS:
        raise UsageError(f"there is no split called {split!r}; give {', '.join(SPLITS)}, or another folder with --data")
    manifest = run.manifest()
    if not sum(manifest.counts().get(split, {}).values()):
        raise UsageError(
            f"the run {run.path} has no photos in its {split} split; give another --split, or photos with --data"
        )
    return manifest
