"""`visionft evaluate` and `visionft predict`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from visionft.cli.places import PLACE, require_photos, require_places, require_run
from visionft.cli.printing import Json, finish
from visionft.errors import UsageError

Model = Annotated[Path, PLACE, Parameter(help="The folder of a run or of a bundle.")]
Adapter = Annotated[str | None, Parameter(help="The adapter that answers, in a bundle with adapters.")]


def evaluate(
    run: Model,
    /,
    *,
    data: Annotated[
        Path | None, PLACE, Parameter(help="Other photos, in class folders of the run's classes; none: the run's own.")
    ] = None,
    split: Annotated[Literal["train", "validation", "test"], Parameter(help="Which of the run's own photos.")] = "test",
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
        require_photos(data)
    if retention is not None:
        require_photos(retention, "--retention")
    from visionft import workflows
    from visionft.workflows.places import holds_bundle

    evaluation = workflows.evaluate(run, data=data, split=split, retention=retention, adapter=adapter, out=out)
    following: list[str | Path] = ["predict", run, "PHOTOS", *naming(adapter)] if holds_bundle(run) else ["export", run]
    kept = {"retention": evaluation.retention.to_json()} if evaluation.retention else {}
    finish(str(evaluation), {**evaluation.metrics.summary(), **kept}, *following, as_json=as_json)


def predict(
    run: Model,
    places: Annotated[
        list[str], PLACE, Parameter(help="Photos, folders of photos (searched through) or globs.", negative="")
    ],
    /,
    *,
    adapter: Adapter = None,
    out: Annotated[Path | None, PLACE, Parameter(help="A file for the answers: .csv, .jsonl or .parquet.")] = None,
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

    predictions = workflows.predict(run, places, adapter=adapter, out=out, top=top)
    rows = predictions.to_rows() if as_json else []
    result = {"answered": len(predictions), "quarantined": len(predictions.quarantine), "out": out, "predictions": rows}
    following: list[str | Path] = ["evaluate", run, "--data", "PHOTOS", *naming(adapter)]
    if out is None:
        following = ["predict", run, *places, *naming(adapter), "--out", "answers.csv"]
    finish(str(predictions), result, *following, as_json=as_json)


def naming(adapter: str | None) -> list[str]:
    """Return the words that name an adapter in the next command."""
    return [] if adapter is None else ["--adapter", adapter]
