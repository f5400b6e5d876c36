"""`visionft search`."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from visionft.cli.flags import with_typed_settings
from visionft.cli.output import Json, counting, finish
from visionft.cli.path_checks import PLACE, refuse_flags, require_places, with_standard_input
from visionft.errors import DataError, SearchIndexError, UsageError
from visionft.settings.search import SearchSettings

if TYPE_CHECKING:
    from visionft.searching import Found


@partial(with_typed_settings, root=SearchSettings)
def search(
    index: Annotated[Path, PLACE, Parameter(help="The folder that `visionft index` wrote.")],
    places: Annotated[
        list[str],
        PLACE,
        Parameter(
            help="Photos, folders of photos (searched through), globs; - reads paths from standard input, a line each.",
            negative="",
            allow_leading_hyphen=True,  # for `-` itself
        ),
    ],
    /,
    *,
    as_json: Json = False,
    **flags: Any,
) -> None:
    """Find what in a catalogue is near a photo, and say where it is not there."""
    settings = SearchSettings(**flags)
    refuse_flags(places, "search")
    if not index.is_dir():
        raise SearchIndexError(
            f"there is no index at {index}; make one with `visionft index BUNDLE PHOTOS --out {index}`"
        )
    if "-" not in places:
        require_places(places)
    if settings.top < 1:
        raise UsageError(f"--top: {settings.top} is less than 1; give the number of hits for each photo")
    below = settings.none_below
    if isinstance(below, float) and not -1 <= below <= 1:
        raise UsageError(f"--none-below: {below:g} is no cosine; give a number from -1 to 1, or auto")
    from visionft import workflows

    with counting() as on_progress:
        found = workflows.search(index, with_standard_input(places), on_progress=on_progress, **settings.model_dump())
    finish(str(found), found.to_json(), *_following(index, places, settings, found), as_json=as_json)
    _complain_of_unread(found)


def _following(index: Path, places: list[str], settings: SearchSettings, found: Found) -> list[str | Path]:
    products = any((hit.group or hit.label) is not None for row in found for hit in row.hits)
    flag = "--per-product" if products and not settings.per_product else "--json"
    return ["search", index, *places, flag]


def _complain_of_unread(found: Found) -> None:
    """Raise DataError where nothing could be read, or a photo could not; the others are answered by now."""
    unread = [row for row in found if row.problem is not None]
    if unread:
        first, rest = f"{unread[0].photo} ({unread[0].problem})", len(found) - len(unread)
        what = "a photo" if len(unread) == 1 else f"{len(unread):,} photos"
        mend = (
            "the others are answered" if rest else "give JPEG, PNG, WebP, AVIF, HEIC, JPEG 2000, GIF, TIFF or BMP files"
        )
        raise DataError(f"{what} could not be looked up, first {first}; {mend}")
