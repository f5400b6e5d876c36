"""`visionft explain`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from visionft.cli.output import Json, finish
from visionft.cli.path_checks import PLACE, require_places, require_run

PICTURE = Path("heat.png")


def explain(
    run: Annotated[Path, PLACE, Parameter(help="The folder of a run.")],
    photo: Annotated[Path, PLACE, Parameter(help="A photo.")],
    /,
    *,
    of: Annotated[str | None, Parameter(help="The class that is explained; unset: the one that is answered.")] = None,
    out: Annotated[
        Path, PLACE, Parameter(help="A .png for the photo beside the same with its warm places coloured.")
    ] = PICTURE,
    as_json: Json = False,
) -> None:
    """Show where a run looks on a photo: the places that speak for a class."""
    require_run(run)
    require_places([str(photo)])
    from visionft import workflows

    found = workflows.explain(run, photo, of=of, out=out)
    record = {
        "run": str(run),
        "photo": str(photo),
        "label": found.label,
        "answer": found.answer,
        "probability": found.probability,
        "heat": found.heat.any(),
        "out": str(out),
    }
    finish(f"{found}\nwhere it looks: {out}", record, "report", run, "--explain", as_json=as_json)
