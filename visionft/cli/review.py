"""`visionft review`."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from visionft.cli.flags import dotted, given_flags, with_settings
from visionft.cli.output import Json, finish, say
from visionft.cli.path_checks import PLACE, require_photos
from visionft.errors import DataError, UsageError
from visionft.settings.fields import leaves

_READING = ("inside", "layout", "depth", "group_by", "path_column", "label_column")
_OTHERS = {path for path in leaves() if path not in {f"data.{name}" for name in _READING}}
_LAST_PORT = 65_535


@partial(with_settings, without=tuple(_OTHERS))
def review(
    run: Annotated[
        Path, PLACE, Parameter(help="A finished run, or photos that were audited: a folder or a CSV/Parquet manifest.")
    ],
    /,
    *,
    out: Annotated[Path, PLACE, Parameter(help="The file of answers; one that is there is gone on with.")] = Path(
        "corrections.csv"
    ),
    port: Annotated[int, Parameter(help="The port of 127.0.0.1; 0 takes a free one.")] = 0,
    open: Annotated[  # noqa: A002  # its flag is --no-open
        bool, Parameter(help="Open the page in a browser.", negative="--no-open")
    ] = True,
    who: Annotated[str | None, Parameter(help="Who answers, as the file names it; default: your user name.")] = None,
    audit: Annotated[
        Path | None, PLACE, Parameter(help="The folder of the photos' audit; default: audits/PHOTOS.")
    ] = None,
    as_json: Json = False,
    **flags: Any,
) -> None:
    """Mend the labels of photos in a local page, the most doubtful first; end with ^C.

    Each answer is on the disk before the next photo is shown, and `visionft fit --apply` follows them. No photo is
    changed.
    """
    if not 0 <= port <= _LAST_PORT:
        raise UsageError(f"--port: {port} is no port; give one from 0 to {_LAST_PORT}")
    if not run.exists():
        raise DataError(f"{run} does not exist; give a run, or the photos that were audited")
    require_photos(run)
    given = dotted(flags)
    from visionft import workflows

    file = workflows.review(
        run, out=out, port=port, open=open, who=who, audit=audit, say=partial(say, as_json), **given
    )
    from visionft.data import read_suggestions

    if not file.is_file():
        finish("nothing was answered", {"out": str(file), "answered": 0}, as_json=as_json)
        return
    answers = read_suggestions(file)
    record = {"out": str(file), "answered": len(answers.rows), **answers.to_json()}
    photos, origin = workflows.reviewed_photos(run)
    following: list[str | Path] = ["fit", photos, *given_flags(given), "--apply", file]
    following += ["--from", origin, "--out", f"{origin}-corrected"] if origin is not None else []
    finish(f"{len(answers.rows):,} photos are answered in {file}", record, *following, as_json=as_json)
