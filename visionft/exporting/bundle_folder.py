"""The bundle's place on disk: free, roomy, and filled in one step or not at all."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from visionft.bundle import is_bundle
from visionft.errors import BundleError, DiskSpaceError
from visionft.files import digests
from visionft.files.atomic_folder import placed_folder
from visionft.files.temporary import FULL, reason_of

GOLDEN_BYTES = 64_000_000
"""Room for golden photos of 1,024 pixels a side, raw and as PNG."""


def check_place(out: Path, model_bytes: int, golden: bool) -> None:
    """Refuse a place that holds something else than a bundle, or a disk without room.

    Raises:
        BundleError: the place is taken, or cannot be written.
        DiskSpaceError: the disk is too full.
    """
    if out.exists() and not is_bundle(out) and not (out.is_dir() and not any(out.iterdir())):
        raise BundleError(f"{out} exists and is not a bundle, so it is left as it is: give another --out")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(out.parent).free
    except OSError as error:
        raise BundleError(
            f"a bundle cannot be written to {out} ({error.strerror or error}): give another --out"
        ) from error
    need = model_bytes + (GOLDEN_BYTES if golden else 0)
    if free < need:
        raise DiskSpaceError(
            f"{out.parent} has {free / 1e6:,.0f} MB free and the bundle takes up to {need / 1e6:,.0f}: "
            "free some, or give another --out"
        )


@contextmanager
def placed(out: Path) -> Iterator[Path]:
    """Give a hidden folder beside `out` to fill; it becomes `out` at the end, or is gone after any failure.

    At the end every file's digest is written beside them (`visionft.files.digests`).

    Raises:
        DiskSpaceError: the disk, or that of temporary files, filled up.
        BundleError: it cannot be written there.
    """
    with written(out), placed_folder(out, replace=True) as partial:
        yield partial
        digests.seal(partial)


@contextmanager
def written(out: Path) -> Iterator[None]:
    """Say in a sentence what the system has against writing the bundle, or what its making keeps in temporary files.

    Raises:
        DiskSpaceError: a disk filled up.
        BundleError: something else cannot be written.
    """
    try:
        yield
    except OSError as error:
        place = error.filename if isinstance(error.filename, str) else out
        if error.errno in FULL:
            raise DiskSpaceError(
                f"the disk is full: {place} could not be written, and nothing was left of the bundle {out}; make room "
                "(TMPDIR names the folder of temporary files) and export again"
            ) from error
        raise BundleError(f"a bundle cannot be written to {out} ({reason_of(error)}): give another --out") from error
