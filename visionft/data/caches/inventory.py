"""What the caches hold, and how they are emptied."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from visionft.data.caches import cache_folder
from visionft.remote import kept_files

KINDS = {
    "audits": "what audits saw of photos, by their digests; looked at again when they are next audited",
    "decisions": "what trials decided on this machine, so that a repeat decides the same; tried again when next needed",
    "models": "networks that were given as objects; written again when they are given again",
    "decoded": "photos as pixels, for augmented training; made again in the epochs that need them",
    "remote": "photos of other machines and of archives; fetched again when they are next named",
    "scans": "what is known of photo folders; found again when they are next read",
}
"""The folders that visionft makes under the root of its caches, and what each holds."""
LASTING = {"photos": "photos that were given from memory; runs read them there, so that --clear leaves them alone"}
"""Folders of ours that are not removed: what is in them may be nowhere else any more."""
OTHERS = "not visionft's: left alone"
LINK = "a link to another place: left alone"


@dataclass(frozen=True)
class Kept:
    """One folder of the root.

    Attributes:
        name: of the folder.
        path: where it is.
        meaning: what it holds.
        files: in it.
        bytes: of these files.
    """

    name: str
    path: Path
    meaning: str
    files: int
    bytes: int


def inventory() -> list[Kept]:
    """Return every folder of the root, in order of their names."""
    root = cache_folder.root()
    return [_counted(path) for path in sorted(root.iterdir()) if path.is_dir()] if root.is_dir() else []


def clear() -> list[Kept]:
    """Remove the folders of `KINDS`, and return what was freed of each; what a link points to is left alone.

    A run that is training goes on: it keeps what it has open, and decodes again what is gone. Photos of other machines
    stay while a process reads them.
    """
    ours = [kept for kept in inventory() if kept.name in KINDS and not kept.path.is_symlink()]
    for kept in ours:
        if kept.name == kept_files.FOLDER:
            kept_files.clear()
        else:
            _remove(kept.path)
    left = [_counted(kept.path) for kept in ours]
    return [
        replace(before, files=before.files - after.files, bytes=before.bytes - after.bytes)
        for before, after in zip(ours, left, strict=True)
    ]


def _counted(path: Path) -> Kept:
    if path.is_symlink():
        return Kept(path.name, path, LINK, 0, 0)
    found = list({(one.st_dev, one.st_ino): one.st_size for one in cache_folder.stats(path)}.values())
    return Kept(path.name, path, {**KINDS, **LASTING}.get(path.name, OTHERS), len(found), sum(found))


def _remove(folder: Path) -> None:
    for file in cache_folder.files(folder):
        with suppress(OSError):
            Path(file.path).unlink()
    for place, _, _ in os.walk(folder, topdown=False):
        with suppress(OSError):  # a training run may have put a photo there since
            Path(place).rmdir()
