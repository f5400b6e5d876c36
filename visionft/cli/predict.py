"""`visionft predict`."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from visionft.cli.arguments import Model, adapter_words
from visionft.cli.flags import with_typed_settings
from visionft.cli.output import Json, counting, finish
from visionft.cli.path_checks import PLACE, refuse_flags, require_places, require_run, with_standard_input
from visionft.errors import DataError, UsageError
from visionft.settings.predict import PredictSettings

if TYPE_CHECKING:
    from visionft.bundle import Predictions
    from visionft.bundle.prediction_folder import PredictionFolder


@partial(with_typed_settings, root=PredictSettings)
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
    as_json: Json = False,
    **flags: Any,
) -> None:
    """Answer photos with a run or a bundle; or with an index, by a vote of its nearest photos."""
    from visionft.bundle.predictions import WRITERS, Predictions

    settings = PredictSettings(**flags)
    adapter, out, top = settings.adapter, settings.out, settings.top
    refuse_flags(places, "predict")
    require_run(run)
    if "-" not in places:
        require_places(places)
    asked = with_standard_input(places)
    if out is not None and out.suffix and out.suffix.lower() not in WRITERS and not out.is_dir():
        raise UsageError(
            f"--out: {out} does not end in {', '.join(WRITERS)}; give it one of these endings, or none for a folder"
        )
    if top < 1:
        raise UsageError(f"--top: {top} is less than 1; give the number of labels for each photo")
    from visionft import workflows
    from visionft.workflows.run_or_bundle import holds_index

    with counting() as on_progress:
        predictions = workflows.predict(run, asked, **settings.model_dump(), on_progress=on_progress)
    account = predictions.account
    result = {
        "asked": account.asked,
        "answered": account.measured,
        "quarantined": len(account.left_out),
        "out": out,
        "account": account.to_json(),
        "predictions": [],
    }
    if isinstance(predictions, Predictions):
        result |= {"predictions": predictions.to_rows() if as_json else [], **predictions.mark}
    following: list[str | Path] = ["evaluate", run, "--data", "PHOTOS", *adapter_words(adapter)]
    if holds_index(run):
        following = ["search", run, *places]
    if out is None:
        grouped = [] if settings.group_by is None else ["--group-by", settings.group_by]
        following = ["predict", run, *places, *adapter_words(adapter), *grouped, "--out", "answers.csv"]
    finish(str(predictions), result, *following, as_json=as_json, failure=_unread(predictions))


def _unread(predictions: Predictions | PredictionFolder) -> DataError | None:
    """Return what fails where a photo that was named could not be read, or none was; the others are answered by now."""
    unread = predictions.unanswered
    named = [row for row in unread if row.named]
    if named:
        first, several = f"{named[0].path} ({named[0].problem})", len(named) > 1
        what = f"{len(named):,} photos that you named" if several else "a photo that you named"
        them = "them" if several else "it"
        mend = f"leave {them} out, the rest is answered" if predictions.account.measured else "give other photos"
        return DataError(f"{what} could not be read{', first' if several else ':'} {first}; mend {them} or {mend}")
    if unread and not predictions.account.measured:
        return DataError(
            f"no photo could be read, of {len(unread):,}, first {unread[0].path} ({unread[0].problem}); "
            "give JPEG, PNG, WebP, AVIF, HEIC, JPEG 2000, GIF, TIFF or BMP files"
        )
    return None
