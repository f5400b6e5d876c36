"""`visionft add-class`."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from visionft.cli.output import Json, finish, say
from visionft.cli.path_checks import PLACE, refuse_flags, require_places, require_run, with_standard_input


def add_class(
    run: Annotated[Path, PLACE, Parameter(help="The folder of a run of --method prototypes.")],
    places: Annotated[
        list[str],
        PLACE,
        Parameter(
            help="Photos of the class: files, folders (searched through), globs; - reads paths from standard input.",
            negative="",
            allow_leading_hyphen=True,  # for `-` itself
        ),
    ],
    /,
    *,
    name: Annotated[str | None, Parameter(help="Of the class; none: the folder's, where one is given.")] = None,
    out: Annotated[Path | None, PLACE, Parameter(help="The new run's folder; none: RUN-with-NAME beside RUN.")] = None,
    as_json: Json = False,
) -> None:
    """Make a new run that knows a class more, from a few photos, while all other classes stay as they are.

    Nothing is trained, and no other photo is read. The run is one of --method prototypes.
    """
    refuse_flags(places, "add-class")
    require_run(run)
    if "-" not in places:
        require_places(places)
    from visionft import workflows

    made = workflows.add_class(run, with_standard_input(places), name=name, out=out, say=partial(say, as_json))
    added = made.result["added_classes"][-1]
    result = {"run": made.path, "val_top1": made.result["val"]["top1"], "classes": len(made.classes), "added": added}
    finish(str(made), result, "export", made.path, as_json=as_json)
