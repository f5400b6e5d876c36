"""Write files so that a crash at any moment leaves the old file or the new one, never half of one."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from safetensors import SafetensorError

from visionft.errors import DiskSpaceError, RunError

NEARLY_FULL = 1 << 20  # bytes free after a write that failed because of the disk: less than a block of any file system


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; on success it is flushed to disk and takes `path`'s place.

    Raises:
        DiskSpaceError: the disk filled up while writing.
        RunError: the folder cannot be written.
    """
    temporary = _beside(path)
    try:
        yield temporary
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        temporary.chmod(0o644)
        temporary.replace(path)
    except OSError as error:
        raise _as_ours(error, path) from error
    except (RuntimeError, SafetensorError) as error:  # what torch and safetensors make of a failed write
        if not _is_full(path.parent):
            raise
        raise _disk_full(path) from error
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Replace a text file (UTF-8) atomically."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: Path, value: Any) -> None:
    """Replace a JSON file atomically; dictionaries keep their order."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def sweep(folder: Path) -> None:
    """Remove temporary files that a killed process left in a folder."""
    for leftover in folder.glob(".*.part"):
        leftover.unlink(missing_ok=True)


def require_space(folder: Path, needed: int, purpose: str) -> None:
    """Raise DiskSpaceError unless the disk of `folder` (or of its nearest existing parent) has `needed` bytes free."""
    existing = next(place for place in (folder, *folder.absolute().parents) if place.exists())
    free = shutil.disk_usage(existing).free
    if free < needed:
        raise DiskSpaceError(
            f"the disk of {folder} has {free / 1e6:.0f} MB free, {purpose} needs {needed / 1e6:.0f} MB; "
            "make room or choose another folder with --out"
        )


def make_folder(folder: Path) -> None:
    """Make a folder with all above it; nothing happens if it is there.

    Raises:
        DiskSpaceError: the disk is full.
        RunError: the folder cannot be made, or a file has its name.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _as_ours(error, folder) from error


def _beside(path: Path) -> Path:
    try:
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
    except OSError as error:
        raise _as_ours(error, path) from error
    os.close(descriptor)
    return Path(name)


def _is_full(folder: Path) -> bool:
    return shutil.disk_usage(folder).free < NEARLY_FULL


def _disk_full(path: Path) -> DiskSpaceError:
    return DiskSpaceError(f"the disk is full: {path} could not be written; make room and run the same command again")


def _as_ours(error: OSError, path: Path) -> DiskSpaceError | RunError:
    if error.errno in (28, 122):  # ENOSPC, EDQUOT
        return _disk_full(path)
    return RunError(
        f"{path} could not be written ({error.strerror}); check the folder's permissions or choose another --out"
    )
