"""Answers of a run or a bundle to photos."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

from visionft.bundle import Bundle, Predictions
from visionft.bundle.answers import answers_of
from visionft.bundle.prediction_files import table_file
from visionft.bundle.predictions import WRITERS
from visionft.errors import UsageError
from visionft.tasks.registry import require
from visionft.workflows.predict_folder import Engine, is_folder, predict_into
from visionft.workflows.product_groups import grouped
from visionft.workflows.remote_photos import local_asked
from visionft.workflows.run_or_bundle import holds_bundle, holds_index, path_of, refuse_adapter, run_at

if TYPE_CHECKING:
    from visionft.bundle.prediction_folder import PredictionFolder
    from visionft.photos import Asked
    from visionft.runs import Run

Progress = Callable[[int, int], None]


@overload
def predict(
    run_or_bundle: Run | str | Path,
    photos: Asked | Iterable[Asked],
    *,
    adapter: str | None = None,
    out: None = None,
    top: int = 1,
    min_confidence: float | None = None,
    group_by: str | Sequence[str] | None = None,
    on_progress: Progress | None = None,
) -> Predictions: ...


@overload
def predict(
    run_or_bundle: Run | str | Path,
    photos: Asked | Iterable[Asked],
    *,
    adapter: str | None = None,
    out: str | Path | None = None,
    resume: bool = False,
    top: int = 1,
    min_confidence: float | None = None,
    engine: str = "local",
    engine_address: str | None = None,
    engine_workers: int | None = None,
    group_by: str | Sequence[str] | None = None,
    on_progress: Progress | None = None,
) -> Predictions | PredictionFolder: ...


def predict(
    run_or_bundle: Run | str | Path,
    photos: Asked | Iterable[Asked],
    *,
    adapter: str | None = None,
    out: str | Path | None = None,
    resume: bool = False,
    top: int = 1,
    min_confidence: float | None = None,
    engine: str = "local",
    engine_address: str | None = None,
    engine_workers: int | None = None,
    group_by: str | Sequence[str] | None = None,
    on_progress: Progress | None = None,
) -> Predictions | PredictionFolder:
    """Answer photos: files, folders, globs, and photos held in memory.

    Args:
        run_or_bundle: a run, or the folder of a run, of a bundle or of an index, whose nearest photos vote; the last
            two need no torch (an index that a bundle made).
        photos: one or several, in a list or generator, mixed as they come: the path of a photo or of a folder (searched
            through), a glob, the bytes of a file, an open file, a picture of PIL (turned as its EXIF says), or an array
            of uint8: RGB (H, W, 3), with alpha (H, W, 4), or grey (H, W).
        adapter: the one that answers, in a bundle with adapters.
        out: a file for the answers: .csv, .jsonl or .parquet; or a folder, for photos that have paths: rows are then
            written as they come, into files of 1,024 that are each whole or not there, and are not held in memory.
        resume: go on with a folder that was begun, by the same model, settings and photos; without one, begin.
        top: labels in each answer, the most probable first; above 1 they are columns of their own in `out`.
        min_confidence: probability from which a level of a taxonomy is answered, above 0.5 and up to 1; none: the one
            that the run or bundle has.
        engine: `local`, or `ray`: a bundle answers by the workers of a Ray cluster, into a folder that all of them see
            like the bundle and the photos.
        engine_address: the Ray cluster, `HOST:PORT` or `auto`; none: that of $RAY_ADDRESS, else one is started on this
            machine for the time of the call.
        engine_workers: processes that answer, of one core each; none: one for each core of the cluster.
        group_by: what a product is, for one answer of all its photos, by the mean of their log-probabilities: `parent`,
            the photo's folder; a column of the manifest that is given for `photos`; or a list with the product of each
            photo. What is returned and written is then a row a product, with the number of its photos.
        on_progress: called as photos are answered, with their number and that of all, as far as it is known.

    Returns:
        A row for each photo in its place: of a list of photos, `answers[3]` is that of the photo 3. What cannot be
        read is a row too, with the reason in `problem` and None for a label; folders and globs are expanded in place.
        Of a folder for `out` that folder, whose rows are read with `tables()`; with `group_by` a row for each product.

    Raises:
        UsageError: `top` is less than 1, there is no such adapter, or `out` cannot be written; a folder was begun with
            something else; an engine's setting is given without it; `min_confidence` is asked of answers that come at
            one level, or of a folder.
        DataError: one place alone is given, and holds or matches no photo.
        MissingExtraError: ray is not installed.
        ProcessLostError: the Ray cluster cannot be reached, or was lost.
    """
    path = path_of(run_or_bundle)
    if top < 1:
        raise UsageError(f"top is {top}: give the number of labels for each photo, from 1 up")
    where = Engine.of(engine, engine_address, engine_workers)
    where.require(out, resume)
    if holds_index(path):
        _require_alone(path, adapter, group_by, out)
    if group_by is not None and out is not None and is_folder(out):
        raise UsageError(
            f"--group-by waits for all photos of a product, and the folder --out {out} is written as photos come: give "
            f"--out a file that ends in {', '.join(WRITERS)}"
        )
    photos = local_asked(photos, called=True)
    if out is not None and is_folder(out):
        if min_confidence is not None:
            raise UsageError(
                f"min_confidence is {min_confidence:g}, and a folder of answers takes the one of its model: export the "
                "run with it, or give a file"
            )
        return predict_into(Path(out), path, photos, adapter, top, resume, where, on_progress)
    saving = nullcontext() if out is None else table_file(out, WRITERS, "answers")
    with saving as save:

        def shape(found: Predictions) -> Predictions:
            return _shaped(found, top, min_confidence)

        if group_by is None:
            predictions = _predictions(path, photos, adapter, on_progress, shape)
        else:
            predictions = shape(_products(path, photos, adapter, on_progress, group_by))
        if save is not None:
            save(predictions)
    return predictions


def _shaped(predictions: Predictions, top: int, min_confidence: float | None) -> Predictions:
    """Return predictions as they are asked for; UsageError where the task cannot give them so."""
    found = predictions.with_top(top)
    return found if min_confidence is None else found.with_min_confidence(min_confidence)


def _require_alone(
    index: Path, adapter: str | None, group_by: str | Sequence[str] | None, out: str | Path | None
) -> None:
    """Refuse what an index has no part in; UsageError says so."""
    if adapter is not None:
        raise UsageError(f"{index} is an index, which answers by the model that made it; leave --adapter {adapter} out")
    if group_by is not None:
        raise UsageError(f"{index} is an index, which answers each photo by its neighbours; leave --group-by out")
    if out is not None and is_folder(out):
        raise UsageError(f"--out: the answers of an index go into a file; give {out}.csv, .jsonl or .parquet")


def _by_index(folder: Path, photos: Asked | Iterable[Asked], on_progress: Progress | None) -> Predictions:
    from visionft.searching.index_classifier import Classifier
    from visionft.searching.open_store import opened
    from visionft.workflows.index_queries import embedded

    with opened(folder) as store:
        Classifier.of(store)  # what cannot answer says so before any work
        queries = embedded(store, photos, on_progress)
        store.connection.execute("BEGIN")  # one view of the rows, whatever a writer does meanwhile
        return Classifier.of(store).predictions(store, queries)


def _predictions(
    path: Path,
    photos: Asked | Iterable[Asked],
    adapter: str | None,
    on_progress: Progress | None,
    shaped: Callable[[Predictions], Predictions],
) -> Predictions:
    if holds_index(path):
        shaped(Predictions((), ()))  # what the answers cannot be is refused before any work
        return shaped(_by_index(path, photos, on_progress))
    if holds_bundle(path):
        from visionft.serving import predict as predict_bundle

        bundle = Bundle.open(path)
        shaped(bundle.answers.predictions((), ()))  # what the task cannot answer is refused before any work
        return shaped(predict_bundle(bundle, photos, adapter=adapter, on_progress=on_progress))
    refuse_adapter(path, adapter)
    run = run_at(path, unfinished=True)
    shaped(answers_of(run.task).predictions((), ()))
    from visionft.evaluation import predict_run

    return shaped(replace(predict_run(run, photos, on_progress), unfinished=run.epoch))


def _products(
    path: Path, photos: Any, adapter: str | None, on_progress: Progress | None, group_by: str | Sequence[str]
) -> Predictions:
    """Return a row for each product."""
    asked = f"--group-by {group_by}" if isinstance(group_by, str) else "group_by"
    if holds_bundle(path):
        from visionft.serving.predict_bundle import answerer_of

        bundle = Bundle.open(path)
        record = bundle.chosen(adapter).record
        require(record.task, "products", asked, "leave it out")
        found = grouped(path, photos, group_by)
        reading = bundle.answers.reading(record)
        return answerer_of(bundle, adapter).products(found.items, found.names, reading, on_progress)
    refuse_adapter(path, adapter)
    run = run_at(path, unfinished=True)
    require(run.task, "products", asked, "leave it out")
    found = grouped(path, photos, group_by)
    from visionft.evaluation import run_answerer

    reading = run.answering().reading
    with run_answerer(run) as answerer:
        told = answerer.products(found.items, found.names, reading, on_progress)
    return replace(told, unfinished=run.epoch)
