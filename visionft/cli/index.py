"""`visionft index`."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import Parameter

from visionft.cli.arguments import Adapter, Model
from visionft.cli.flags import dotted, with_settings
from visionft.cli.output import Json, finish
from visionft.cli.path_checks import PLACE, require_photos, require_run
from visionft.settings import build
from visionft.settings.fields import leaves
from visionft.settings.index import READING

_OTHERS = {path for path in leaves() if path not in {"photos", *(f"data.{name}" for name in READING)}}


@partial(with_settings, without=tuple(_OTHERS))
def index(
    run: Model,
    photos: Annotated[
        Path,
        PLACE,
        Parameter(help="A folder of class folders or of photos alone, or a CSV/Parquet manifest, with labels or not."),
    ],
    /,
    *,
    out: Annotated[
        Path | None, PLACE, Parameter(help="The folder of the index; default: indexes/PHOTOS.", metavar="INDEX")
    ] = None,
    adapter: Adapter = None,
    vectors: Annotated[
        Literal["float32", "float16", "int8", "binary"] | None,
        Parameter(
            help="How vectors are kept: in 4, 2 or 1 bytes a number; binary: int8, and candidates by a bit a number. "
            "None: as the index has them, a new one in float32."
        ),
    ] = None,
    as_json: Json = False,
    **flags: Any,
) -> None:
    """Make an index of a catalogue for visual search, or bring it up to date.

    Photos that were added, changed or removed since are found by their bytes. An interrupted pass goes on with the same
    command, and others may search meanwhile.
    """
    given = dotted(flags)
    require_run(run)
    require_photos(build(photos, None, **given).photos)
    from visionft import workflows
    from visionft.machine.progress import bar

    made = workflows.index(
        run, photos, out="auto" if out is None else out, adapter=adapter, vectors=vectors, bar=bar, **given
    )
    finish(str(made), made.to_json(), "search", made.path, "PHOTO", as_json=as_json)
