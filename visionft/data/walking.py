"""Walk a folder of class folders: sorted, links followed but no circle, junk set aside with a reason."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from visionft.errors import DataError
from visionft.photos import Quarantined, junk, printable


@dataclass(frozen=True)
class Entries:
    """The names in one folder, sorted.

    Attributes:
        folders: Sub-folders that are walked.
        files: Files that may be photos.
        rejected: (name, reason) of what is set aside.
    """

    folders: list[str] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    rejected: list[tuple[str, str]] = field(default_factory=list)


def entries(folder: Path) -> Entries:
    """List one folder.

    Raises:
        DataError: the folder cannot be listed.
    """
    try:
        with os.scandir(folder) as listed:
            names = sorted((entry.name, entry.is_dir()) for entry in listed)
    except OSError as error:
        fault = f"the folder {printable(folder)} cannot be listed ({error.strerror}): check its permissions"
        raise DataError(fault) from error
    found = Entries()
    for name, is_folder in names:
        if reason := junk(name, folder=is_folder):
            found.rejected.append((name, reason))
        else:
            (found.folders if is_folder else found.files).append(name)
    return found


@dataclass(frozen=True)
class Folder:
    """One folder of a walk.

    Attributes:
        path: Relative to the root of the walk, with slashes; "" is the root itself.
        files: Names of the files that may be photos, sorted.
        is_leaf: Whether it has no sub-folder.
    """

    path: str
    files: list[str]
    is_leaf: bool


class Walk:
    """Every folder below `root/start`, depth first, in order of the names.

    `photos.walk` does the same for predict, by the same rules of junk; this one keeps folders, also empty ones, and no
    list of all files.

    Args:
        root: Folder that paths are relative to.
        start: Where to begin, relative to `root`; "" is `root` itself.

    Attributes:
        quarantine: What was set aside so far; whole once the walk is.
    """

    def __init__(self, root: Path, start: str = "") -> None:
        self.root, self.start = root, start
        self.quarantine: list[Quarantined] = []

    def __iter__(self) -> Iterator[Folder]:
        """Yield the folders; DataError if the first cannot be listed."""
        yield from self._walk(self.start, frozenset())

    def _walk(self, folder: str, above: frozenset[str]) -> Iterator[Folder]:
        here = os.path.realpath(self.root / folder)
        if here in above:
            self._set_aside(folder, "a link to a folder that was already read")
            return
        found = self._entries(folder)
        for name, reason in found.rejected:
            self._set_aside(join(folder, name), reason)
        yield Folder(folder, found.files, not found.folders)
        for name in found.folders:
            yield from self._walk(join(folder, name), above | {here})

    def _entries(self, folder: str) -> Entries:
        try:
            return entries(self.root / folder)
        except DataError:
            if folder == self.start:
                raise
            self._set_aside(folder, "cannot be listed")
            return Entries()

    def _set_aside(self, path: str, reason: str) -> None:
        self.quarantine.append(Quarantined(printable(path), reason))


def join(folder: str, name: str) -> str:
    """Join with a slash, on every system."""
    return f"{folder}/{name}" if folder else name
