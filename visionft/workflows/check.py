"""Whether a run or a bundle is still as it was written."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from visionft.bundle import Bundle
from visionft.errors import BundleError, RunError
from visionft.files import digests, verify_digests
from visionft.files.verify_digests import Checked
from visionft.workflows.run_or_bundle import holds_bundle, path_of

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
    compared = os.path.lexists(path / digests.NAME)
    if compared:
        found = verify_digests.compare(path, "bundle", foreign=True)
    else:
        told = "written before digests were kept: only the model could be compared"
        found = Checked(path, "bundle", 1, (), (told,), compared=False)
    if not found.whole:
        return found
    try:
        record = Bundle.open(path).record
    except BundleError as error:
        return replace(found, faults=(str(error),), notes=found.notes if compared else ())
    return found if compared else replace(found, files=2 + len(record.adapters))


def _run(path: Path) -> Checked:
    from visionft.runs import layout
    from visionft.runs import verify_run as runs

    if not any(os.path.lexists(path / name) for name in (layout.SETTINGS, layout.DIGESTS)):
        raise RunError(
            f"{path} is neither a run nor a bundle; give the folder that `visionft fit` or `visionft export` wrote"
        )
    return runs.check(path)
