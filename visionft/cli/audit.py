"""`visionft audit`."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from visionft.cli.flags import dotted, given_flags, with_settings
from visionft.cli.output import Json, finish, say
from visionft.cli.path_checks import PLACE, require_photos
from visionft.settings import build
from visionft.settings.fields import leaves

_READING = ("inside", "layout", "depth", "group_by", "validation", "test", "path_column", "label_column")
_OTHERS = {path for path in leaves() if path not in {"photos", *(f"data.{name}" for name in _READING)}}


@partial(with_settings, without=tuple(_OTHERS))
def audit(
    photos: Annotated[Path, PLACE, Parameter(help="A folder of class folders, or a CSV/Parquet manifest.")],
    /,
    *,
    quick: Annotated[
        bool,
        Parameter(help="Leave every photo closed: names and counts alone. There is no other way yet.", negative=""),
    ] = True,
    as_json: Json = False,
    **flags: Any,
) -> None:
    """Say how photos are read and what is odd about them, before training. No photo is opened."""
    given = dotted(flags)
    settings = build(photos, None, **given)
    require_photos(settings.photos)
    from visionft import workflows

    found = workflows.audit(photos, quick=quick, **given)
    say(as_json, str(found))
    found.require_fit(settings.data)
    finish("", found.to_json(), "fit", photos, *given_flags(given), as_json=as_json)
