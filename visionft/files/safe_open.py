"""Opening a file that visionft wrote: a regular one within its bound, or one reason why not; it never waits."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path

RECORD_BYTES = 64 << 20
"""JSON and YAML; a data.json with a line for each of 200,000 photos that cannot be used has 20 MB."""
TABLE_BYTES = 16 << 30
"""Tables of photos: ten million rows of 200 bytes are 2 GB."""
WEIGHTS_BYTES = 256 << 30
"""Tensors and checkpoints: a checkpoint holds the weights four times over."""
MODEL_BYTES = (2 << 30) - 1
"""An ONNX file, and what adapters it: protobuf's own limit."""

MISSING = "it is missing"
KINDS = {
    stat.S_IFDIR: "a folder", stat.S_IFIFO: "a FIFO", stat.S_IFCHR: "a device", stat.S_IFBLK: "a device",
    stat.S_IFSOCK: "a socket", stat.S_IFLNK: "a link",
}  # fmt: skip


class UnreadableError(Exception):
    """A file cannot be used; `reason` is a short phrase, to be put into a sentence that names file and remedy."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


@dataclass(frozen=True)
class Entry:
    """Size and SHA-256 of a file's content.

    Attributes:
        bytes: its size.
        sha256: in hexadecimal.
    """

    bytes: int
    sha256: str


@contextmanager
def opened(path: Path, most: int, *, inside: Path | None = None) -> Iterator[BufferedReader]:
    """Open a regular file of at most `most` bytes.

    A FIFO is not waited for, a device is not opened. Links are followed, as somebody may keep large files elsewhere;
    not below `inside`, where no part of the path may be one: a folder from somebody else could name any file of ours.

    Args:
        path: the file.
        most: bytes.
        inside: the folder that the file must really lie in.

    Raises:
        UnreadableError: there is no such file, it is no regular one, it is too large, or it cannot be read.
    """
    try:
        descriptor = _descriptor(path, inside)
    except OSError as error:
        raise UnreadableError(_reason(error)) from error
    with os.fdopen(descriptor, "rb") as file:
        found = os.fstat(file.fileno())
        _require_regular(found.st_mode)
        if found.st_size > most:
            raise UnreadableError(f"{found.st_size:,} bytes, where at most {most:,} are read")
        try:
            yield file
        except OSError as error:
            raise UnreadableError(_reason(error)) from error


def read_bytes(path: Path, most: int = RECORD_BYTES, *, inside: Path | None = None) -> bytes:
    """Return a file's content; see `opened`."""
    with opened(path, most, inside=inside) as file:
        content = file.read(most + 1)
    if len(content) > most:
        raise UnreadableError(f"more than the {most:,} bytes that are read")
    return content


def entry_of(path: Path, most: int = WEIGHTS_BYTES, *, inside: Path | None = None) -> Entry:
    """Return size and digest of a file's content; see `opened`."""
    with opened(path, most, inside=inside) as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        return Entry(file.tell(), digest)


def require_file(path: Path, most: int = WEIGHTS_BYTES, *, inside: Path | None = None) -> None:
    """Raise UnreadableError where `opened` would."""
    with opened(path, most, inside=inside):
        pass


def entry_of_bytes(content: bytes) -> Entry:
    """Return size and digest of a content."""
    return Entry(len(content), hashlib.sha256(content).hexdigest())


def _descriptor(path: Path, inside: Path | None) -> int:
    flags = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY
    if inside is None:
        _require_regular(path.stat().st_mode)
        return os.open(path, flags)
    place = os.open(inside, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        *folders, name = path.relative_to(inside).parts
        if ".." in (*folders, name):
            raise UnreadableError(f"it is not in {inside}")
        for folder in folders:
            below = _below(place, folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            os.close(place)
            place = below
        return _below(place, name, flags)
    finally:
        os.close(place)


def _below(place: int, name: str, flags: int) -> int:
    mode = os.stat(name, dir_fd=place, follow_symlinks=False).st_mode
    if not (flags & os.O_DIRECTORY and stat.S_ISDIR(mode)):
        _require_regular(mode)
    return os.open(name, flags | os.O_NOFOLLOW, dir_fd=place)


def _require_regular(mode: int) -> None:
    if not stat.S_ISREG(mode):
        raise UnreadableError(f"it is {KINDS.get(stat.S_IFMT(mode), 'a special file')}")


def _reason(error: OSError) -> str:
    if error.errno == errno.ENOENT:
        return MISSING
    if error.errno == errno.ELOOP:
        return "it is a link in a circle"
    return (error.strerror or str(error)).lower()
