"""Answers of a run or a bundle to photos."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from visionft.bundle import Bundle
from visionft.bundle.answers import answers_of
from visionft.bundle.prediction_files import table_file
from visionft.bundle.predictions import WRITERS
from visionft.errors import UsageError
from visionft.workflows.run_or_bundle import holds_bundle, path_of, refuse_adapter, run_at

if TYPE_CHECKING:
    from visionft.bundle import Predictions
    from visionft.photos import Asked
    from visionft.runs import Run

Progress = Callable[[int, int], None]


def predict(
    run_or_bundle: Run | str | Path,
    photos: Asked | Iterable[Asked],
    *,
    adapter: str | None = None,
    out: str | Path | None = None,
    top: int = 1,
    on_progress: Progress | None = None,
) -> Predictions:
    """Answer photos: files, folders, globs, and photos held in memory.

    Args:
        run_or_bundle: a run, or the folder of a run or of a bundle; a bundle needs no torch.
        photos: one or several, in a list or generator, mixed as they come: the path of a photo or of a folder (searched
            through), a glob, the bytes of a file, an open file, a picture of PIL (turned as its EXIF says), or an array
            of uint8: RGB (H, W, 3), with alpha (H, W, 4), or grey (H, W).
        adapter: the one that answers, in a bundle with adapters.
        out: a file for the answers: .csv, .jsonl or .parquet.
        top: labels in each answer, the most probable first; above 1 they are columns of their own in `out`.
        on_progress: called as photos are answered, with their number and that of all, as far as it is known.

    Returns:
        A row for each photo in its place: of a list of photos, `answers[3]` is that of the photo 3. What cannot be
        read is a row too, with the reason in `problem` and None for a label; folders and globs are expanded in place.

    Raises:
        UsageError: `top` is less than 1, there is no such adapter, or `out` cannot be written.
        DataError: one place alone is given, and holds or matches no photo.
    """
    path = path_of(run_or_bundle)
    if top < 1:
        raise UsageError(f"top is {top}: give the number of labels for each photo, from 1 up")
    saving = nullcontext() if out is None else table_file(out, WRITERS, "answers")
    with saving as save:
        predictions = _predictions(path, photos, adapter, on_progress, top).with_top(top)
        if save is not None:
            save(predictions)
    return predictions


def _predictions(
    path: Path, photos: Asked | Iterable[Asked], adapter: str | None, on_progress: Progress | None, top: int
) -> Predictions:
    if holds_bundle(path):
        from visionft.serving import predict as predict_bundle

        bundle = Bundle.open(path)
        bundle.answers.predictions((), ()).with_top(top)  # what the task cannot answer is refused before any work
        return predict_bundle(bundle, photos, adapter=adapter, on_progress=on_progress)
    refuse_adapter(path, adapter)
    run = run_at(path, unfinished=True)
    answers_of(run.task).predictions((), ()).with_top(top)
    from visionft.evaluation import predict_run

    return replace(predict_run(run, photos, on_progress), unfinished=run.epoch)
