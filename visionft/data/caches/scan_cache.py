"""What checks of photos found, kept between runs: a photo whose file did not change is not opened again.

As git's index does, a file counts as unchanged while its size, times and inode stay what they were.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from importlib import metadata
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from visionft import photos
from visionft.data.caches import cache_folder

FOLDER = "scans"
FORMAT = 2
STAMP = ("bytes", "modified", "changed", "inode")
"""What tells that a file is still the same; times in ns. No device: its number may change with every mount."""
SCHEMA = pa.schema(
    [
        pa.field("path", pa.string(), nullable=False),
        *(pa.field(name, pa.int64(), nullable=False) for name in STAMP),
        pa.field("digest", pa.binary(32)),
        pa.field("reason", pa.string()),
    ]
)
"""`digest` is the SHA-256 of a sound photo; `reason` says why another one cannot be used, or what was guessed of it."""
KEY = b"visionft"
LAST = (1 << 63) - 1
_stat = os.stat  # a Path costs more than the question
# git's "racily clean": a file written again within one tick of its file system's clock keeps the times that it had, so
# one that is not older than a tick when it is checked is not believed. FAT's ticks are the longest, 2 s.
TICK = 2 * 10**9

Stamps = NDArray[np.int64]


def now() -> int:
    """Return the time in ns, as files have it."""
    return time.time_ns()


def read_stamps(files: Sequence[str]) -> Stamps:
    """Return size, times in ns and inode (n, 4) of files; -1 where there is none."""
    return np.array([_stamp(file) for file in files], np.int64).reshape(-1, len(STAMP))


def _stamp(file: str) -> tuple[int, ...]:
    try:
        found = _stat(file)
    except (OSError, ValueError):
        return (-1,) * len(STAMP)
    return found.st_size, min(found.st_mtime_ns, LAST), min(found.st_ctime_ns, LAST), found.st_ino & LAST


class ScanCache:
    """The outcomes of earlier checks of one folder, and what is added to them.

    A cache that cannot be read is empty, and one that cannot be written is not: neither stops a run.

    Args:
        root: Folder that paths are relative to; links and other ways to write its path come to the same cache.
        max_pixels: Limit of the checks; under another one nothing is known.
        enabled: Whether anything is read or written.
    """

    def __init__(self, root: Path, max_pixels: int, *, enabled: bool = True) -> None:
        self.root, self.enabled = os.path.realpath(root), enabled
        name = hashlib.sha256(os.fsencode(self.root)).hexdigest()[:32]
        self.path = cache_folder.root() / FOLDER / f"{name}.parquet"
        self._key = _key(self.root, max_pixels)
        self._table = self._read() if enabled else SCHEMA.empty_table()
        self._stamps = np.stack([self._table[name].to_numpy() for name in STAMP], 1)
        self._digests, self._reasons = (_whole(self._table, name) for name in ("digest", "reason"))
        self._stays = np.ones(len(self), bool)
        self._fresh: list[pa.RecordBatch] = []

    def __len__(self) -> int:
        return int(self._table.num_rows)

    def places(self, paths: pa.ChunkedArray) -> NDArray[np.int64]:
        """Return the row (n,) of each path in the cache, -1 where it is unknown."""
        found = pc.index_in(paths, value_set=self._table["path"])
        return np.asarray(pc.fill_null(found, -1).to_numpy(), np.int64)

    def unchanged(self, places: NDArray[np.int64], stamps: Stamps) -> NDArray[np.bool_]:
        """Tell which photos (n,), by their rows here and their stamps (n, 4) of now, need not be opened."""
        same = places >= 0
        same[same] = (self._stamps[places[same]] == stamps[same]).all(axis=1)
        self._stays[places[(places >= 0) & ~same]] = False
        return same

    def recall(self, places: NDArray[np.int64]) -> tuple[pa.StringArray, pa.StringArray]:
        """Return hexadecimal digests and reasons (n,) of rows here; both are null at -1."""
        rows = pa.array(places, mask=places < 0)
        return _hexadecimal(self._digests.take(rows)), self._reasons.take(rows)

    def add(self, moment: int, found: pa.RecordBatch) -> None:
        """Add outcomes (columns of `SCHEMA`) whose stamps were read at `moment` (ns) or later, before the photos were.

        Outcomes of files that are younger than a tick of the clock are left out: they may change unseen.
        """
        settled = pc.less(pc.max_element_wise(found["modified"], found["changed"]), moment - TICK)
        there = pc.greater_equal(found["bytes"], 0)  # else it came between its stamp and its opening
        if self.enabled:
            self._fresh.append(found.filter(pc.and_(settled, there)))

    def forget_gone(self, places: NDArray[np.int64]) -> None:
        """Forget the photos that are neither at `places` (n,), -1 where unknown, nor on disk any more."""
        if not self.enabled:
            return
        unseen = np.ones(len(self), bool)
        unseen[places[places >= 0]] = False
        rows = np.flatnonzero(unseen)
        for start in range(0, len(rows), 4096):
            some = rows[start : start + 4096]
            files = [os.path.join(self.root, path) for path in self._table["path"].take(some).to_pylist()]  # noqa: PTH118
            self._stays[some[read_stamps(files)[:, 0] < 0]] = False

    def save(self) -> None:
        """Write what is known now; a disk that is full or read-only keeps what it has."""
        fresh = pa.Table.from_batches(self._fresh, SCHEMA)
        if not self.enabled or (self._stays.all() and not fresh.num_rows):
            return
        stays = self._table.filter(pa.array(self._stays))
        table = pa.concat_tables([stays, fresh]).sort_by("path").replace_schema_metadata({KEY: self._key})
        with suppress(OSError, pa.ArrowException):
            _replace(self.path, table)

    def _read(self) -> pa.Table:
        try:
            with pq.ParquetFile(self.path, page_checksum_verification=True) as file:
                if (file.schema_arrow.metadata or {}).get(KEY) != self._key:
                    return SCHEMA.empty_table()
                table = file.read()
                table.validate(full=True)
                return table.cast(SCHEMA)
        except (OSError, ValueError, pa.ArrowException):
            return SCHEMA.empty_table()


def _replace(path: Path, table: pa.Table) -> None:
    """Write the file whole under another name first: of processes that write at once, the last one wins."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(suffix=".part", prefix=f".{path.stem}.", dir=path.parent)
    os.close(handle)
    try:
        # Checksums, because a file torn by a power cut would else give wrong digests.
        pq.write_table(table, name, compression="zstd", use_dictionary=False, write_page_checksum=True)
        Path(name).replace(path)
    finally:
        Path(name).unlink(missing_ok=True)


