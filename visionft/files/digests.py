"""digests.json: size and SHA-256 of every file of a folder, right at every moment, whatever is killed when.

Before a file takes its place, its digest is written down as pending; afterwards it is the file's own. So after a kill a
file is as the one or as the other says. A folder without digests.json was written by an older version, or is none of
ours: then nothing is recorded and nothing is compared.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from visionft.files.safe_json import read_object
from visionft.files.safe_open import Entry, UnreadableError, entry_of
from visionft.files.temporary import new_file

NAME = "digests.json"
FORMAT = 1
FOLDERS = ("adapter", "evaluation")
"""Folders of a run whose files stand in the run's digests.json; every other folder answers for itself."""


@dataclass
class Digests:
    """What digests.json says.

    Attributes:
        files: by path from its folder, with `/`.
        pending: what takes a file's place just now, None where the file is being removed; empty unless killed then.
    """

    files: dict[str, Entry] = field(default_factory=dict)
    pending: dict[str, Entry | None] = field(default_factory=dict)

    @classmethod
    def read(cls, folder: Path, *, inside: Path | None = None) -> Digests:
        """Read a folder's digests.json; UnreadableError where it is missing or damaged. `inside` as of `opened`."""
        record = read_object(folder / NAME, inside=inside)
        try:
            if record["format"] != FORMAT:
                raise UnreadableError(f"it is of format {record['format']!r}, and this visionft reads {FORMAT}")
            files = {_name(name): _entry(value) for name, value in record["files"].items()}
            pending = {_name(name): value and _entry(value) for name, value in record.get("pending", {}).items()}
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise UnreadableError("it holds no digests") from error
        return cls(files, pending)

    def text(self) -> str:
        """Return the text of a digests.json."""
        record: dict[str, Any] = {"format": FORMAT, "files": _plain(self.files)}
        if self.pending:
            record["pending"] = _plain(self.pending)
        return json.dumps(record, indent=2, ensure_ascii=False) + "\n"

    def write(self, folder: Path) -> None:
        """Replace a folder's digests.json; OSError as the system raises it."""
        temporary = new_file(folder / NAME, ".part")
        try:
            with temporary.open("w", encoding="utf-8") as file:
                file.write(self.text())
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(folder / NAME)
        finally:
            temporary.unlink(missing_ok=True)

    def require(self, name: str, found: Entry) -> None:
        """Raise UnreadableError unless a file's content is the one written down."""
        known = [entry for entry in (self.files.get(name), self.pending.get(name)) if entry is not None]
        if not known:
            raise UnreadableError(f"{NAME} does not list it")
        if found not in known:
            size = (
                "" if found.bytes == known[0].bytes else f"{found.bytes:,} bytes, written as {known[0].bytes:,}, and "
            )
            raise UnreadableError(f"{size}its digest is not the one in {NAME}")

    def settle(self, folder: Path, name: str) -> None:
        """Find out what became of a file whose change was cut short."""
        if name not in self.pending:
            return
        wanted, found = self.pending.pop(name), None
        with suppress(UnreadableError):
            found = entry_of(folder / name)
        if found is None:
            self.files.pop(name, None)
        elif found == wanted:
            self.files[name] = found


def begin(folder: Path) -> None:
    """Start an empty digests.json in a folder: what is written there from now on is recorded."""
    Digests().write(folder)


def seal(folder: Path) -> None:
    """Write digests.json of every file that a folder holds now, those in its folders too."""
    found = {name: entry_of(place) for name, place in files(folder).items() if name != NAME}
    Digests(found).write(folder)


def files(folder: Path, within: Collection[str] | None = None) -> dict[str, Path]:
    """Return what lies in a folder, by its name in digests.json; links as such, never what they lead to.

    Args:
        folder: the folder.
        within: its folders that are looked through; none: all.
    """
    found: dict[str, Path] = {}
    for place in sorted(folder.iterdir()):
        if place.is_dir() and not place.is_symlink():
            inner = files(place) if within is None or place.name in within else {}
            found |= {f"{place.name}/{name}": file for name, file in inner.items()}
        else:
            found[key(folder, place)] = place
    return found


def keeper_of(path: Path) -> Path | None:
    """Return the folder whose digests.json a file belongs to; None: there is none."""
    own, *above = path.absolute().parents[:3]
    fitting = [folder for folder in above if path.absolute().relative_to(folder).parts[0] in FOLDERS]
    return next((folder for folder in (own, *fitting) if os.path.lexists(folder / NAME)), None)


def key(folder: Path, path: Path) -> str:
    """Return a file's name in the digests.json of a folder; bytes that are no UTF-8 are spelt out."""
    return os.fsencode(path.absolute().relative_to(folder.absolute()).as_posix()).decode("utf-8", "backslashreplace")


def verify(path: Path, most: int) -> Entry:
    """Return size and digest of a file that is as the digests.json says that it belongs to, if there is one.

    Raises:
        UnreadableError: it cannot be opened, or is not the one that was written.
    """
    folder = keeper_of(path)
    found = entry_of(path, most)
    if folder is not None:
        _read_or_blame(folder).require(key(folder, path), found)
    return found


def _read_or_blame(folder: Path) -> Digests:
    try:
        return Digests.read(folder)
    except UnreadableError as error:
        raise UnreadableError(f"{NAME} beside it cannot be used: {error.reason}") from error


@contextmanager
def changing(path: Path, new: Entry | None) -> Iterator[None]:
    """Record that a file becomes another one, or goes (None), around the step that does it.

    Raises:
        UnreadableError: digests.json is damaged.
        OSError: it cannot be written.
    """
    folder = keeper_of(path)
    if folder is None:
        yield
        return
    name = key(folder, path)
    with _held(folder):
        digests = Digests.read(folder)
        digests.settle(folder, name)
        digests.pending[name] = new
        digests.write(folder)
        yield
        del digests.pending[name]
        if new is None:
            digests.files.pop(name, None)
        else:
            digests.files[name] = new
        digests.write(folder)


@contextmanager
def _held(folder: Path) -> Iterator[None]:
    """Let one process at a time change digests.json; a file system without locks does without."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        with suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _name(name: str) -> str:
    """Return the name of a file below the folder; ValueError for any other."""
    if not name or "\0" in name or name.startswith("/") or ".." in name.split("/"):
        raise ValueError(name)
    return name


def _entry(value: dict[str, Any]) -> Entry:
    size, digest = value["bytes"], value["sha256"]
    if not isinstance(size, int) or not isinstance(digest, str):
        raise TypeError(value)
    return Entry(size, digest)


def _plain(entries: dict[str, Any]) -> dict[str, Any]:
    return {name: entries[name] and asdict(entries[name]) for name in sorted(entries)}
