"""Which photos the gate and the golden vectors take, and reading them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from visionft import photos as reading
from visionft.errors import PhotoError
from visionft.exporting.trained_model import Photos, Rows
from visionft.settings import ExportSettings

SPLIT = "validation"
LIMIT = 2_000
"""Photos in the gate unless all are asked for: the 0.5 % of near ties are ten of them."""


def limit_of(settings: ExportSettings) -> int | None:
    """Return the most validation photos that are compared; None: all."""
    return None if settings.all else LIMIT


@dataclass(frozen=True, eq=False)
class Photo:
    """A decoded photo: its path relative to the photos' folder, class index or kind, and (H, W, 3) uint8 RGB."""

    path: str
    label: int
    image: NDArray[np.uint8]


def stratified(rows: Rows, limit: int | None) -> list[int]:
    """Choose rows in the classes' proportions, none left out where the limit allows; classes alternate.

    Args:
        rows: photos of one split.
        limit: most rows to choose; all if None.

    Returns:
        Row numbers; the same for the same photos, whatever their order on disk.
    """
    labels = kinds(rows)
    digests = np.asarray(list(rows.digests), dtype=np.str_)
    order = np.lexsort((digests, labels))
    starts = np.r_[0, np.flatnonzero(np.diff(labels[order])) + 1] if len(order) else np.zeros(0, np.int64)
    counts = np.diff(np.r_[starts, len(order)])
    rank = np.arange(len(order)) - np.repeat(starts, counts)
    if limit is not None:
        share = min(1.0, limit / max(1, len(order)))
        quota = np.ceil(counts * share).astype(np.int64)
        kept = rank < np.repeat(quota, counts)
        order, rank = order[kept], rank[kept]
    alternating = order[np.argsort(rank, kind="stable")]
    return [int(i) for i in alternating[:limit]]


def kinds(rows: Rows) -> NDArray[np.int64]:
    """Return a whole number (n,) for each photo: its class, or one for each row of labels that occurs."""
    labels = np.asarray(rows.labels)
    if labels.ndim == 1:
        return labels.astype(np.int64)
    return np.unique(labels, axis=0, return_inverse=True)[1].reshape(-1).astype(np.int64)


def read_photos(root: Path, rows: Rows, chosen: Sequence[int]) -> Iterator[Photo]:
    """Decode the chosen photos from their encoded bytes; those that can no longer be read are left out."""
    labels = kinds(rows)
    for i in chosen:
        try:
            yield Photo(str(rows.paths[i]), int(labels[i]), reading.read(root / rows.paths[i]))
        except PhotoError:
            continue


def sample(manifest: Photos, count: int) -> list[Photo]:
    """Return at most `count` photos of validation, spread over the classes."""
    rows = manifest.rows(SPLIT)
    return list(read_photos(manifest.root, rows, stratified(rows, count)))
