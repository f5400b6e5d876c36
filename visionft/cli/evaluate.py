"""`visionft evaluate` and `visionft predict`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from visionft.cli.output import Json, counting, finish
from visionft.cli.path_checks import (
    PLACE,
    refuse_flags,
    require_photos,
    require_places,
    require_run,
    with_standard_input,
)
from visionft.errors import DataError, UsageError

if TYPE_CHECKING:
    from visionft.bundle import Predictions

Model = Annotated[Path, PLACE, Parameter(help="The folder of a run or of a bundle.")]
Adapter = Annotated[str | None, Parameter(help="The adapter that answers, in a bundle with adapters.")]


def evaluate(
    run: Model,
    /,
    *,
    data: Annotated[
        Path | None,
        PLACE,
        Parameter(
            help="Other photos, in class folders of the run's classes; with --split: where the run's own are now."
        ),
    ] = None,
    split: Annotated[
        Literal["train", "validation", "test"] | None,
        Parameter(help="Which of the run's own photos; none: test, or other photos given with --data."),
    ] = None,
    retention: Annotated[
        Path | None, PLACE, Parameter(help="Photos of an earlier task: what do the features still know of them?")
    ] = None,
    adapter: Adapter = None,
    out: Annotated[
        Path | None, PLACE, Parameter(help="A folder for the figures and the predictions per photo.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Measure a run or a bundle on photos with labels."""
    require_run(run)
    if data is not None:
        require_photos(data, "--data")
    if retention is not None:
        require_photos(retention, "--retention")
    from visionft import workflows
    from visionft.workflows.run_or_bundle import holds_bundle

    evaluation = workflows.evaluate(run, data=data, split=split, retention=retention, adapter=adapter, out=out)
    following: list[str | Path] = ["predict", run, "PHOTOS", *naming(adapter)] if holds_bundle(run) else ["export", run]
    finish(str(evaluation), evaluation.summary(), *following, as_json=as_json)


def predict(
    run: Model,
    places: Annotated[
        list[str],
        PLACE,
        Parameter(
            help="Photos, folders of photos (searched through), globs; - reads paths from standard input, a line each.",
            negative="",
            allow_leading_hyphen=True,  # for `-` itself
        ),
    ],
    /,
    *,
    adapter: Adapter = None,
    out: Annotated[Path | None, PLACE, Parameter(help="A file for the answers: .csv, .jsonl or .parquet.")] = None,
    top: Annotated[int, Parameter(help="Labels for each photo, the most probable first.")] = 1,
    as_json: Json = False,
) -> None:
    """Answer photos with a run or a bundle."""
    from visionft.bundle.predictions import WRITERS

    refuse_flags(places, "predict")
    require_run(run)
    if "-" not in places:
        require_places(places)
    asked = with_standard_input(places)
    if out is not None and out.suffix.lower() not in WRITERS:
        raise UsageError(f"--out: {out} does not end in {', '.join(WRITERS)}; give it one of these endings")
    if top < 1:
        raise UsageError(f"--top: {top} is less than 1; give the number of labels for each photo")
    from visionft import workflows

    with counting() as on_progress:
        predictions = workflows.predict(run, asked, adapter=adapter, out=out, top=top, on_progress=on_progress)
    account = predictions.account
    result = {
        "asked": account.asked,
        "answered": account.measured,
        "quarantined": len(account.left_out),
        "out": out,
        "account": account.to_json(),
        "predictions": predictions.to_rows() if as_json else [],
        **predictions.mark,
    }
    following: list[str | Path] = ["evaluate", run, "--data", "PHOTOS", *naming(adapter)]
    if out is None:
        following = ["predict", run, *places, *naming(adapter), "--out", "answers.csv"]
    finish(str(predictions), result, *following, as_json=as_json)
    _complain_of_unread(predictions)


def _complain_of_unread(predictions: Predictions) -> None:
    """Raise DataError where a photo that was named could not be read, or none was; the others are answered by now."""
    unread = predictions.unanswered
    named = [row for row in unread if row.named]
    if named:
        first, several = f"{named[0].path} ({named[0].problem})", len(named) > 1
        what = f"{len(named):,} photos that you named" if several else "a photo that you named"
        them = "them" if several else "it"
        mend = f"leave {them} out, the rest is answered" if predictions.answered else "give other photos"
        raise DataError(f"{what} could not be read{', first' if several else ':'} {first}; mend {them} or {mend}")
    if unread and not predictions.answered:
        raise DataError(
            f"no photo could be read, of {len(unread):,}, first {unread[0].path} ({unread[0].problem}); "
            "give JPEG, PNG, WebP, AVIF, GIF, TIFF or BMP files"
        )


def naming(adapter: str | None) -> list[str]:
    """Return the words that name an adapter in the next command."""
    return [] if adapter is None else ["--adapter", adapter]
