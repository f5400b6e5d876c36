"""Walk a folder of photos: the one walker, for class folders and for predict alike."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Set
from dataclasses import dataclass, field
from pathlib import Path

from visionft.photos.quarantine import Quarantined, junk
from visionft.wording.safe_text import printable

READ_ALREADY = "a link to a folder that was already read"
UNLISTED = "cannot be listed"
NOT_REGULAR = "not a regular file"

_Identity = tuple[int, int]  # device and inode
_Above = tuple[_Identity, "_Above | None"]  # a chain, as 1,500 nested folders must not cost 1,500 copies of a set


@dataclass(frozen=True, slots=True)
class Folder:
    """One folder of a walk.

    Attributes:
        path: relative to the root of the walk, with slashes; "" is the root itself.
        files: names of the files that may be photos, sorted.
        folders: names of the sub-folders that are walked, sorted.
        identity: (device, inode), the same under every name of one real folder.
        links: how many links lie on the way from the root.
    """

    path: str
    files: list[str]
    folders: list[str]
    identity: _Identity
    links: int = 0


@dataclass(frozen=True, slots=True)
class _Step:
    path: str
    identity: _Identity
    above: _Above | None
    links: int


@dataclass
class _Entries:
    files: list[str] = field(default_factory=list)
    folders: list[_Step] = field(default_factory=list)


class Walk:
    """Every folder below `root`, depth first, in order of the names; no file is opened.

    Links are followed, with two bounds that make every walk end. A link to a folder that lies above it is set aside,
    and so is a link below another link, if its folder was met before. A folder may thus come under several names;
    `doubles` tells which of them to leave out. What is no folder and no regular file (a pipe, a socket, a device) is
    set aside; a broken link is taken for a file, so that opening it says what is wrong.

    Attributes:
        quarantine: what was set aside so far, with paths relative to `root`; whole once the walk is.
    """

    def __init__(self, root: Path) -> None:
        self.root = os.fspath(root)
        self.quarantine: list[Quarantined] = []
        self._met: set[_Identity] = set()

    def __iter__(self) -> Iterator[Folder]:
        """Yield the folders; OSError if the root itself cannot be listed."""
        waiting = [_Step("", _identity(self.root), None, 0)]
        while waiting:
            step = waiting.pop()
            self._met.add(step.identity)
            try:
                found = self._entries(step)
            except OSError as fault:
                if not step.path:
                    raise
                self._set_aside(step.path, f"{UNLISTED} ({fault.strerror})")
                continue
            waiting += reversed(found.folders)
            names = [child.path.rpartition("/")[2] for child in found.folders]
            yield Folder(step.path, found.files, names, step.identity, step.links)

    def _entries(self, step: _Step) -> _Entries:
        found = _Entries()
        # The plain string, and a slash of our own: a Path takes several times as long.
        with os.scandir(f"{self.root}/{step.path}" if step.path else self.root) as listed:
            for entry in sorted(listed, key=lambda entry: entry.name):
                self._take(entry, step, found)
        return found

    def _take(self, entry: os.DirEntry[str], step: _Step, found: _Entries) -> None:
        path, is_folder = join(step.path, entry.name), _is_folder(entry)
        if reason := junk(entry.name, folder=is_folder):
            self._set_aside(path, reason)
        elif is_folder:
            self._enter(entry, path, step, found)
        elif _is_file(entry):
            found.files.append(entry.name)
        else:
            self._set_aside(path, NOT_REGULAR)

    def _enter(self, entry: os.DirEntry[str], path: str, step: _Step, found: _Entries) -> None:
        try:
            identity = _identity(entry.path)
        except OSError as fault:
            self._set_aside(path, f"{UNLISTED} ({fault.strerror})")
            return
        is_link = entry.is_symlink()
        if is_link and (_is_above(identity, step) or (step.links and identity in self._met)):
            self._set_aside(path, READ_ALREADY)
        else:
            found.folders.append(_Step(path, identity, (step.identity, step.above), step.links + is_link))

    def _set_aside(self, path: str, reason: str) -> None:
        self.quarantine.append(Quarantined(printable(path), reason))


def doubles(folders: Iterable[Folder]) -> set[str]:
    """Return the paths of folders that are read under another name too; the name with the fewest links stays."""
    best: dict[_Identity, Folder] = {}
    every = list(folders)
    for folder in every:
        first = best.setdefault(folder.identity, folder)
        if folder.links < first.links:
            best[folder.identity] = folder
    return {folder.path for folder in every if best[folder.identity] is not folder}


def without(paths: Set[str], quarantine: Iterable[Quarantined], reason: str = READ_ALREADY) -> list[Quarantined]:
    """Return the quarantine of a walk once some folders are left out: one entry each, and none for what is in them."""
    gone = {printable(path) for path in paths}
    tops = sorted(path for path in gone if not any(folder in gone for folder in above(path)))
    kept = [item for item in quarantine if not any(folder in gone for folder in above(item.path))]
    return [*kept, *(Quarantined(path, reason) for path in tops)]


def above(path: str) -> list[str]:
    """Return the folders that a path goes through, the root ("") first; none for the root."""
    levels = path.split("/") if path else []
    return ["/".join(levels[:n]) for n in range(len(levels))]


def join(folder: str, name: str) -> str:
    """Join with a slash, on every system."""
    return f"{folder}/{name}" if folder else name


def _identity(path: str) -> _Identity:
    found = os.stat(path)  # noqa: PTH116  # a Path takes several times as long
    return found.st_dev, found.st_ino


def _is_above(identity: _Identity, step: _Step) -> bool:
    chain: _Above | None = (step.identity, step.above)
    while chain is not None:
        if chain[0] == identity:
            return True
        chain = chain[1]
    return False


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself; reading it will say so
        return False


def _is_file(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_file() or (entry.is_symlink() and not _leads(entry))
    except OSError:
        return True  # gone since, or a link to itself: opening it will say so


def _leads(entry: os.DirEntry[str]) -> bool:
    """Tell whether a link that leads to no file and no folder leads to something."""
    try:
        entry.stat()
    except OSError:
        return False
    return True
