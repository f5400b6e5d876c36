"""Which photos show the same picture: candidates by embeddings and hashes, each proved by laying one over the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from threadpoolctl import threadpool_limits
from usearch.index import Index

from visionft.auditing.alignment import Sketch, likeness, sketch
from visionft.auditing.photo_features import FOLDER, Features
from visionft.auditing.record_file import RecordFile, places
from visionft.data.caches import cache_folder
from visionft.errors import DataError, PhotoError
from visionft.machine.cores import cores
from visionft.photos import read

Progress = Callable[[int, int], None]
Pairs = NDArray[np.int64]

NEIGHBOURS = 5
"""Nearest photos in the embedding that each is compared with: those of 95 to 100 % of edited copies
(benchmarks/edited_copies.py)."""
SIMILAR = 0.35  # cosine below which nearest photos are not compared
HASH_BITS = 8  # of 64 that perceptual hashes may differ in
THRESHOLD = 0.25
"""Likeness from which two photos are said to be near duplicates (benchmarks/edited_copies.py)."""
SKETCHES = 4096  # pictures held in memory to be compared, some 150 KB each
BATCH = 256
CHUNK = 4096
_FORMAT = 1  # counted up whenever the same pair gets another likeness
_EXPLAINED = (
    "One photo is laid over the other by what both show; the likeness is how far the details agree there, window by "
    "window, from 0 (different pictures) to 1 (the same). From {threshold:g} on they are near duplicates: copies that "
    "were stored again, cropped, turned, mirrored, marked, framed or coloured. Two shots of a thing are usually below."
)


def explained(threshold: float) -> str:
    """Return what the threshold means, for people."""
    return _EXPLAINED.format(threshold=threshold)


def candidates(features: Features, unique: NDArray[np.int64], index: Index | None = None) -> Pairs:
    """Return pairs (p, 2) of photos that may show the same picture, the smaller index first, in order.

    Args:
        features: of all photos.
        unique: (u,) one photo of each digest; others are exact copies.
        index: as of `index_of`; none: it is made.
    """
    if len(unique) < 2:
        return np.empty((0, 2), np.int64)
    index = index or index_of(features, unique)
    queries = (features.embeddings(unique[part]) for part in _chunks(len(unique)))
    found = np.concatenate([searched(index, queries, 1 - SIMILAR), _by_hash(features, unique)])
    found = np.sort(unique[found[found[:, 0] != found[:, 1]]], axis=1)
    return np.asarray(np.unique(found, axis=0), np.int64).reshape(-1, 2)


def index_of(features: Features, unique: NDArray[np.int64]) -> Index:
    """Return an approximate index of the embeddings of photos (u,), by their place among them."""
    index = Index(ndim=features.embeddings(unique[:1]).shape[1], metric="cos", dtype="f16")
    for part in _chunks(len(unique)):
        # One thread: the graph, and so what is found, would else hang on which thread came first.
        index.add(np.arange(part.start, part.start + len(unique[part])), features.embeddings(unique[part]), threads=1)
    return index


def _chunks(number: int) -> list[slice]:
    return [slice(start, start + CHUNK) for start in range(0, number, CHUNK)]


def _by_hash(features: Features, unique: NDArray[np.int64]) -> Pairs:
    index = Index(ndim=64, metric="hamming", dtype="b1")
    straight, mirrored = (_bits(features.column(name)[unique]) for name in ("phash", "mirrored"))
    index.add(np.arange(len(unique)), straight, threads=1)
    return np.concatenate([searched(index, [bits], HASH_BITS) for bits in (straight, mirrored)])


def _bits(hashes: NDArray[np.uint64]) -> NDArray[np.uint8]:
    return np.ascontiguousarray(hashes.astype(">u8")).view(np.uint8).reshape(-1, 8)


def searched(
    index: Index,
    queries: Sequence[NDArray] | Iterator[NDArray],  # type: ignore[type-arg]
    limit: float,
    most: int = NEIGHBOURS + 1,
) -> Pairs:
    """Return pairs (p, 2) of the place of a query, all queries counted on, and that of one of the photos nearest to it.

    Args:
        index: of photos.
        queries: (m, D) each.
        limit: distance up to which a photo is near.
        most: photos of each query.
    """
    pairs, start = [np.empty((0, 2), np.int64)], 0
    for query in queries:
        found = index.search(query, min(most, len(index)), threads=1)
        keys, distances = np.atleast_2d(found.keys), np.atleast_2d(found.distances)
        rows = np.repeat(np.arange(start, start + len(query)), keys.shape[1])
        near = (distances.ravel() <= limit) & (keys.ravel() < len(index))
        pairs.append(np.stack([rows, keys.ravel().astype(np.int64)], axis=1)[near])
        start += len(query)
    return np.concatenate(pairs)


def compare(
    root: Path, paths: Sequence[str], keys: NDArray[np.uint64], pairs: Pairs, on_progress: Progress | None = None
) -> NDArray[np.float32]:
    """Return the likeness (p,) of pairs of photos in [0, 1]; what earlier audits found is kept, and goes on from there.

    Args:
        root: folder that paths are relative to.
        paths: of all photos.
        keys: (n,) of all photos, as of `photo_features.keys_of`.
        pairs: (p, 2) indices.
        on_progress: called with (pairs done, pairs in all).
    """
    return compared(lambda at: sketch(opened(root / paths[at])), likeness, keys, pairs, on_progress)


def compared(
    sketch_of: Callable[[int], Sketch],
    alike: Callable[[Sketch, Sketch], float],
    keys: NDArray[np.uint64],
    pairs: Pairs,
    on_progress: Progress | None = None,
) -> NDArray[np.float32]:
    """Return the likeness (p,) of pairs (p, 2) of pictures, of each of which there is a sketch and a key (n,)."""
    file = RecordFile(cache_folder.root() / FOLDER / f"likeness-{_FORMAT}.pairs", [("key", "<u8"), ("likeness", "<f4")])
    wanted = _pair_keys(keys, pairs)
    todo = np.flatnonzero(places(file.read(), wanted) < 0)
    sketched = lru_cache(SKETCHES)(sketch_of)
    with ThreadPoolExecutor(cores()) as pool, threadpool_limits(1):
        for start in range(0, len(todo), BATCH):
            if on_progress:
                on_progress(len(pairs) - len(todo) + start, len(pairs))
            some = todo[start : start + BATCH]
            records = file.empty(len(some))
            records["key"] = wanted[some]
            records["likeness"] = list(pool.map(lambda at: alike(*map(sketched, pairs[at].tolist())), some))
            file.add(records)
    records = file.read()
    if on_progress:
        on_progress(len(pairs), len(pairs))
    if not len(pairs):
        return np.empty(0, np.float32)
    return np.asarray(records["likeness"][places(records, wanted)], np.float32)


def _pair_keys(keys: NDArray[np.uint64], pairs: Pairs) -> NDArray[np.uint64]:
    """Mix both digests of each pair into 64 bits, the same whichever comes first."""
    both = np.sort(keys[pairs].reshape(-1, 2), axis=1)
    with np.errstate(over="ignore"):
        return np.asarray(both[:, 0] * np.uint64(0x9E3779B97F4A7C15) ^ both[:, 1], np.uint64)


def opened(path: Path) -> NDArray[np.uint8]:
    """Return the pixels (h, w, 3) of a photo, large ones shrunken to some hundreds.

    Raises:
        DataError: it is gone, or broke since it was checked.
    """
    try:
        return read(path, max_pixels=1 << 62, reduction=_reduction)
    except PhotoError as error:
        raise DataError(f"{path} cannot be read any more ({error.reason}): audit the photos again") from error


def _reduction(height: int, width: int) -> int:
    """Decode large JPEGs to a fraction: they are shrunk to less anyway."""
    return next((divisor for divisor in (8, 4, 2) if max(height, width) // divisor >= 2 * 192), 1)


def groups(number: int, pairs: Pairs) -> list[NDArray[np.int64]]:
    """Return the sets of at least two photos that pairs connect, each in order, the sets by their first photo.

    Args:
        number: of all photos.
        pairs: (p, 2) indices of photos that are the same picture.
    """
    graph = coo_array((np.ones(len(pairs), bool), (pairs[:, 0], pairs[:, 1])), shape=(number, number))
    label = connected_components(graph, directed=False)[1]
    order = np.argsort(label, kind="stable")
    parts = np.split(order, np.flatnonzero(np.diff(label[order])) + 1)
    return sorted((part for part in parts if len(part) > 1), key=lambda part: int(part[0]))
