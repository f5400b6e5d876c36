"""Write files so that a crash at any moment leaves the old file or the new one, never half of one."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from safetensors import SafetensorError

from visionft.errors import DiskSpaceError, RunError
from visionft.files import digests
from visionft.files.safe_open import UnreadableError, entry_of
from visionft.files.temporary import FULL, new_folder, reason_of, why_not_written
from visionft.runs.layout import LOCK

NEARLY_FULL = 1 << 20  # bytes free after a write that failed because of the disk: less than a block of any file system


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; on success it is flushed to disk and takes `path`'s place.

    It lies in a hidden folder of its own: what a library makes beside it, as safetensors does, is swept away with it.
    In a run its digest is recorded with it (`visionft.files.digests`).

    Raises:
        DiskSpaceError: the disk filled up while writing.
        RunError: the folder cannot be written.
    """
    try:
        folder = new_folder(path, ".part")
    except OSError as error:
        raise _as_ours(error, path) from error
    temporary = folder / path.name
    try:
        temporary.touch(exist_ok=False)
        rights = temporary.stat().st_mode
        yield temporary
        with temporary.open("rb") as file:
            if os.fstat(file.fileno()).st_mode != rights:  # another file took its place, for its owner alone
                os.fchmod(file.fileno(), rights)
            os.fsync(file.fileno())
        with digests.changing(path, entry_of(temporary)):
            temporary.replace(path)
    except OSError as error:
        raise _as_ours(error, path) from error
    except UnreadableError as error:
        raise _unrecorded(path, error) from error
    except (RuntimeError, SafetensorError) as error:  # what torch and safetensors make of a failed write
        if _is_full(path.parent):
            raise _disk_full(path) from error
        if (refused := why_not_written(temporary)) is not None:
            raise _as_ours(refused, path) from error
        raise
    finally:
        with suppress(OSError):  # a disk that became read-only keeps it; the next fit sweeps it away
            shutil.rmtree(folder)


def write_text(path: Path, text: str) -> None:
    """Replace a text file (UTF-8) atomically."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: Path, value: Any) -> None:
    """Replace a JSON file atomically; dictionaries keep their order."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def remove(path: Path) -> None:
    """Remove a file, if it is there, and its digest.

    Raises:
        RunError: it cannot be removed.
    """
    if not os.path.lexists(path):
        return
    try:
        with digests.changing(path, None):
            path.unlink()
    except OSError as error:
        raise _as_ours(error, path) from error
    except UnreadableError as error:
        raise _unrecorded(path, error) from error


def begin(folder: Path) -> None:
    """Start to record the digests of what is written into a run's folder.

    Raises:
        DiskSpaceError, RunError: as of `replacing`.
    """
    try:
        digests.begin(folder)
    except OSError as error:
        raise _as_ours(error, folder / digests.NAME) from error


def seal(folder: Path) -> None:
    """Record the digests of everything that lies in a run's folder.

    Raises:
        DiskSpaceError, RunError: as of `replacing`.
    """
    try:
        found = {name: entry_of(place) for name, place in digests.files(folder, digests.FOLDERS).items()}
        unlisted = (LOCK, digests.NAME)
        digests.Digests({name: entry for name, entry in found.items() if name not in unlisted}).write(folder)
    except OSError as error:
        raise _as_ours(error, folder / digests.NAME) from error


def sweep(folder: Path) -> None:
    """Remove temporary files that a killed process left in a folder and below, as in evaluation/test.

    Raises:
        RunError: the folder cannot be written.
    """
    for leftover in list(folder.rglob(".*.part")):
        try:
            if leftover.is_dir() and not leftover.is_symlink():
                shutil.rmtree(leftover)
            else:  # digests.json's own
                leftover.unlink(missing_ok=True)
        except OSError as error:
            raise _as_ours(error, leftover) from error


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


def _is_full(folder: Path) -> bool:
    return shutil.disk_usage(folder).free < NEARLY_FULL


def _disk_full(path: Path) -> DiskSpaceError:
    return DiskSpaceError(f"the disk is full: {path} could not be written; make room and run the same command again")


def _unrecorded(path: Path, error: UnreadableError) -> RunError:
    keeper = (digests.keeper_of(path) or path.parent) / digests.NAME
    return RunError(f"{keeper} is damaged ({error.reason}), so {path.name} was not written; restore it from a copy")


def _as_ours(error: OSError, path: Path) -> DiskSpaceError | RunError:
    if error.errno in FULL:
        return _disk_full(path)
    return RunError(
        f"{path} could not be written ({reason_of(error)}); check the folder's permissions or choose another --out"
    )
