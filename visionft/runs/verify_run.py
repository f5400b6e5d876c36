"""Whether every file of a run is still as it was written; without torch, unless the run is of an older version."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from visionft.errors import RunError, VisionftError
from visionft.files import digests, verify_digests
from visionft.files.safe_json import read_object
from visionft.files.safe_open import MISSING, UnreadableError
from visionft.files.verify_digests import Checked
from visionft.runs import layout


def check(folder: Path) -> Checked:
    """Compare every file of a run, finished or not, with its digests."""
    finished = os.path.lexists(folder / layout.RESULT)
    notes = () if finished else ("the run is not finished; the same `visionft fit` goes on with it",)
    if os.path.lexists(folder / layout.DIGESTS):
        known = layout.FINISHED | layout.REPORTED | {layout.BEST, layout.HELD_OUT}
        found = verify_digests.compare(folder, "run", known=known, within=digests.FOLDERS, apart=(layout.LOCK,))
        return replace(found, notes=(*found.notes, *notes))
    if _keeps_digests(folder / layout.ENVIRONMENT):
        return Checked(folder, "run", 1, (f"{layout.DIGESTS}: {MISSING}",), notes)
    return _older(folder, notes, finished)


def require_as_written(folder: Path) -> None:
    """Refuse a finished run of which a file is damaged or lost, other than what is made again.

    Figures that are lost are measured again. A report is read by people alone, and `visionft report` makes another.

    Raises:
        RunError: names the first such file, and how many there are.
    """
    found = check(folder)
    faults = [fault for fault in found.faults if not _measured_again(fault) and not _of_report(fault)]
    if not faults:
        return
    if not found.compared:  # what reads an older run says it in a sentence of its own
        raise RunError(faults[0])
    more = f", and {len(faults) - 1} more: see `visionft check`" if len(faults) > 1 else ""
    raise RunError(
        f"the run {folder} is finished, and damaged since ({faults[0]}{more}); restore it from a copy, or give "
        "another --out"
    )


def _measured_again(fault: str) -> bool:
    return fault.startswith(f"{layout.EVALUATION}/") and fault.endswith(f": {MISSING}")


def _of_report(fault: str) -> bool:
    place = fault.partition(": ")[0]
    inside = place.startswith(f"{layout.EVALUATION}/") and place.rpartition("/")[2] in layout.PAGE
    return inside or place in layout.REPORTED


def _keeps_digests(environment: Path) -> bool:
    try:
        return layout.keeps_digests(read_object(environment))
    except UnreadableError:
        return False  # the reader of older runs says so


def _older(folder: Path, notes: tuple[str, ...], finished: bool) -> Checked:
    """Read every file of a run that has no digests: what cannot be read is damaged, of the rest nobody knows."""
    from visionft.runs import Run

    run, faults = Run(folder), dict[str, None]()
    reads: list[Callable[[], object]] = [
        lambda: run.settings, lambda: run.classes, lambda: run.preprocess, lambda: run.weights_source,
        lambda: run.environment, run.manifest,
    ]  # fmt: skip
    reads += [lambda: Run.open(folder), lambda: run.result, run.answering, run.network] if finished else []
    for read in reads:
        try:
            read()
        except VisionftError as error:
            faults[str(error)] = None
    told = "written before digests were kept: it was only tried whether its files can be read"
    return Checked(folder, "run", len(reads), tuple(faults), (told, *notes), compared=False)
