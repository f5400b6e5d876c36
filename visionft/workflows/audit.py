"""What is wrong with photos, before training."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from visionft.errors import DataError, UsageError
from visionft.tasks.registry import DEFAULT
from visionft.workflows.remote_photos import with_local_photos
from visionft.workflows.run_or_bundle import path_of, place_of, run_at

if TYPE_CHECKING:
    from visionft.auditing import Audit
    from visionft.backbones import Network
    from visionft.data import QuickAudit
    from visionft.data.sources.listing import Listing
    from visionft.runs import Run
    from visionft.settings import DataSettings

Advance = Callable[[int, int], None]
Bar = Callable[[str], AbstractContextManager[Advance]]


def quick_audit(photos: str | Path, /, **flags: Any) -> QuickAudit:
    """Say how photos are read and what is odd about them; nothing is written and no photo is opened.

    Args:
        photos: a folder of class folders, or a CSV/Parquet manifest.
        flags: settings of the data by name, as for `fit` (`data={"depth": 1}` or `**{"data.depth": 1}`).

    Raises:
        DataError: the photos can be read in several ways, or in none.
    """
    from visionft.data import quick_audit as look
    from visionft.settings import build

    settings = with_local_photos(build(photos, None, **flags))
    return look(settings.photos, settings.data)


def audit(
    photos: str | Path,
    /,
    *,
    out: str | Path | None = "auto",
    against: Run | str | Path | None = None,
    backbone: str = "auto",
    weights: str | Path = "hub",
    threshold: float | None = None,
    not_duplicates: str | Path | None = None,
    bar: Bar | None = None,
    **flags: Any,
) -> Audit:
    """Look at every photo, and say what is wrong: bad files, copies, leaks, likely label errors, drift.

    No photo is changed. What was computed is kept by the photos' digests in the cache: an audit that was interrupted
    goes on, and a second one is quick.

    Args:
        photos: a folder of class folders, or a CSV/Parquet manifest; with `against` any folder of photos.
        out: the folder for audit.json, audit.html and suggestions.csv; auto: audits/PHOTOS; None: nothing is written.
        against: a finished run: is it time to train again, for photos such as these? Labels are then not asked for.
        backbone: the frozen network that photos are looked at with, by timm's name; auto: visionft_pico, whose weights
            are part of the package.
        weights: as for `fit`.
        threshold: likeness in (0, 1] from which two photos are near duplicates; none: the measured default.
        not_duplicates: a CSV file with the columns first and second: pairs that are never shown again.
        bar: shows how far the work is: called with a title, it gives a context whose value takes (done, total).
        flags: settings of the data by name, as for `fit` (`data={"depth": 1}` or `**{"data.depth": 1}`).

    Raises:
        DataError: the photos can be read in several ways, or in none, or none can be used.
        UsageError: `out` holds other files, or a value is out of range.
        BackboneError, WeightsError: as of `fit`.
        RunError: `against` is no finished run.
    """
    from visionft import auditing
    from visionft.settings import build

    limit = auditing.THRESHOLD if threshold is None else threshold
    if not 0 < limit <= 1:
        raise UsageError(f"threshold is {limit:g}; give a likeness above 0, up to 1")
    from visionft.auditing.audit_photos import audit_photos

    settings = with_local_photos(build(photos, None, **flags))
    bar = bar or (lambda _: nullcontext(lambda *_: None))
    run = None if against is None else run_at(path_of(against))
    folder = _folder(settings.photos, out)
    listing = _listed(settings.photos, settings.data, run is None)
    marked = _marked(folder, not_duplicates, listing)
    look = auditing.Look(_network(backbone, weights), limit, frozenset(marked), bar)
    found = audit_photos(settings.photos, listing, settings.data, look, labelled=run is None)
    if run is not None:
        found = _against(found, run, bar)
    return found if folder is None else auditing.write(found, folder, marked)


def _folder(photos: Path, out: str | Path | None) -> Path | None:
    from visionft.auditing import check_folder

    folder = Path("audits") / photos.absolute().stem if out == "auto" else place_of(out, "--out")
    if folder is not None:
        check_folder(folder)
    return folder


def _listed(photos: Path, settings: DataSettings, labelled: bool) -> Listing:
    from visionft import auditing
    from visionft.data.labels import labels_of
    from visionft.data.prepare import list_photos
    from visionft.photos import require_photos

    if labelled or not photos.is_dir():
        return labels_of(DEFAULT).fold(list_photos(photos, settings), None)
    found = [place for place in require_photos(photos) if isinstance(place, Path)]
    return auditing.unlabelled(photos, [str(place.relative_to(photos)) for place in found])


def _marked(folder: Path | None, given: str | Path | None, listing: Listing) -> set[tuple[str, str]]:
    from visionft.auditing import remembered
    from visionft.auditing.marked_pairs import read_pairs

    file = place_of(given, "--not-duplicates")
    fresh = set() if file is None else read_pairs(file, listing.table["path"].to_pylist())
    return remembered(folder) | fresh


def _network(backbone: str, weights: str | Path) -> Network:
    from visionft import backbones

    name = backbones.OFFLINE_BACKBONE if backbone == "auto" else backbone
    return backbones.create(name, str(weights), 1)


def _against(found: Audit, run: Run, bar: Bar) -> Audit:
    from visionft.auditing import against_run
    from visionft.auditing.served import SIDES
    from visionft.data import locate

    split = next((side for side in SIDES if run.has_split(side)), None)
    if split is None:
        raise DataError(f"the run {run.path} held no photos out; there is nothing to compare with")
    known = locate(run.manifest(), [split], run.settings.data).manifest
    with bar("looking at photos with the run") as advance:
        return against_run(found, run, known, split, advance)
