"""The bundle's place on disk: free, roomy, and filled in one step or not at all."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from visionft.bundle import is_bundle
from visionft.errors import BundleError, DiskSpaceError

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
    """Give a hidden folder beside `out` to fill; it becomes `out` at the end, or is gone after any failure."""
    try:
        partial = Path(tempfile.mkdtemp(prefix=f".{out.name}.", suffix=".partial", dir=out.parent))
    except OSError as error:
        raise BundleError(
            f"a bundle cannot be written to {out} ({error.strerror or error}): give another --out"
        ) from error
    try:
        yield partial
        partial.chmod(0o777 & ~_umask())  # mkdtemp makes folders that their owner alone can read
        _swap(partial, out)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _swap(partial: Path, out: Path) -> None:
    if not out.exists():
        partial.rename(out)
        return
    old = partial.with_suffix(".old")
    out.rename(old)
    try:
        partial.rename(out)
    except OSError:
        old.rename(out)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
