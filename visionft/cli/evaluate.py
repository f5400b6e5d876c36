"""`visionft evaluate`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from visionft.cli.arguments import Adapter, Model, adapter_words
from visionft.cli.output import Json, finish
from visionft.cli.path_checks import PLACE, require_photos, require_run


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
    following: list[str | Path] = (
        ["predict", run, "PHOTOS", *adapter_words(adapter)] if holds_bundle(run) else ["export", run]
    )
    finish(str(evaluation), evaluation.summary(), *following, as_json=as_json)
