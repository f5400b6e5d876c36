"""`visionft export`."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from visionft.cli.arguments import adapter_words
from visionft.cli.flags import dotted, with_settings
from visionft.cli.output import Json, finish
from visionft.cli.path_checks import PLACE, require_photos, require_run
from visionft.files.paths import require_place
from visionft.settings import ExportSettings, build_export


@partial(with_settings, root=ExportSettings)
def export(
    run: Annotated[Path | None, PLACE, Parameter(help="The folder of a run; none with --adapters.")] = None,
    /,
    *,
    adapters: Annotated[
        list[str] | None,
        Parameter(
            help="Runs of LoRA on one base, as RUN or NAME=RUN: one bundle with an adapter for each.",
            consume_multiple=True,
            negative="",
        ),
    ] = None,
    out: Annotated[Path | None, PLACE, Parameter(help="The bundle's folder; none: RUN/bundle.")] = None,
    data: Annotated[
        Path | None,
        PLACE,
        Parameter(help="Where the run's photos are now, if they moved; they are found by their digests."),
    ] = None,
    as_json: Json = False,
    **flags: Any,
) -> None:
    """Write the bundle that is deployed, after checking that it answers like the run."""
    settings = build_export(**dotted(flags))
    if run is not None:
        require_run(run)
    if data is not None:
        require_photos(data, "--data")
    runs = None if adapters is None else _named(adapters)
    from visionft import workflows

    exported = workflows.export(run, out, settings, data=data, adapters=runs)
    following: list[str | Path] = [
        "predict",
        exported.bundle,
        "PHOTOS",
        *adapter_words(next(iter(exported.adapters), None)),
    ]
    finish(str(exported), exported.to_json(), *following, as_json=as_json)


def _named(adapters: Sequence[str]) -> dict[str, Path]:
    """Read RUN or NAME=RUN; what exists is a folder, whatever signs its name holds."""
    from visionft.workflows.export import distinct, name_of

    runs: list[tuple[str, Path]] = []
    for given in adapters:
        require_place(given, "--adapters")
        name, sign, place = ("", "", given) if Path(given).exists() else given.rpartition("=")
        require_run(Path(place))
        runs.append((name if sign else name_of(Path(place)), Path(place)))
    return distinct(runs)
