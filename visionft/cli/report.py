"""`visionft report`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from visionft.cli.output import Json, finish
from visionft.cli.path_checks import PLACE, require_photos, require_run


def report(
    run: Annotated[Path, PLACE, Parameter(help="The folder of a finished run.")],
    /,
    *,
    data: Annotated[
        Path | None, PLACE, Parameter(help="The folder that its photos moved to, with the same paths below it.")
    ] = None,
    pictures: Annotated[
        Literal["all", "none"] | None, Parameter(help="Whether photos are shown; unset: as the run was told.")
    ] = None,
    explain: Annotated[
        bool,
        Parameter(negative="", help="Show where the network looks on the worst, most confused and least sure photos."),
    ] = False,
    as_json: Json = False,
) -> None:
    """Write report.html and report.json of a run and of its evaluations again, from what lies in its folder.

    `fit` and `evaluate` write them by themselves. A page is one file that asks for nothing else.
    """
    require_run(run)
    if data is not None:
        require_photos(data, "--data")
    from visionft import workflows

    page = workflows.report(run, data=data, pictures=pictures, explain=explain)
    finish(f"report: {page}", {"run": str(run), "report": str(page)}, "export", run, as_json=as_json)
