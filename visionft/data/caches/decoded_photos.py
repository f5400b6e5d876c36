"""Decoded photos kept between epochs and runs: for augmented training alone, never for anything that is measured."""

from __future__ import annotations

import hashlib
import os
import shutil
import struct
import sys
import tempfile
import time
import zlib
from collections.abc import Iterable
from contextlib import suppress
from functools import lru_cache
from importlib import metadata
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from visionft import photos
from visionft.data.caches import cache_folder
from visionft.data.transforms.decode_crop import shrunk
from visionft.files.safe_open import UnreadableError, opened

Pixels = NDArray[np.uint8]

FOLDER = "decoded"
RESERVE = 2 << 30
"""Bytes of the disk that are left free: a run still has to write its checkpoints."""
MOST = 1 << 32
"""Bytes of one photo; larger files are none of ours."""
STALE = 3600.0
"""Seconds after which a temporary file belongs to a process that was killed."""

# At the end of a file, so that one that was cut short has none: height, width, CRC-32 of all pixels, and a mark with
# the layout's version. A disk that flips bits is found out; nobody else than this user writes here.
_FOOTER = struct.Struct("<III8s")
_MARK = b"vft-rgb2"
_DECODERS = ("pillow", "simplejpeg", "torch")


def estimate(n: int, side: int) -> int:
    """Return the bytes of `n` photos of 3:4 whose short side is `side`."""
    return n * side * (side * 4 // 3) * 3


def room(budget: int) -> int:
    """Return the bytes that can still be kept: what the budget and the free disk leave; never below 0."""
    place = cache_folder.root() / FOLDER
    existing = next(folder for folder in (place, *place.absolute().parents) if folder.exists())
    return max(0, min(budget - sum(cache_folder.sizes(place)), shutil.disk_usage(existing).free - RESERVE))


class Decoded:
    """Photos decoded, shrunk to a short side of `side` and kept in one file each; smaller ones are as they are.

    A photo's pixels do not depend on whether it was kept: where there is no room, they are computed each time. Files
    are found by the SHA-256 of the photo's bytes, appear whole or not at all, and any number of processes and runs
    share them.

    Args:
        side: in pixels.
        budget: of all decoded photos of this user, in bytes.
        writers: processes that share what is left of the budget.
    """

    def __init__(self, side: int, budget: int, writers: int = 1) -> None:
        self.side, self.budget, self.writers = side, budget, max(1, writers)
        self.folder = cache_folder.root() / FOLDER / f"{side}-{_versions()}"
        self._left: int | None = None

    def read(self, path: Path, digest: str) -> Pixels:
        """Return the photo, (h, w, 3) uint8 RGB, whose bytes had `digest`; PhotoError where it is needed and gone."""
        place = self._place(digest)
        kept = _kept(place)
        if kept is not None:
            return kept
        data = photos.contents(path)
        pixels = self._made(data)
        if photos.digest(data) == digest:  # else it changed since it was listed, and is another photo
            self._keep(place, pixels)
        return pixels

    def file(self, path: Path, digest: str) -> Path:
        """Return the file that `read` will open: the one that is kept, else the photo itself."""
        place = self._place(digest)
        return place if place.is_file() else path

    def missing(self, digests: Iterable[str]) -> int:
        """Count the photos that are not kept yet."""
        return sum(not self._place(digest).is_file() for digest in digests)

    def _place(self, digest: str) -> Path:
        return self.folder / digest[:2] / digest

    def _made(self, data: bytes) -> Pixels:
        return shrunk(lambda reduction: photos.decode(data, max_pixels=sys.maxsize, reduction=reduction), self.side)

    def _keep(self, place: Path, pixels: Pixels) -> None:
        """Write a photo; a cache is no reason to stop, so that a disk that refuses only ends the keeping."""
        needed = pixels.nbytes + _FOOTER.size
        if self._left is None:
            _sweep(self.folder)
            self._left = room(self.budget) // self.writers
        if needed > self._left:
            return
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            if shutil.disk_usage(place.parent).free < RESERVE:
                raise OSError("no room")
            _write(place, pixels)
            self._left -= needed
        except OSError:
            self._left = 0


def _kept(place: Path) -> Pixels | None:
    """Return the pixels in a file; None where it is not there or not whole.

    Read at once: to map it and touch each page for the first time takes longer than the copy, and a disk that fails
    would end the process.
    """
    try:
        with opened(place, MOST) as file:
            whole = np.empty(os.fstat(file.fileno()).st_size, np.uint8)
            end = file.readinto(whole.data) - _FOOTER.size
    except UnreadableError:
        return None
    if end < 0 or end + _FOOTER.size < len(whole):
        return None
    height, width, checksum, mark = _FOOTER.unpack_from(whole.data, end)
    sound = mark == _MARK and height * width * 3 == end and checksum == zlib.crc32(whole[:end].data)
    return whole[:end].reshape(height, width, 3) if sound else None


def _write(place: Path, pixels: Pixels) -> None:
    descriptor, name = tempfile.mkstemp(dir=place.parent, suffix=".part")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(pixels.data)
            file.write(_FOOTER.pack(*pixels.shape[:2], zlib.crc32(pixels.data), _MARK))
        Path(name).replace(place)
    except BaseException:
        with suppress(OSError):
            Path(name).unlink()
        raise


def _sweep(folder: Path) -> None:
    """Remove what killed processes were writing."""
    for file in cache_folder.files(folder):
        with suppress(OSError):
            if file.name.endswith(".part") and time.time() - file.stat().st_mtime > STALE:
                Path(file.path).unlink()


@lru_cache(maxsize=1)
def _versions() -> str:
    """Name what decides the pixels besides a photo's bytes: another decoder may round otherwise."""
    named = "\n".join([f"table {photos.TABLE}", *(f"{name} {metadata.version(name)}" for name in _DECODERS)])
    return hashlib.sha256(named.encode()).hexdigest()[:8]
