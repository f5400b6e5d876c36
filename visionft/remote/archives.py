"""Archives unpacked into folders, within bounds: nothing leads out of the folder, and no bomb fills the disk."""

from __future__ import annotations

import lzma
import os
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Self

from visionft.errors import DataError, VisionftError
from visionft.remote import kept_files
from visionft.remote.safe_names import safe_name
from visionft.wording.lists import count
from visionft.wording.safe_text import printable

MAX_MEMBERS = 10_000_000
MAX_RATIO = 200
"""Bytes that one byte of an archive may become: photos are compressed already, and plain bitmaps shrink to a tenth."""
SLACK = 64 << 20
"""Bytes that any archive may become."""
MAX_HEADER = 1 << 20
"""Bytes of what a tar says of one file: Python reads them into memory before it looks at them."""
_PIECE = 1 << 20
_ZSTANDARD = b"\x28\xb5\x2f\xfd"
_LONG_HEADERS = frozenset(
    {
        tarfile.XHDTYPE,
        tarfile.XGLTYPE,
        tarfile.SOLARIS_XHDTYPE,
        tarfile.GNUTYPE_LONGNAME,
        tarfile.GNUTYPE_LONGLINK,
    }
)
_FAULTS = (
    OSError,
    EOFError,
    ValueError,
    NotImplementedError,
    RuntimeError,
    zlib.error,
    lzma.LZMAError,
    zipfile.BadZipFile,
    tarfile.TarError,
)


@dataclass(frozen=True)
class Member:
    """One file of an archive.

    Attributes:
        name: a path below the folder that it is unpacked into.
        size: in bytes, as the archive says.
        open: opens it for reading.
    """

    name: str
    size: int
    open: Callable[[], IO[bytes]]


class _LongHeaderError(DataError):
    """A description of one file that would fill the memory."""


