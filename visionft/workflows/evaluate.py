"""Figures of a run or a bundle on photos with labels."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from visionft.bundle import Bundle
from visionft.errors import RunError, UsageError
from visionft.tasks.registry import require
from visionft.wording.told import Told
from visionft.workflows.in_memory_photos import stored_photos
from visionft.workflows.own_parts import own_metrics
from visionft.workflows.product_groups import FLAG, PARENT
from visionft.workflows.remote_photos import local_place
from visionft.workflows.report import reported
from visionft.workflows.run_or_bundle import holds_bundle, path_of, place_of, refuse_adapter, run_at

if TYPE_CHECKING:
    from visionft.evaluation import Evaluation, MetricFunction
    from visionft.runs import Run
    from visionft.settings import DataSettings

Say = Callable[[str], None]
PARTIAL = "-partial"
"""Ends the folder of figures on a part of a split, where those on more of it were measured before."""


def evaluate(
    run_or_bundle: Run | str | Path,
    *,
    data: Any = None,
    split: str | None = None,
    retention: str | Path | None = None,
    adapter: str | None = None,
    out: str | Path | None = None,
    slice: Sequence[str] = (),  # noqa: A002  # as the flag is called
    group_by: str | None = None,
    pictures: str | None = None,
    metrics: Mapping[str, MetricFunction] | None = None,
) -> Evaluation:
    """Measure a run or a bundle on labelled photos.

    Args:
        run_or_bundle: a run, or the folder of a run or of a bundle.
        data: another folder of class folders or manifest, or photos in memory as for `fit`; a bundle always needs some.
            With `split`: the place that the run's own photos moved to, where they are found by their digests.
        split: which of the run's own photos: train, validation or test; none: test, where `data` is not given.
        retention: photos of an earlier task, to measure what a run's features still know of them; the figures are in
            `Evaluation.retention`, and in RUN/evaluation/retention or OUT/retention.
        adapter: the one that is measured, in a bundle with adapters.
        out: a folder for the figures and the predictions per photo; none: RUN/evaluation/SPLIT or
            RUN/evaluation/data-FOLDER for a run, nowhere for a bundle or a run that is not finished. Figures on fewer
            photos of a split than were measured before go to RUN/evaluation/SPLIT-partial and replace none.
        slice: columns of the manifest that named the photos, such as supplier: `Evaluation.slices` has the accuracy by
            their values, those first that are worse by more than chance. A run's own photos have `group` too.
        group_by: what a product is, to answer all its photos together, by the mean of their log-probabilities: a column
            of the manifest; `group`, the products that `fit` kept together; or `parent`, the photo's folder.
            `Evaluation.products` has the accuracy by product beside that by photo, with a paired interval.
        pictures: photos in report.html, which lies beside the figures: `all`, or `none`; none of both: as the run was
            told, and all for a bundle.
        metrics: figures of your own by name: functions of truth and answers that return a number. Of classes they get
            indices int64 (n,) and calibrated probabilities (n, C), of numbers two arrays (n,), of several labels
            entries int8 (n, C), -1 where nobody knows, and probabilities (n, C). `Evaluation.own` has them with 95 %
            intervals (200 bootstrap draws of the photos), metrics.json as `own_metrics`.

    Raises:
        UsageError: there are no such photos, no such adapter or no such column; or a metric fails.
        DataError: a class of the photos is unknown to the model, none of the run's own is there as it was, or retention
            cannot be measured on the earlier ones.
    """
    path = path_of(run_or_bundle)
    own = own_metrics(metrics)
    if isinstance(data, str | Path):
        place_of(data, "--data")  # before anything is opened
    if not holds_bundle(path):
        refuse_adapter(path, adapter)
        run = run_at(path, unfinished=True)
        _require_stages(run.task, slice, group_by, pictures)
        photos = _place(data, run.settings.data, run.task)
        measured = _evaluate_run(run, photos, split, retention, place_of(out, "--out"), slice, group_by, own)
        return _reported(measured, run, photos, pictures)
    if data is None:
        raise UsageError(f"{path} is a bundle and brings no photos; give labelled ones with --data")
    if split is not None:
        raise UsageError(f"{path} is a bundle, which has no {split} photos of its own; leave --split out")
    if retention is not None:
        raise UsageError(f"{path} is a bundle, which has no start to compare with; give --retention with its run")
    from visionft.evaluation import columns_of_bundle, evaluate_bundle, folder_of, reading_of, with_slices

    bundle = Bundle.open(path)
    _require_stages(bundle.chosen(adapter).record.task, slice, group_by, pictures)
    photos = _place(data, reading_of(bundle.chosen(adapter)), bundle.chosen(adapter).record.task)
    assert photos is not None, "some are given"
    columns = columns_of_bundle(bundle, photos, adapter, slice) if slice else None
    products = None
    if group_by is not None:
        named = partial(columns_of_bundle, bundle, photos, adapter)
        products = folder_of if group_by == PARENT else partial(named([group_by], FLAG).of, group_by)
    evaluation = with_slices(evaluate_bundle(bundle, photos, adapter, products), columns).with_metrics(own)
    if out is None:
        return evaluation
    return _reported(replace(evaluation, written=evaluation.write(Path(out))), None, photos, pictures)


def _require_stages(task: str, slices: Sequence[str], group_by: str | None, pictures: str | None) -> None:
    """Refuse what an evaluation of another task has nothing to do with; UsageError says so."""
    if slices:
        require(task, "slices", f"--slice {slices[0]}", "leave it out")
    if group_by is not None:
        require(task, "products", f"--group-by {group_by}", "leave it out")
    if pictures == "all":
        require(task, "report", f"--pictures {pictures}, for a report,", "leave it out")


def _reported(evaluation: Evaluation, run: Run | None, photos: Path | None, pictures: str | None) -> Evaluation:
    again = "the same visionft evaluate" if run is None or photos is not None else f"visionft report {run.path}"
    return reported(evaluation, run, pictures, again)


def _place(photos: Any, settings: DataSettings, task: str) -> Path | None:
    """Return where photos are, after those in memory were put into files."""
    kept = stored_photos(photos, settings, task)
    if kept is not None:
        return kept.manifest
    place = place_of(photos, "--data")
    return None if place is None else local_place(place, settings)


def _evaluate_run(
    run: Run,
    photos: Path | None,
    split: str | None,
    retention: str | Path | None,
    out: Path | None,
    slices: Sequence[str],
    group_by: str | None,
    metrics: Mapping[str, MetricFunction],
) -> Evaluation:
    from visionft.evaluation import Earlier, columns_of_run, evaluate_run, folder_of, measure_retention, with_slices
    from visionft.runs import layout

    columns = columns_of_run(run, photos, split, slices) if slices else None
    earlier = (
        Earlier.read(local_place(Path(retention), run.settings.data), run.settings.data)
        if retention is not None
        else None
    )
    products = None
    if group_by is not None:
        named = partial(columns_of_run, run, photos, split)
        products = folder_of if group_by == PARENT else partial(named([group_by], FLAG).of, group_by)
    evaluation = with_slices(evaluate_run(run, photos, split, products), columns).with_metrics(metrics)
    if earlier is not None:
        kept = measure_retention(run, earlier)
        evaluation = replace(evaluation, retention=kept)
    if run.epoch is not None:  # what lies in a run's folder is of its final weights
        evaluation = replace(evaluation, unfinished=run.epoch)
        if out is None:
            return evaluation
    if evaluation.retention is not None:
        evaluation.retention.write(run.path / layout.RETENTION if out is None else out / Path(layout.RETENTION).name)
    if out is not None:
        return replace(evaluation, written=evaluation.write(out))
    folder = run.path / layout.EVALUATION
    # A folder of other photos may be called "test" too, and would take the place of the run's own figures.
    others = photos is not None and split is None
    return _kept(evaluation, folder / (f"data-{evaluation.split}" if others else evaluation.split), own=not others)


def _kept(evaluation: Evaluation, folder: Path, *, own: bool) -> Evaluation:
    """Write into a folder of the run, or beside it where figures on more photos of the same split lie in it."""
    earlier = _measured_before(folder) if own else 0
    if evaluation.account.measured < earlier:
        note = (
            f"these are fewer photos than the {earlier:,} that the figures in {folder} are of, so that those stay "
            "beside these"
        )
        evaluation = replace(evaluation, notes=(*evaluation.notes, note))
        folder = folder.with_name(f"{folder.name}{PARTIAL}")
    return replace(evaluation, written=evaluation.write(folder))


def _measured_before(folder: Path) -> int:
    """Return how many photos the figures in a folder are of; 0 where there are none, or none that can be read."""
    from visionft.runs.run_files import read_json

    try:
        number = read_json(folder / "metrics.json").get("n")
    except RunError:
        return 0
    return number if isinstance(number, int) else 0


def evaluate_once(
    run: Run, say: Say, place: str | Path | None = None, pictures: str | None = None
) -> Evaluation | None:
    """Evaluate the test split, if there is one and it was not evaluated yet; `place`: where its photos moved to."""
    from visionft.runs import layout

    folder = run.path / layout.EVALUATION / "test"
    if not run.has_split("test") or (folder / "metrics.json").is_file():
        return None
    evaluation = evaluate(run, data=place, split="test", out=folder, pictures=pictures)
    told = replace(evaluation, report=None)  # its photos are in the report of the run too
    say(Told(told.said_of("test"), told.brief_of("test")))
    return evaluation
