"""Open every photo once: decode it whole, hash its bytes, set aside what cannot be used."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pyarrow as pa

from visionft.data.listing import Listing
from visionft.errors import PhotoError
from visionft.photos import Quarantined, contents, decode, digest, printable

Progress = Callable[[int, int], None]
"""Called with (photos done, photos in all), from the calling thread."""

BATCH = 512
MAX_THREADS = 32


def check(
    listing: Listing, max_pixels: int, on_progress: Progress | None = None, threads: int | None = None
) -> Listing:
    """Return the listing without unusable photos, its table with `digest` (SHA-256) and `bytes` (of the file) added.

    Args:
        listing: What to open.
        max_pixels: Photos of more pixels are set aside as decompression bombs.
        on_progress: Told how far the work is.
        threads: Photos opened at once; none: one a processor.
    """
    batches, quarantine, done = [], list(listing.quarantine), 0
    with _pool(threads) as pool:
        for batch in listing.table.to_batches(max_chunksize=BATCH):
            paths = batch.column("path").to_pylist()
            results = list(pool.map(lambda path: _open(listing.root / path, max_pixels), paths))
            quarantine += [
                Quarantined(printable(path), it) for path, it in zip(paths, results, strict=True) if isinstance(it, str)
            ]
            batches.append(_kept(batch, [None if isinstance(it, str) else it for it in results]))
            done += len(paths)
            if on_progress:
                on_progress(done, listing.table.num_rows)
    return Listing(listing.root, pa.Table.from_batches(batches), tuple(quarantine), listing.notes)


@contextmanager
def _pool(threads: int | None) -> Iterator[ThreadPoolExecutor]:
    pool = ThreadPoolExecutor(threads or min(MAX_THREADS, len(os.sched_getaffinity(0))))
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)  # ^C does not wait for the photos that are still queued


def _open(path: Path, max_pixels: int) -> tuple[str, int] | str:
    """Return (digest, bytes), or the reason why the photo cannot be used."""
    try:
        data = contents(path)
        decode(data, max_pixels=max_pixels)
    except PhotoError as error:
        return error.reason
    return digest(data), len(data)


def _kept(batch: pa.RecordBatch, results: list[tuple[str, int] | None]) -> pa.RecordBatch:
    kept = batch.filter(pa.array(np.array([it is not None for it in results], bool)))
    digests, sizes = zip(*[it for it in results if it is not None], strict=True) if kept.num_rows else ((), ())
    kept = kept.append_column("digest", pa.array(digests, pa.string()))
    return kept.append_column("bytes", pa.array(sizes, pa.int64()))
