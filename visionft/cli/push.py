"""`visionft push`."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Literal

from cyclopts import Parameter

from visionft.cli.arguments import Model
from visionft.cli.output import Json, finish, say
from visionft.cli.path_checks import require_run


def push(
    run: Model,
    repository: Annotated[str, Parameter(help="OWNER/NAME on the hub; made where it is not there.")],
    /,
    *,
    pictures: Annotated[
        Literal["none", "all"],
        Parameter(help="Whether golden photos, and the report with its pictures, go along."),
    ] = "none",
    public: Annotated[
        bool, Parameter(negative="", help="Make a new repository open to everybody; else it is private.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Push a run or a bundle to the Hugging Face hub, with a model card.

    The token is that of `hf auth login`, or HF_TOKEN. Photos stay here unless asked for.
    """
    require_run(run)
    from visionft import workflows

    pushed = workflows.push(run, repository, pictures=pictures, public=public, say=partial(say, as_json))
    finish(str(pushed), pushed.to_json(), "predict", pushed.address, "PHOTOS", as_json=as_json)