class _Entry(tarfile.TarInfo):
    """A member of a tar whose own description is short: a few packed megabytes of it could fill the memory."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str | None, errors: str) -> Self:
        """Read a header; DataError where one that others follow is longer than any name of a file."""
        entry = super().frombuf(buf, encoding, errors)  # type: ignore[arg-type]  # None is what tarfile gives
        if entry.type in _LONG_HEADERS and entry.size > MAX_HEADER:
            raise _LongHeaderError(
                f"a header of {entry.size / 1e6:,.0f} MB, as no photo has: nothing of the archive is used"
            )
        return entry


def require_archive(path: Path, place: str) -> None:
    """Raise DataError if a file is no archive, whatever it is called."""
    if zipfile.is_zipfile(path):
        return
    try:
        with tarfile.open(path, tarinfo=_Entry):
            return
    except _LongHeaderError as fault:
        raise DataError(f"{place} holds {fault}") from None
    except _FAULTS as fault:
        if isinstance(fault, OSError) and fault.errno is not None:
            raise
    with path.open("rb") as opened:
        if opened.read(len(_ZSTANDARD)) == _ZSTANDARD:
            raise DataError(
                f"the archive {place} is packed by Zstandard, which Python reads from 3.14 on: unpack it by `zstd -d`, "
                "and give the .tar"
            )
    raise DataError(f"the archive {place} cannot be read (neither zip nor tar): copy or make it again")


def unpack(path: Path, folder: Path, place: str, advance: Callable[[int, int], None]) -> list[str]:
    """Write the files of an archive into a folder, and return their names there, sorted.

    Args:
        path: the file.
        folder: an empty one.
        place: how people call the archive.
        advance: called with (files written, files in all).

    Raises:
        DataError: it is damaged or encrypted, holds a name that leads elsewhere, or unpacks to far more than photos do.
    """
    try:
        require_archive(path, place)
        with _opened(path, place) as members:
            _refuse_bomb(path, members, place)
            kept_files.require_room(place, sum(member.size for member in members))
            for done, member in enumerate(members, 1):
                _write(member, folder / member.name, place)
                advance(done, len(members))
            return sorted(member.name for member in members)
    except _LongHeaderError as fault:
        raise DataError(f"{place} holds {fault}") from None
    except VisionftError:  # some are ValueErrors too
        raise
    except _FAULTS as fault:
        if isinstance(fault, OSError) and fault.errno is not None:  # of this machine's disk
            raise
        words = next(iter(str(fault).splitlines()), "") or type(fault).__name__
        raise DataError(
            f"the archive {place} cannot be read ({printable(words)[:120]}): copy or make it again"
        ) from fault


@contextmanager
def _opened(path: Path, place: str) -> Iterator[list[Member]]:
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            yield list(_of_zip(archive, place))
    else:
        with tarfile.open(path, tarinfo=_Entry) as archive:
            packed = path.stat().st_size
            members = list(_of_tar(archive, place, packed))
            _require_end(archive, place, packed)
            yield members


def _of_zip(archive: zipfile.ZipFile, place: str) -> Iterator[Member]:
    for entry in archive.infolist():
        name = safe_name(entry.filename, place)
        kind = entry.external_attr >> 28
        if entry.is_dir():
            continue
        if kind == 0xA:
            _refuse_link(name, place)
        if entry.flag_bits & 1:
            raise DataError(f"{place} is encrypted ({printable(name)[:80]}): unpack it, and give the folder")
        yield Member(name, entry.file_size, lambda entry=entry: archive.open(entry))  # type: ignore[misc]


def _of_tar(archive: tarfile.TarFile, place: str, packed: int) -> Iterator[Member]:
    for number, entry in enumerate(archive):
        _refuse_size(place, entry.offset_data, packed)  # before all of it is unpacked, only to be counted
        if number >= MAX_MEMBERS:
            raise DataError(f"{place} has more than {MAX_MEMBERS:,} files: give it in parts")
        if entry.name in (".", "./"):
            continue
        name = safe_name(entry.name, place)
        if entry.isdir():
            continue
        if not entry.isreg():
            _refuse_link(name, place)
        yield Member(name, entry.size, lambda entry=entry: _content(archive, entry))  # type: ignore[misc]


def _require_end(archive: tarfile.TarFile, place: str, packed: int) -> None:
    """Raise DataError unless a tar was read to its end: tarfile takes a damaged header for it, and reads no checksum.

    The sum of a .tar.gz comes last, and is compared by whoever reads up to there.
    """
    file = archive.fileobj
    assert file is not None, "it is open"
    file.seek(archive.offset)
    header = file.read(tarfile.BLOCKSIZE)
    if any(header) or 0 < len(header) < tarfile.BLOCKSIZE:
        raise DataError(
            f"the archive {place} is damaged or cut behind {count(len(archive.getmembers()), 'file')}: copy it again"
        )
    while file.read(_PIECE):
        _refuse_size(place, file.tell(), packed)


def _content(archive: tarfile.TarFile, entry: tarfile.TarInfo) -> IO[bytes]:
    found = archive.extractfile(entry)
    assert found is not None, "a regular file has content"
    return found


def _refuse_link(name: str, place: str) -> None:
    raise DataError(f"{place} holds {printable(name)[:80]!r}, which is a link or a device: pack the photos themselves")


def _refuse_bomb(path: Path, members: list[Member], place: str) -> None:
    packed, unpacked = path.stat().st_size, sum(member.size for member in members)
    if len(members) > MAX_MEMBERS:
        raise DataError(f"{place} has more than {MAX_MEMBERS:,} files: give it in parts")
    _refuse_size(place, unpacked, packed)


def _refuse_size(place: str, unpacked: int, packed: int) -> None:
    if unpacked > MAX_RATIO * packed + SLACK:
        raise DataError(
            f"{place} would unpack to {unpacked / 1e6:,.0f} MB, {unpacked // max(1, packed):,} times its size, as no "
            "photos do: nothing of it is used"
        )


def _write(member: Member, place: Path, name: str) -> None:
    """Write one file; it may not be longer than the archive says, nor replace another."""
    left = member.size
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        target = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
    except (FileExistsError, NotADirectoryError, IsADirectoryError):
        raise DataError(f"{name} holds {printable(member.name)[:80]!r} twice: make it anew from the folder") from None
    with os.fdopen(target, "wb") as out, member.open() as source:
        while piece := source.read(_PIECE):
            left -= len(piece)
            if left < 0:
                raise DataError(f"{name} holds more of {printable(member.name)[:80]!r} than it says: make it anew")
            out.write(piece)
    if left:
        raise DataError(f"{name} is cut ({printable(member.name)[:80]} ends early): copy it again")
