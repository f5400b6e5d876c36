"""`visionft runs`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from visionft.cli.output import Json, finish
from visionft.cli.path_checks import PLACE


def runs(
    folder: Annotated[Path, PLACE, Parameter(help="A folder of runs, searched three levels deep, or a run.")] = Path(
        "runs"
    ),
    /,
    *,
    as_json: Json = False,
) -> None:
    """List the runs of a folder: state, method, backbone, figures, and the command that comes next."""
    from visionft import workflows

    found = workflows.list_runs(folder)
    following = [] if found else ["fit", "PHOTOS"]
    finish(str(found), found.to_json(), *following, as_json=as_json)
