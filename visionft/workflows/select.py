"""Which photos of a folder are most worth labelling."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from visionft.errors import DataError, UsageError
from visionft.tasks.registry import DEFAULT
from visionft.workflows.run_or_bundle import place_of

if TYPE_CHECKING:
    from visionft.auditing import Selection
    from visionft.data.sources.listing import Listing

Bar = Callable[[str], AbstractContextManager[Callable[[int, int], None]]]


def select(
    photos: str | Path,
    /,
    *,
    count: int = 50,
    labelled: str | Path | None = None,
    out: str | Path | None = None,
    backbone: str = "auto",
    weights: str | Path = "hub",
    bar: Bar | None = None,
) -> Selection:
    """Choose the photos of a folder that are most worth labelling.

    While there are fewer than five labelled photos a class, typical ones: those in the middle of what has no label yet
    (TypiClust, arXiv 2202.02794). Then those whose class hangs on a part of their features, spread over what they show
    (DropQuery, arXiv 2401.14555). Copies are never chosen twice. What was looked at is kept in the cache.

    Args:
        photos: a folder of photos, searched through; folder names mean nothing here.
        count: photos to choose, at least 1.
        labelled: photos with labels: a folder of class folders, or a CSV/Parquet manifest.
        out: a .csv for path, label (empty) and likely class; `fit` reads it once the labels are filled in.
        backbone: the frozen network that photos are looked at with, by timm's name; auto: visionft_pico.
        weights: as for `fit`.
        bar: shows how far the work is: called with a title, it gives a context whose value takes (done, total).

    Raises:
        DataError: there is no photo, or none to choose from.
        UsageError: `count` is less than 1, or `out` is no .csv.
        BackboneError, WeightsError: as of `fit`.
    """
    place, known, file = place_of(photos, "PHOTOS"), place_of(labelled, "--labelled"), place_of(out, "--out")
    if count < 1:
        raise UsageError(f"--count: {count} is less than 1; give the number of photos to choose")
    if file is not None and file.suffix.lower() != ".csv":
        raise UsageError(f"--out: {file} does not end in .csv; give it this ending")
    assert place is not None, "photos are given"
    if not place.is_dir():
        raise DataError(f"{place} is no folder; give the folder of photos to choose from")
    from visionft import auditing, backbones
    from visionft.photos import MAX_PIXELS, require_photos

    found = [str(each.relative_to(place)) for each in require_photos(place) if isinstance(each, Path)]
    listing = auditing.unlabelled(place, found)
    name = backbones.OFFLINE_BACKBONE if backbone == "auto" else backbone
    network = backbones.create(name, str(weights), 1)
    bar = bar or (lambda _: nullcontext(lambda *_: None))
    selection = auditing.select_photos(listing, _labelled(known), count, network, MAX_PIXELS, bar)
    if file is not None:
        selection.write(file)
    return selection


def _labelled(place: Path | None) -> Listing | None:
    if place is None:
        return None
    from visionft.data.labels import labels_of
    from visionft.data.prepare import list_photos
    from visionft.settings import build

    settings = build(place, None)
    return labels_of(DEFAULT).fold(list_photos(settings.photos, settings.data), None)