def _key(root: str, max_pixels: int) -> bytes:
    """Return everything beside the files that an outcome depends on, as JSON."""
    source = hashlib.sha256()
    for file in sorted(Path(photos.__file__).parent.glob("*.py")):
        source.update(file.read_bytes())
    versions = {name: _version(name) for name in ("pillow", "simplejpeg", "pi-heif", "tifffile", "imagecodecs")}
    key = {"format": FORMAT, "root": root, "max_pixels": max_pixels, "decoder": source.hexdigest(), **versions}
    return json.dumps(key).encode()


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "none"


def _whole(table: pa.Table, name: str) -> pa.Array:
    chunks = table[name].chunks
    return pa.concat_arrays(chunks) if chunks else pa.array([], table.schema.field(name).type)


def _hexadecimal(digests: pa.FixedSizeBinaryArray) -> pa.StringArray:
    return pa.array([None if digest is None else digest.hex() for digest in digests.to_pylist()], pa.string())


def outcomes(
    paths: Sequence[str], stamps: Stamps, digests: Sequence[str | None], reasons: Sequence[str | None]
) -> pa.RecordBatch:
    """Return outcomes as a cache holds them: paths (n,), stamps (n, 4), hexadecimal digests (n,) and reasons (n,)."""
    binary = [None if digest is None else bytes.fromhex(digest) for digest in digests]
    return pa.RecordBatch.from_arrays(
        [
            pa.array(paths, pa.string()),
            *(pa.array(stamps[:, column]) for column in range(len(STAMP))),
            pa.array(binary, pa.binary(32)),
            pa.array(reasons, pa.string()),
        ],
        schema=SCHEMA,
    )
