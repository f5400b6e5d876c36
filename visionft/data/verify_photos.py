"""Open every photo once: decode it whole, hash its bytes, set aside what cannot be used."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from visionft.data.caches.scan_cache import ScanCache, Stamps, now, outcomes, read_stamps
from visionft.data.sources.listing import Listing
from visionft.errors import PhotoError
from visionft.machine.cores import cores
from visionft.photos import Quarantined, contents, decode, digest, printable, remark
from visionft.wording.lists import count, some

Progress = Callable[[int, int], None]
"""Called with (photos done, photos in all), from the calling thread."""

BATCH = 512
PORTION = 8  # photos a thread takes at once: handing over each by itself costs more than opening a small one
STAMPS = 32  # stamps a thread takes at once
MAX_THREADS = 32
SAVE_SECONDS = 120  # of work that a kill may cost; saving a million outcomes takes two


@dataclass(frozen=True)
class Opened:
    """What opening one photo gave.

    Attributes:
        digest: SHA-256 of its bytes, hexadecimal; none: it cannot be used.
        size: Of the file in bytes.
        reason: Why it cannot be used, or what had to be guessed of one that can.
        lasting: Whether the file alone decided, so that it would again.
    """

    digest: str | None
    size: int
    reason: str | None = None
    lasting: bool = True


def check(
    listing: Listing,
    max_pixels: int,
    on_progress: Progress | None = None,
    threads: int | None = None,
    *,
    remember: bool = False,
) -> Listing:
    """Return the listing without unusable photos, its table with `digest` (SHA-256) and `bytes` (of the file) added.

    Args:
        listing: What to open.
        max_pixels: Photos of more pixels are set aside as decompression bombs.
        on_progress: Told how far the work is.
        threads: Photos opened at once; none: one a processor.
        remember: Leave files closed that did not change since an earlier check opened them, and keep the outcomes for
            later checks, also those of a check that is interrupted.
    """
    cache = ScanCache(listing.root, max_pixels, enabled=remember)
    checked = _Check(listing, max_pixels, cache)
    try:
        with _pool(threads) as pool:
            checked.run(pool, on_progress)
    finally:
        cache.save()
    return checked.result()


def find(listing: Listing) -> Listing:
    """Return the listing without photos that are not there, or not to be reached; none is opened, all are asked for."""
    files = [os.path.join(listing.root, name) for name in listing.table["path"].to_pylist()]  # noqa: PTH118  # as below
    with _pool(None) as pool:
        gone = _stamps(pool, files)[:, 0] < 0 if files else np.zeros(0, bool)
    if not gone.any():
        return listing
    lacking = listing.table["path"].filter(pa.array(gone)).to_pylist()
    quarantine = (Quarantined(printable(path), _why_gone(listing.root / path)) for path in lacking)
    return replace(listing, table=listing.table.filter(pa.array(~gone)), quarantine=(*listing.quarantine, *quarantine))


def _why_gone(file: Path) -> str:
    try:
        contents(file)
    except PhotoError as error:
        return error.reason
    return "no such file"  # it came back in between


class _Check:
    def __init__(self, listing: Listing, max_pixels: int, cache: ScanCache) -> None:
        self.listing, self.max_pixels, self.cache = listing, max_pixels, cache
        self.unchanged = 0
        self._root = os.fspath(listing.root)
        self._columns: dict[str, list[pa.Array]] = {"digest": [], "bytes": [], "reason": []}

    def run(self, pool: ThreadPoolExecutor, on_progress: Progress | None) -> None:
        paths, saved = self.listing.table["path"], time.monotonic()
        places, total = self.cache.places(paths), len(paths)
        for start in range(0, total, BATCH):
            self._batch(pool, paths.slice(start, BATCH), places[start : start + BATCH])
            if on_progress:
                on_progress(min(start + BATCH, total), total)
            if time.monotonic() - saved > SAVE_SECONDS:
                self.cache.save()
                saved = time.monotonic()
        self.cache.forget_gone(places)

    def _batch(self, pool: ThreadPoolExecutor, paths: pa.ChunkedArray, places: NDArray[np.int64]) -> None:
        moment, names = now(), paths.to_pylist()
        files = [os.path.join(self._root, name) for name in names]  # noqa: PTH118  # a Path takes 4 times as long
        stamps = _stamps(pool, files)
        same = self.cache.unchanged(places, stamps)
        rows = np.flatnonzero(~same)
        opened = _opened(pool, self._open, [files[row] for row in rows])
        self._fill(same, places, stamps, opened)
        kept = [at for at, it in enumerate(opened) if it.lasting]
        of_kept = ([opened[at].digest for at in kept], [opened[at].reason for at in kept])
        self.cache.add(moment, outcomes([names[row] for row in rows[kept]], stamps[rows[kept]], *of_kept))

    def _open(self, file: str) -> Opened:
        try:
            data = contents(Path(file))
        except PhotoError as error:  # with a cause the system has refused it, and may think otherwise next time
            return Opened(None, 0, error.reason, lasting=error.__cause__ is None)
        try:
            decode(data, max_pixels=self.max_pixels)
        except PhotoError as error:
            return Opened(None, len(data), error.reason, lasting=not isinstance(error.__cause__, MemoryError))
        return Opened(digest(data), len(data), remark(data))

    def _fill(self, same: NDArray[np.bool_], places: NDArray[np.int64], stamps: Stamps, opened: list[Opened]) -> None:
        """Append one batch to the columns: from the cache where a photo is the same, else as it was opened."""
        digests, reasons = self.cache.recall(np.where(same, places, -1))
        changed, sizes = pa.array(~same), stamps[:, 0].copy()
        sizes[~same] = [it.size for it in opened]
        digests = pc.replace_with_mask(digests, changed, pa.array([it.digest for it in opened], pa.string()))
        reasons = pc.replace_with_mask(reasons, changed, pa.array([it.reason for it in opened], pa.string()))
        for name, values in (("digest", digests), ("bytes", pa.array(sizes)), ("reason", reasons)):
            self._columns[name].append(values)
        self.unchanged += int(same.sum())

    def result(self) -> Listing:
        listed, columns = self.listing, {name: pa.concat_arrays(parts) for name, parts in self._columns.items()}
        lost = pc.is_null(columns["digest"])
        passed, reasons = (values.filter(lost).to_pylist() for values in (listed.table["path"], columns["reason"]))
        quarantine = (Quarantined(printable(path), reason) for path, reason in zip(passed, reasons, strict=True))
        guessed = pc.and_(pc.invert(lost), pc.is_valid(columns["reason"]))
        remarks = zip(*(v.filter(guessed).to_pylist() for v in (listed.table["path"], columns["reason"])), strict=True)
        table = listed.table.append_column("digest", columns["digest"]).append_column("bytes", columns["bytes"])
        if passed:
            table = table.filter(pc.is_valid(columns["digest"]))
        quarantined = (*listed.quarantine, *quarantine)
        found = replace(listed, table=table, quarantine=quarantined, unchanged=self.unchanged)
        return found.noting(*_notes(remarks))


def _notes(remarks: Iterable[tuple[str, str]]) -> list[str]:
    """Return a sentence for each thing that was guessed of photos, with the first of them."""
    paths: dict[str, list[str]] = {}
    for path, what in remarks:
        paths.setdefault(what, []).append(printable(path))
    return [f"{count(len(of), 'photo')} of {what}: {some(of, 3)}" for what, of in sorted(paths.items())]


@contextmanager
def _pool(threads: int | None) -> Iterator[ThreadPoolExecutor]:
    pool = ThreadPoolExecutor(threads or min(MAX_THREADS, cores()))
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)  # ^C does not wait for the photos that are still queued


def _stamps(pool: ThreadPoolExecutor, files: list[str]) -> Stamps:
    """Read the stamps in parallel: on a network drive each takes its time."""
    portions = [files[start : start + STAMPS] for start in range(0, len(files), STAMPS)]
    return np.concatenate(list(pool.map(read_stamps, portions)))


def _opened(pool: ThreadPoolExecutor, open_one: Callable[[str], Opened], files: list[str]) -> list[Opened]:
    portions = [files[start : start + PORTION] for start in range(0, len(files), PORTION)]
    return [it for portion in pool.map(lambda some: list(map(open_one, some)), portions) for it in portion]
