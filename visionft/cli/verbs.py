"""`visionft evaluate`, `visionft predict` and `visionft export`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from visionft.cli.places import require_photos, require_places, require_run
from visionft.cli.printing import Json, finish
from visionft.errors import UsageError

Model = Annotated[Path, Parameter(help="The folder of a run or of a bundle.")]


def evaluate(
    run: Model,
    /,
    *,
    data: Annotated[
        Path | None, Parameter(help="Other photos, in class folders of the run's classes; none: the run's own.")
    ] = None,
    split: Annotated[Literal["train", "validation", "test"], Parameter(help="Which of the run's own photos.")] = "test",
    retention: Annotated[
        Path | None, Parameter(help="Photos of an earlier task: what do the features still know of them?")
    ] = None,
    out: Annotated[Path | None, Parameter(help="A folder for the figures and the predictions per photo.")] = None,
    as_json: Json = False,
) -> None:
    """Measure a run or a bundle on photos with labels."""
    require_run(run)
    if data is not None:
        require_photos(data)
    if retention is not None:
        require_photos(retention, "--retention")
    from visionft import workflows
    from visionft.workflows.places import holds_bundle

    evaluation = workflows.evaluate(run, data=data, split=split, retention=retention, out=out)
    following = ("predict", run, "PHOTOS") if holds_bundle(run) else ("export", run)
    kept = {"retention": evaluation.retention.to_json()} if evaluation.retention else {}
    finish(str(evaluation), {**evaluation.metrics.summary(), **kept}, *following, as_json=as_json)


def predict(
    run: Model,
    places: Annotated[list[str], Parameter(help="Photos, folders of photos (searched through) or globs.", negative="")],
    /,
    *,
    out: Annotated[Path | None, Parameter(help="A file for the answers: .csv, .jsonl or .parquet.")] = None,
    top: Annotated[int, Parameter(help="Labels for each photo, the most probable first.")] = 1,
    as_json: Json = False,
) -> None:
    """Answer photos with a run or a bundle."""
    from visionft.bundle.answers import WRITERS

    require_run(run)
    require_places(places)
    if out is not None and out.suffix.lower() not in WRITERS:
        raise UsageError(f"--out: {out} does not end in {', '.join(WRITERS)}; give it one of these endings")
    if top < 1:
        raise UsageError(f"--top: {top} is less than 1; give the number of labels for each photo")
    from visionft import workflows

    predictions = workflows.predict(run, places, out=out, top=top)
    rows = predictions.to_rows() if as_json else []
    result = {"answered": len(predictions), "quarantined": len(predictions.quarantine), "out": out, "predictions": rows}
    following: list[str | Path] = ["evaluate", run, "--data", "PHOTOS"]
    if out is None:
        following = ["predict", run, *places, "--out", "answers.csv"]
    finish(str(predictions), result, *following, as_json=as_json)


def export(
    run: Annotated[Path, Parameter(help="The folder of a run.")],
    /,
    *,
    out: Annotated[Path | None, Parameter(help="The bundle's folder; none: RUN/bundle.")] = None,
    precision: Annotated[
        Literal["fp32", "fp16", "int8"],
        Parameter(help="Arithmetic of the exported network; a smaller one is kept if it passes three gates."),
    ] = "fp32",
    max_loss: Annotated[
        float, Parameter(help="Points of top-1 under which a smaller precision's loss must lie, with 95 % certainty.")
    ] = 0.5,
    allow: Annotated[
        Literal["slower"] | None, Parameter(help="Keep a smaller precision that is not faster on this machine.")
    ] = None,
    golden: Annotated[
        Literal["photos", "none"], Parameter(help="Whether photos with their answers travel inside the bundle.")
    ] = "photos",
    accept: Annotated[
        str,
        Parameter(
            help="Share of known photos that the threshold lets pass, or none; photos below it are answered unknown."
        ),
    ] = "0.95",
    all_photos: Annotated[
        bool, Parameter(name="--all", negative="", help="Compare on every validation photo instead of at most 2,000.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Write the bundle that is deployed, after checking that it answers like the run."""
    require_run(run)
    share = _share(accept)
    from visionft import workflows

    exported = workflows.export(
        run, out, precision=precision, max_loss=max_loss, allow=allow, golden=golden, accept=share, all=all_photos
    )
    finish(str(exported), exported.to_json(), "predict", exported.bundle, "PHOTOS", as_json=as_json)


def _share(given: str) -> float | None:
    if given == "none":
        return None
    try:
        share = float(given)
    except ValueError:
        share = -1.0
    if not 0 < share < 1:
        raise UsageError(f"--accept: {given} is not a share between 0 and 1; give one such as 0.95, or none")
    return share
