"""Photos of buckets and archives, brought here at the door: from there on they are a folder or a manifest."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from visionft.remote.addresses import address_of, is_elsewhere

if TYPE_CHECKING:
    from visionft.settings import DataSettings, FitSettings


def with_local_photos(settings: FitSettings, say: Callable[[str], None] | None = None) -> FitSettings:
    """Return the settings with photos of this machine, after those of a bucket or an archive were brought here.

    Args:
        settings: whole ones.
        say: told what was fetched; none: standard error is.

    Raises:
        DataError: they cannot be had.
        MissingExtraError: nothing is installed that speaks to their place.
    """
    places = {"photos": settings.photos, "retention": settings.retention}
    local = {name: local_place(place, settings.data, say) for name, place in places.items() if place is not None}
    changed = {name: place for name, place in local.items() if place != places[name]}
    return settings.model_copy(update=changed) if changed else settings


def local_place(place: Path, settings: DataSettings | None = None, say: Callable[[str], None] | None = None) -> Path:
    """Return where labelled photos are on this machine; see `with_local_photos`."""
    if not is_elsewhere(place) and not place.is_file():
        return place  # nothing heavy is imported for a folder
    from visionft.remote.local_copy import local_copy, to_stderr

    column = {} if settings is None else {"path_column": settings.path_column}
    return local_copy(place, say=say or to_stderr, **column)


def local_asked(photos: Any, *, called: bool = False) -> Any:
    """Return what is asked about with local paths in place of addresses and archives, in the same order.

    Args:
        photos: as for `predict`.
        called: whether answers name photos by the addresses that were given; else by their paths here.

    Raises:
        DataError: a place cannot be had.
        MissingExtraError: nothing is installed that speaks to it.
    """
    from visionft.photos import is_one

    local = _called if called else _local
    if is_one(photos):
        return local(photos)
    return [local(each) for each in photos] if isinstance(photos, list | tuple) else _each(photos, local)


def _each(photos: Iterable[Any], local: Callable[[Any], Any]) -> Iterable[Any]:
    return (local(each) for each in photos)


def _called(place: Any) -> Any:
    found = _local(place)
    if found is place:
        return place
    from visionft.photos import Fetched

    address = address_of(place)
    # Of a pattern whatever is found stands below the folders before its first sign.
    root = os.fsdecode(place) if address is None else f"{address.scheme}://{address.root}"
    if address is not None and os.path.basename(found) == address.name:  # noqa: PTH119  # no pattern after all
        root = str(address)
    return Fetched(str(found), root)


def _local(place: Any) -> Any:
    if not isinstance(place, str | os.PathLike) or not is_elsewhere(place):
        return place
    from visionft.remote.local_copy import local_copy

    return local_copy(place)
