"""`visionft audit`."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from visionft.cli.flags import dotted, given_flags, with_settings
from visionft.cli.output import Json, finish, say
from visionft.cli.path_checks import PLACE, require_photos, require_run
from visionft.errors import UsageError
from visionft.settings import build
from visionft.settings.fields import leaves

_READING = (
    "inside",
    "layout",
    "depth",
    "group_by",
    "validation",
    "test",
    "path_column",
    "label_column",
    "max_pixels",
    "scan_cache",
)
_OTHERS = {path for path in leaves() if path not in {"photos", *(f"data.{name}" for name in _READING)}}


@partial(with_settings, without=tuple(_OTHERS))
def audit(
    photos: Annotated[Path, PLACE, Parameter(help="A folder of class folders, or a CSV/Parquet manifest.")],
    /,
    *,
    quick: Annotated[bool, Parameter(help="Leave every photo closed: names and counts alone.", negative="")] = False,
    out: Annotated[
        Path | None,
        PLACE,
        Parameter(help="The folder for audit.html, audit.json and suggestions.csv; default: audits/PHOTOS."),
    ] = None,
    against: Annotated[
        Path | None,
        PLACE,
        Parameter(
            name="--against",
            metavar="RUN",
            help="A finished run: is it time to train again, for photos such as these? No labels are needed.",
        ),
    ] = None,
    backbone: Annotated[
        str,
        Parameter(help="The frozen network that photos are looked at with; auto: visionft_pico, which comes along."),
    ] = "auto",
    weights: Annotated[str, Parameter(help="`hub`, or the path of a safetensors or torch file.")] = "hub",
    threshold: Annotated[
        float | None,
        Parameter(
            help="Likeness in (0, 1] from which two photos are near duplicates; default: 0.25, which was measured."
        ),
    ] = None,
    not_duplicates: Annotated[
        Path | None,
        PLACE,
        Parameter(help="A CSV file with rows of near_duplicates.csv: pairs that are never shown again."),
    ] = None,
    as_json: Json = False,
    **flags: Any,
) -> None:
    """Say what is wrong with photos, before training: bad files, copies, leaks, likely label errors, drift.

    No photo is changed. An interrupted audit goes on with the same command.
    """
    given = dotted(flags)
    settings = build(photos, None, **given)
    require_photos(settings.photos)
    if against is not None:
        require_run(against)
    if quick:
        _refuse_beside_quick(out=out, against=against, threshold=threshold, not_duplicates=not_duplicates)
        _quick(photos, given, as_json)
        return
    from visionft import workflows
    from visionft.machine.progress import bar

    found = workflows.audit(
        photos, out="auto" if out is None else out, against=against, backbone=backbone, weights=weights,
        threshold=threshold, not_duplicates=not_duplicates, bar=bar, **given,
    )  # fmt: skip
    say(as_json, str(found))
    if against is None:
        found.overview.require_fit(settings.data)
    following: list[str | Path] = ["fit", photos, *given_flags(given)]
    if found.out is not None and found.suggestions and against is None:
        following += ["--apply", found.out / "suggestions.csv"]
    if against is not None:
        following = ["evaluate", against, "--data", "PHOTOS"]
    record = {name: value for name, value in found.to_json().items() if name not in ("findings", "quarantine")}
    finish("", record, *following, as_json=as_json)


def _quick(photos: Path, given: dict[str, Any], as_json: bool) -> None:
    from visionft import workflows

    found = workflows.quick_audit(photos, **given)
    say(as_json, str(found))
    found.require_fit(build(photos, None, **given).data)
    finish("", found.to_json(), "fit", photos, *given_flags(given), as_json=as_json)


def _refuse_beside_quick(**given: Any) -> None:
    """Raise UsageError where something was given that needs photos to be opened."""
    for name, value in given.items():
        if value is not None:
            flag = f"--{name.replace('_', '-')}"
            raise UsageError(f"{flag}: --quick opens no photo, so it has no effect; leave out one of the two")
