"""`visionft duplicates`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from visionft.cli.output import Json, counting, finish
from visionft.cli.path_checks import PLACE
from visionft.errors import SearchIndexError, UsageError


def duplicates(
    index: Annotated[Path, PLACE, Parameter(help="The folder that `visionft index` wrote.")],
    /,
    *,
    top: Annotated[int, Parameter(help="Pairs that look alike, the nearest first.")] = 100,
    above: Annotated[float, Parameter(help="Cosine from -1 to 1 below which two photos do not look alike.")] = -1.0,
    per_product: Annotated[
        bool, Parameter(help="Only look-alikes of two products, one pair for each two.", negative="")
    ] = False,
    where: Annotated[
        str | None, Parameter(help="A condition over the columns of the index, as `visionft search` has it.")
    ] = None,
    out: Annotated[Path | None, PLACE, Parameter(help="A CSV file for all pairs.")] = None,
    as_json: Json = False,
) -> None:
    """Find copies and look-alikes among all photos of an index."""
    if not index.is_dir():
        raise SearchIndexError(
            f"there is no index at {index}; make one with `visionft index BUNDLE PHOTOS --out {index}`"
        )
    if top < 1:
        raise UsageError(f"--top: {top} is less than 1; give the number of pairs")
    if not -1 <= above <= 1:
        raise UsageError(f"--above: {above:g} is no cosine; give a number from -1 to 1")
    from visionft import workflows

    with counting() as on_progress:
        found = workflows.duplicates(
            index, top=top, above=above, per_product=per_product, where=where, out=out, on_progress=on_progress
        )
    following: list[str | Path] = ["search", index, "PHOTO"]
    following = following if out else ["duplicates", index, "--out", "duplicates.csv"]
    finish(str(found), found.to_json(), *following, as_json=as_json)
