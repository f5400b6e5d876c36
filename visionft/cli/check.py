"""`visionft check`."""

from __future__ import annotations

from visionft.cli.arguments import Model
from visionft.cli.output import Json, finish
from visionft.cli.path_checks import require_run
from visionft.errors import RunError
from visionft.wording.lists import count


def check(
    run: Model,
    /,
    *,
    as_json: Json = False,
) -> None:
    """Compare every file of a run or a bundle with the digests that were written with it."""
    require_run(run)
    from visionft import workflows

    found = workflows.check(run)
    following: list[str | object] = ["predict", run, "PHOTOS"] if found.whole else []
    failure = None
    if not found.whole:
        failure = RunError(
            f"{run} is not as it was written ({_share(len(found.faults), found.files)}); restore it from a copy, or "
            "make it again"
        )
    finish(str(found), found.to_json(), *map(str, following), as_json=as_json, failure=failure)


def _share(faults: int, files: int) -> str:
    return f"{faults} of {count(files, 'file')}"
