"""Figures and answers of a run or a bundle."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from visionft.bundle import Bundle
from visionft.errors import UsageError
from visionft.workflows.places import holds_bundle, path_of, place_of, run_at

if TYPE_CHECKING:
    from visionft.bundle import Predictions
    from visionft.evaluation import Evaluation
    from visionft.runs import Run

Say = Callable[[str], None]
OWN_SPLIT = "test"
"""The run's own photos that are measured where nothing else is asked for."""


def evaluate(
    run_or_bundle: Run | str | Path,
    *,
    data: str | Path | None = None,
    split: str = OWN_SPLIT,
    retention: str | Path | None = None,
    adapter: str | None = None,
    out: str | Path | None = None,
) -> Evaluation:
    """Measure a run or a bundle on labelled photos.

    Args:
        run_or_bundle: a run, or the folder of a run or of a bundle.
        data: another folder of class folders or manifest; a bundle always needs one.
        split: which of the run's own photos, where `data` is not given.
        retention: photos of an earlier task, to measure what a run's features still know of them; the figures are in
            `Evaluation.retention`, and in RUN/evaluation/retention or OUT/retention.
        adapter: the one that is measured, in a bundle with adapters.
        out: a folder for the figures and the predictions per photo; none: RUN/evaluation/SPLIT or
            RUN/evaluation/data-FOLDER for a run, nowhere for a bundle.

    Raises:
        UsageError: there are no such photos, or no such adapter.
        DataError: a class of the photos is unknown to the model, or retention cannot be measured on the earlier ones.
    """
    path, photos = path_of(run_or_bundle), place_of(data, "--data")
    _refuse_idle(split, photos)
    if not holds_bundle(path):
        _refuse_adapter(path, adapter)
        return _evaluate_run(run_at(path), photos, split, retention, place_of(out, "--out"))
    if photos is None:
        raise UsageError(f"{path} is a bundle and brings no photos; give labelled ones with --data")
    if retention is not None:
        raise UsageError(f"{path} is a bundle, which has no start to compare with; give --retention with its run")
    from visionft.evaluation import evaluate_bundle

    evaluation = evaluate_bundle(Bundle.open(path), photos, adapter)
    if out is not None:
        evaluation.write(Path(out))
    return evaluation


def _evaluate_run(
    run: Run, photos: Path | None, split: str, retention: str | Path | None, out: Path | None
) -> Evaluation:
    from visionft.evaluation import Earlier, evaluate_run, measure_retention
    from visionft.runs import layout

    earlier = Earlier.read(retention, run.settings.data) if retention is not None else None
    evaluation = evaluate_run(run, photos, split)
    if earlier is not None:
        kept = measure_retention(run, earlier)
        kept.write(run.path / layout.RETENTION if out is None else out / Path(layout.RETENTION).name)
        evaluation = replace(evaluation, retention=kept)
    # A folder of other photos may be called "test" too, and would take the place of the run's own figures.
    name = evaluation.split if photos is None else f"data-{evaluation.split}"
    evaluation.write(run.path / layout.EVALUATION / name if out is None else out)
    return evaluation


def predict(
    run_or_bundle: Run | str | Path,
    photos: Sequence[str | Path] | str | Path,
    *,
    adapter: str | None = None,
    out: str | Path | None = None,
    top: int = 1,
) -> Predictions:
    """Answer photos, folders of photos or globs.

    Args:
        run_or_bundle: a run, or the folder of a run or of a bundle; a bundle needs no torch.
        photos: one or several files, folders (searched through) or globs.
        adapter: the one that answers, in a bundle with adapters.
        out: a file for the answers: .csv, .jsonl or .parquet.
        top: labels in each answer, the most probable first; above 1 they are columns of their own in `out`.

    Raises:
        UsageError: `top` is less than 1, or there is no such adapter.
        DataError: a place matches no photo.
    """
    path = path_of(run_or_bundle)
    places = [photos] if isinstance(photos, (str, Path)) else list(photos)
    if holds_bundle(path):
        from visionft.serving import predict as predict_bundle

        predictions = predict_bundle(path, places, adapter=adapter)
    else:
        _refuse_adapter(path, adapter)
        from visionft.evaluation import predict_run

        predictions = predict_run(run_at(path), places)
    predictions = predictions.with_top(top)
    if out is not None:
        predictions.write(out)
    return predictions


def _refuse_idle(split: str, photos: Path | None) -> None:
    """Raise UsageError where a split of the run's own photos is named beside other photos; the default is not."""
    if photos is not None and split != OWN_SPLIT:
        raise UsageError(
            f"--split: {split} has no effect, as --data {photos} gives other photos; leave one of them out"
        )


def _refuse_adapter(path: Path, adapter: str | None) -> None:
    if adapter is not None:
        raise UsageError(f"{path} is a run, which answers by itself; leave --adapter {adapter} out, or give a bundle")


def test_once(run: Run, say: Say) -> Evaluation | None:
    """Evaluate the test split, if there is one and it was not evaluated yet."""
    from visionft.runs import layout

    folder = run.path / layout.EVALUATION / "test"
    if not run.has_split("test") or (folder / "metrics.json").is_file():
        return None
    evaluation = evaluate(run, out=folder)
    say(f"test: {evaluation.metrics}")
    return evaluation
