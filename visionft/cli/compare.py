"""`visionft compare`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from visionft.cli.arguments import Adapter
from visionft.cli.output import Json, counting, finish
from visionft.cli.path_checks import PLACE, require_places, require_run
from visionft.errors import UsageError


def compare(
    before: Annotated[Path, PLACE, Parameter(help="The bundle that is served.")],
    after: Annotated[Path, PLACE, Parameter(help="The bundle that would take its place.")],
    /,
    *,
    data: Annotated[str, PLACE, Parameter(help="A folder of class folders or of photos, a photo or a glob.")],
    adapter: Adapter = None,
    out: Annotated[
        Path | None, PLACE, Parameter(help="A file for the photos whose answer changes: .csv, .jsonl or .parquet.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Say which photos change their answer when a bundle takes the place of another.

    Where photos lie in folders named like classes, right and wrong answers are counted too.
    """
    from visionft.serving.prediction_changes import WRITERS

    for bundle in (before, after):
        require_run(bundle)
    require_places([data])
    if out is not None and out.suffix.lower() not in WRITERS:
        raise UsageError(f"--out: {out} does not end in {', '.join(WRITERS)}; give it one of these endings")
    from visionft import workflows

    with counting() as on_progress:
        comparison = workflows.compare(before, after, data=data, adapter=adapter, out=out, on_progress=on_progress)
    following: list[str | Path] = ["serve", after]
    if out is None and comparison.changes:
        named = [] if adapter is None else ["--adapter", adapter]
        following = ["compare", before, after, "--data", data, *named, "--out", "changes.csv"]
    finish(str(comparison), {**comparison.to_json(), "out": out}, *following, as_json=as_json)
