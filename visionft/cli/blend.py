"""`visionft blend`."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from visionft.cli.output import Json, finish, say
from visionft.cli.path_checks import PLACE, require_photos, require_run


def blend(
    run: Annotated[Path, PLACE, Parameter(help="The folder of a run.")],
    /,
    *,
    out: Annotated[Path | None, PLACE, Parameter(help="The new run's folder; none: RUN-blend beside RUN.")] = None,
    data: Annotated[
        Path | None,
        PLACE,
        Parameter(help="Where the run's photos are now, if they moved; they are found by their digests."),
    ] = None,
    coefficients: Annotated[
        list[float] | None,
        Parameter(
            consume_multiple=True,
            negative="",
            help="Shares of the way from start (0) to end (1) to try; none: 0, 0.1, ... 1.",
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Make a new run between a run's start and its end, chosen on validation (WiSE-FT, arXiv 2109.01903).

    It often keeps more of what the pretrained weights knew, at little cost. Nothing is trained.
    """
    require_run(run)
    if data is not None:
        require_photos(data, "--data")
    from visionft import workflows

    blended = workflows.blend(run, out, data=data, coefficients=coefficients, say=partial(say, as_json))
    summary, made = blended.summary(), blended.result["blend"]
    told = {name: summary[name] for name in ("run", "val_top1", "test_top1")}
    result = {**told, "coefficient": made["coefficient"], "path": made["path"]}
    finish(str(blended), result, "export", blended.path, as_json=as_json)
