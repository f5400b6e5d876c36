"""The answers of one run or bundle to the photos of a comparison."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet
from numpy.typing import NDArray

from visionft.bundle import Bundle
from visionft.classes import Classes
from visionft.data import Column
from visionft.errors import DataError
from visionft.evaluation.evaluate import evaluate_bundle, evaluate_run
from visionft.evaluation.evaluation import Evaluation, Measured
from visionft.evaluation.seen_photos import TRAIN, known_photos
from visionft.evaluation.side_by_side import Answered
from visionft.runs import Run, layout
from visionft.runs.run_files import verified_table


def answered_by_run(run: Run, split: str, photos: Path | None = None) -> Answered:
    """Return a run's answers to one of its splits, or to other labelled photos.

    What an evaluation of the split wrote into the run's folder is read; where there is none, it is measured, and
    nothing is written.

    Raises:
        UsageError: the run has no such split.
        DataError: the other photos have a class that the run does not know, or no photo of the split is there.
        RunError: a file of the run is damaged.
    """
    file = run.path / layout.EVALUATION / split / "predictions.parquet"
    if photos is None and file.is_file() and run.epoch is None:
        table = pyarrow.parquet.read_table(verified_table(file))
        own = run.manifest().table
        known = dict(zip(own["path"].to_pylist(), own["digest"].to_pylist(), strict=True))
        if all(path in known for path in table["path"].to_pylist()):
            digests = Column(pa.array([known[path] for path in table["path"].to_pylist()]))
            return Answered(run.path, False, run.classes.names, list(digests), table, _trained(run, digests))
    return _of(evaluate_run(run, photos, None if photos is not None else split), run)


def answered_by_bundle(bundle: Bundle, photos: Path | Measured, adapter: str | None = None) -> Answered:
    """Return a bundle's answers to labelled photos; what it was trained on is not known.

    Raises:
        UsageError: the adapter is unknown, or none is named and each answer needs one.
        DataError: the photos have a class that the bundle does not know.
    """
    found = evaluate_bundle(bundle, photos, adapter)
    names, digests = bundle.chosen(adapter).classes.names, list(found.digests or ())
    return Answered(bundle.path, True, names, digests, found.predictions, np.zeros(len(digests), bool))


def translated(measured: Measured, own: Classes, other: Classes) -> Measured:
    """Return the photos whose classes (`own`, which their labels stand for) the others hold, labelled as those are.

    Raises:
        DataError: the two have no class of these photos in common.
    """
    place = np.array([other.index(name) if name in other else -1 for name in own], np.int64)
    labels = place[measured.rows.labels]
    kept = np.flatnonzero(labels >= 0)
    if not len(kept):
        raise DataError(
            f"no {measured.name} photo is of a class that all of them know; compare what has classes in common"
        )
    rows = measured.rows.take(kept)
    return replace(measured, rows=replace(rows, labels=labels[kept]), classes=None)


def _of(found: Evaluation, run: Run) -> Answered:
    digests = found.digests
    assert digests is not None, "an evaluation of a run has them"
    return Answered(run.path, False, run.classes.names, list(digests), found.predictions, _trained(run, digests))


def _trained(run: Run, digests: Column) -> NDArray[np.bool_]:
    """Tell which of the photos (n,) the run, or one that it goes back to, was trained on."""
    trained: NDArray[np.bool_] = known_photos(run, digests) == TRAIN
    return trained
