"""`visionft compare`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from visionft.cli.arguments import Adapter
from visionft.cli.output import Json, counting, finish
from visionft.cli.path_checks import PLACE, require_places, require_run
from visionft.errors import UsageError

PAGE = Path("compare.html")


def compare(
    before: Annotated[Path, PLACE, Parameter(help="A run or a bundle; of two bundles the one that is served.")],
    after: Annotated[
        Path, PLACE, Parameter(help="Another; of two bundles the one that would take the first one's place.")
    ],
    /,
    *others: Annotated[Path, PLACE, Parameter(help="Further runs and bundles.")],
    data: Annotated[
        str | None,
        PLACE,
        Parameter(
            help="Other photos: labelled ones for runs; for two bundles a folder of class folders or of photos, a "
            "photo or a glob."
        ),
    ] = None,
    split: Annotated[
        Literal["test", "validation"] | None,
        Parameter(help="Which of the runs' own photos; unset: test, where all have it."),
    ] = None,
    adapter: Adapter = None,
    out: Annotated[
        Path | None,
        PLACE,
        Parameter(
            help="The page, .html; of runs compare.html if unset. Of two bundles also a file for the photos whose "
            "answer changes: .csv, .jsonl or .parquet."
        ),
    ] = None,
    pictures: Annotated[Literal["all", "none"], Parameter(help="Whether the page shows photos.")] = "all",
    as_json: Json = False,
) -> None:
    """Set runs and bundles side by side on the same photos, and say which differences are more than chance.

    Two bundles alone, before a rollout: which photos change their answer; where photos lie in folders named like
    classes, right and wrong answers are counted too.
    """
    from visionft import workflows
    from visionft.workflows.compare import is_side_by_side

    paths = [before, after, *others]
    for path in paths:
        require_run(path)
    if not is_side_by_side(paths, out):
        _compare_bundles(before, after, data, split, adapter, out, as_json)
        return
    if data is not None:
        require_places([data])
    page = PAGE if out is None else out
    found = workflows.compare(*paths, data=data, split=split, adapter=adapter, out=page, pictures=pictures)
    finish(f"{found}\npage: {page}", {**found.to_json(), "out": str(page)}, as_json=as_json)


def _compare_bundles(
    before: Path, after: Path, data: str | None, split: str | None, adapter: str | None, out: Path | None, as_json: bool
) -> None:
    from visionft import workflows
    from visionft.serving.prediction_changes import WRITERS

    if data is not None:
        require_places([data])
    if out is not None and out.suffix.lower() not in WRITERS:
        raise UsageError(f"--out: {out} does not end in {', '.join(WRITERS)}, .html; give it one of these endings")
    with counting() as on_progress:
        comparison = workflows.compare(
            before, after, data=data, split=split, adapter=adapter, out=out, on_progress=on_progress
        )
    following: list[str | Path] = ["serve", after]
    if out is None and comparison.to_json()["changed"]:
        named = [] if adapter is None else ["--adapter", adapter]
        following = ["compare", before, after, "--data", str(data), *named, "--out", "changes.csv"]
    finish(str(comparison), {**comparison.to_json(), "out": out}, *following, as_json=as_json)
