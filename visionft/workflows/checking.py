"""Whether a run or a bundle is still as it was written."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from visionft.bundle import Bundle
from visionft.errors import BundleError, RunError, VisionftError
from visionft.files import checking, digests
from visionft.files.checking import Checked
from visionft.files.json_reading import read_object
from visionft.files.opening import UnreadableError
from visionft.workflows.places import holds_bundle, path_of

if TYPE_CHECKING:
    from visionft.runs import Run


def check(run_or_bundle: Run | Bundle | str | Path) -> Checked:
    """Compare every file of a run or a bundle with the digests that were written with it; needs no torch.

    A run that is being trained just now can be checked too.

    Args:
        run_or_bundle: a run or a bundle, or its folder.

    Returns:
        The faults, a line each, and notes; `whole` tells whether there is none.

    Raises:
        RunError: there is no run or bundle.
    """
    path = path_of(run_or_bundle)
    return _bundle(path) if holds_bundle(path) else _run(path)


def _bundle(path: Path) -> Checked:
    if not os.path.lexists(path / digests.NAME):
        found = Checked(path, "bundle", 1, (), ("written before digests were kept: only the model could be compared",))
    else:
        found = checking.compare(path, "bundle", foreign=True)
    if not found.whole:
        return found
    try:
        record = Bundle.open(path).record
    except BundleError as error:
        return replace(found, faults=(str(error),))
    return found if found.files > 1 else replace(found, files=2 + len(record.adapters))


def _run(path: Path) -> Checked:
    from visionft.runs import layout

    if not any(os.path.lexists(path / name) for name in (layout.SETTINGS, layout.DIGESTS)):
        raise RunError(
            f"{path} is neither a run nor a bundle; give the folder that `visionft fit` or `visionft export` wrote"
        )
    finished = os.path.lexists(path / layout.RESULT)
    notes = () if finished else ("the run is not finished; the same `visionft fit` goes on with it",)
    if os.path.lexists(path / layout.DIGESTS):
        known = layout.FINISHED | {layout.BEST}
        found = checking.compare(path, "run", known=known, within=digests.FOLDERS, apart=(layout.LOCK,))
        return replace(found, notes=(*found.notes, *notes))
    if _keeps_digests(path / layout.ENVIRONMENT):
        return Checked(path, "run", 0, (f"{layout.DIGESTS}: it is missing",), notes)
    return _older(path, notes, finished)


def _keeps_digests(environment: Path) -> bool:
    from visionft.runs.layout import keeps_digests

    try:
        return keeps_digests(read_object(environment))
    except UnreadableError:
        return False  # the reader of older runs says so


def _older(path: Path, notes: tuple[str, ...], finished: bool) -> Checked:
    """Read every file of a run that has no digests: what cannot be read is damaged, of the rest nobody knows."""
    from visionft.runs import Run

    run, faults = Run(path), dict[str, None]()
    reads: list[Callable[[], object]] = [
        lambda: run.settings, lambda: run.classes, lambda: run.preprocess, lambda: run.weights_source,
        lambda: run.environment, run.manifest,
    ]  # fmt: skip
    reads += [lambda: Run.open(path), lambda: run.result, run.answering, run.network] if finished else []
    for read in reads:
        try:
            read()
        except VisionftError as error:
            faults[str(error)] = None
    told = "written before digests were kept: it was only tried whether its files can be read"
    return Checked(path, "run", len(reads), tuple(faults), (told, *notes))
