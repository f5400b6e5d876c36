"""Photos that were given from memory, once each in files by their content, under a manifest for each table of them."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from PIL import Image

from visionft.data.caches import cache_folder
from visionft.data.sources.memory_rows import MemoryRow, MemoryRows
from visionft.errors import DataError, PhotoError
from visionft.files.temporary import reason_of
from visionft.machine.progress import Advance
from visionft.photos import encoding_of, picture_of_memory
from visionft.settings import DataSettings
from visionft.wording.lists import count

FOLDER = "photos"
FILES, TABLE, NEW = "files", "table", ".new-"
STALE = 24 * 3600.0
"""Seconds after which an unfinished folder belongs to a process that was killed."""
CHUNK = 4096  # rows of the manifest that are held at once
Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class KeptTable:
    """Where a table's photos are.

    Attributes:
        manifest: its path; the photos are beside it, each called by its row, from 0.
        rows: of the table.
        held: photos that were written, as they came without a path.
        bytes: of these.
        notes: sentences to be said aloud.
    """

    manifest: Path
    rows: int
    held: int
    bytes: int
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        if not self.held:
            return f"{count(self.rows, 'row')} from memory, with paths of photos: listed in {self.manifest}"
        return f"{count(self.held, 'photo')} from memory ({self.bytes / 1e6:.1f} MB): in {self.manifest.parent}"


def keep_table(given: MemoryRows, settings: DataSettings, advance: Advance) -> KeptTable:
    """Write the photos and the manifest of rows, where they are not there yet; the same rows come to the same place.

    A file's bytes stay as they are, broken ones too; pictures and arrays become PNG. One row is held at a time.

    Args:
        given: the rows, which are taken.
        settings: name the columns of the manifest.
        advance: told of (rows done, rows in all), where the number is known.

    Raises:
        DataError: a row cannot be used, there is none, or nothing can be written.
    """
    place = (cache_folder.root() / FOLDER).absolute()
    try:
        place.mkdir(parents=True, exist_ok=True)
        _sweep(place)
        with _new_folder(place) as folder:
            table = _Table(folder, place / FILES, given.columns, settings)
            for done, row in enumerate(given.rows, 1):
                table.add(row)
                if given.total:
                    advance(done, given.total)
            return table.placed(place, given.notes)
    except OSError as error:
        raise DataError(
            f"photos from memory cannot be kept in {place} ({reason_of(error)}); set $VISIONFT_CACHE to a folder with "
            "room"
        ) from error


class _Table:
    """A folder that is being filled: its manifest, and its photos as further names of the files by content."""

    def __init__(self, folder: Path, files: Path, columns: tuple[str, ...], settings: DataSettings) -> None:
        self.folder, self.files = folder, files
        names = [settings.path_column, settings.label_column, *columns]
        self.columns, self.schema = columns, pa.schema([(name, pa.string()) for name in names])
        self._writer = pq.ParquetWriter(folder / TABLE, self.schema)
        self._pending: list[tuple[str | None, ...]] = []
        self._digest = hashlib.sha256("\x1f".join(names).encode())
        self.rows = self.held = self.bytes = 0

    def add(self, row: MemoryRow) -> None:
        path, identity = self._path(row.photo)
        extra: Mapping[str, str | None] = {"split": row.split, "group": row.group}
        values = (row.label, *(extra[name] for name in self.columns))
        said = "\x1f".join("\0" if value is None else value for value in (identity, *values))
        self._digest.update(f"{said}\x1e".encode("utf-8", "surrogatepass"))
        self._pending.append((path, *values))
        self.rows += 1
        if len(self._pending) == CHUNK:
            self._flush()

    def placed(self, place: Path, notes: tuple[str, ...]) -> KeptTable:
        """Give the folder its name, where none of the same content has it."""
        self._flush()
        self._writer.close()
        if not self.rows:
            raise DataError("photos have no rows; give one a photo, with its label")
        name = f"{TABLE}-{self._digest.hexdigest()[:12]}"
        (self.folder / TABLE).rename(self.folder / f"{name}.parquet")
        final = place / name
        if _listed(final) != _listed(self.folder):
            shutil.rmtree(final, ignore_errors=True)
            self.folder.rename(final)
        return KeptTable(final / f"{name}.parquet", self.rows, self.held, self.bytes, notes)

    def _flush(self) -> None:
        columns = [pa.array(values, pa.string()) for values in zip(*self._pending, strict=True)]
        if columns:
            self._writer.write_table(pa.table(columns, schema=self.schema))
        self._pending.clear()

    def _path(self, photo: Any) -> tuple[str | None, str | None]:
        """Return a photo's path in the manifest, and what tells it from others."""
        if photo is None:
            return None, None
        if isinstance(photo, Mapping) and photo.get("bytes") is None:  # of `datasets`
            photo = photo.get("path")
            return self._path(photo) if not isinstance(photo, Mapping) else (None, None)
        if isinstance(photo, str | os.PathLike):
            text = os.fsdecode(photo)
            path = text if "://" in text else str(Path(text).absolute())
            return path, path
        try:
            held = picture_of_memory(photo["bytes"] if isinstance(photo, Mapping) else photo)
        except PhotoError as error:
            raise DataError(f"row {self.rows} of photos: {error.reason}; mend it, or leave it out") from error
        file, key = self._file(held)
        name = f"{self.rows:07}{file.suffix}"
        _link(file, self.folder / name)
        self.held, self.bytes = self.held + 1, self.bytes + file.stat().st_size
        return name, key

    def _file(self, held: bytes | Pixels) -> tuple[Path, str]:
        """Return the file by its content, written now where it is not there."""
        digest = hashlib.sha256() if isinstance(held, bytes) else hashlib.sha256(f"{held.shape}".encode())
        digest.update(held if isinstance(held, bytes) else held.tobytes())
        ending = encoding_of(held) if isinstance(held, bytes) else ".png"
        key = digest.hexdigest()
        file = self.files / key[:2] / f"{key}{ending}"
        if (
            not file.is_file()
            or not file.stat().st_size
            or (isinstance(held, bytes) and file.stat().st_size != len(held))
        ):
            file.parent.mkdir(parents=True, exist_ok=True)
            _write(file, held)
        return file, key


def _whole(file: Path, held: bytes | Pixels) -> bool:
    size = file.stat().st_size if file.is_file() else -1
    return size == len(held) if isinstance(held, bytes) else size > 0


def _write(file: Path, held: bytes | Pixels) -> None:
    handle, name = tempfile.mkstemp(dir=file.parent, suffix=".part")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as target:
            if isinstance(held, bytes):
                target.write(held)
            else:
                Image.fromarray(held).save(target, "PNG", compress_level=1)
        temporary.replace(file)
    finally:
        temporary.unlink(missing_ok=True)


def _link(file: Path, name: Path) -> None:
    try:
        os.link(file, name)
    except OSError:  # a file system without links, or with too many of one file
        shutil.copyfile(file, name)


def _listed(folder: Path) -> dict[str, int]:
    """Return names and sizes of a folder's files."""
    try:
        return {entry.name: entry.stat().st_size for entry in os.scandir(folder)}
    except OSError:
        return {}


@contextmanager
def _new_folder(place: Path) -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(dir=place, prefix=NEW))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _sweep(place: Path) -> None:
    """Remove what killed processes were filling."""
    for folder in place.glob(f"{NEW}*"):
        with suppress(OSError):
            if time.time() - folder.stat().st_mtime > STALE:
                shutil.rmtree(folder, ignore_errors=True)
