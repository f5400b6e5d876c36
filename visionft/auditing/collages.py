"""Photos that show other photos of the set in parts of them: each part is held against the photos most like it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from usearch.index import Index

from visionft.auditing.alignment import Sketch, likeness, sketch
from visionft.auditing.copies import Table
from visionft.auditing.findings import Finding
from visionft.auditing.near_duplicates import CHUNK, Pairs, Progress, compared, groups, opened, searched
from visionft.auditing.photo_features import Features
from visionft.auditing.photo_parts import Parts
from visionft.auditing.seams import cropped
from visionft.data.suggestions import Suggestion
from visionft.wording.lists import count, some

NEIGHBOURS = 3
"""Photos that a part is held against at most, its own among them. In 372 collages of benchmarks/edited_copies.py the
photo that is shown is the nearest one to one of the parts in 97 % of cases, and of the nearest two in 98 %."""
SIMILAR = 0.6  # cosine, which is exceeded in 98 % of them
COVERING = 0.6
"""Share of a part, and of the photo that it is said to show, that have to lie over each other."""


def inside(
    root: Path,
    paths: Sequence[str],
    features: Features,
    unique: NDArray[np.int64],
    index: Index,
    on_progress: Progress | None = None,
) -> tuple[Pairs, NDArray[np.float32]]:
    """Return pairs (p, 2) of a photo and one that a part of it may show, in order, and how alike part and photo are.

    Args:
        root: folder that paths are relative to.
        paths: of all photos.
        features: of all photos.
        unique: (u,) one photo of each digest.
        index: of their embeddings, as of `near_duplicates.index_of`.
        on_progress: called with (pairs done, pairs in all).
    """
    parts = features.parts(unique)
    queries = (parts.embeddings(slice(start, start + CHUNK)) for start in range(0, len(parts), CHUNK))
    found = searched(index, queries, 1 - SIMILAR, NEIGHBOURS)
    found[:, 1] = unique[found[:, 1]]
    found = found[parts.of[found[:, 0]] != found[:, 1]]

    def sketch_of(at: int) -> Sketch:
        if at < len(paths):
            return sketch(opened(root / paths[at]))
        return sketch(cropped(opened(root / paths[parts.of[at - len(paths)]]), parts.box(at - len(paths))))

    keys = np.concatenate([features.column("key"), parts.keys])
    shifted = np.stack([found[:, 1], found[:, 0] + len(paths)], axis=1)
    values = compared(sketch_of, partial(likeness, covering=COVERING), keys, shifted, on_progress)
    return _most(parts, found, values)


def _most(parts: Parts, found: Pairs, values: NDArray[np.float32]) -> tuple[Pairs, NDArray[np.float32]]:
    """Return each pair of photos once, with the likeness of the part that is most like the other photo."""
    pairs = np.stack([parts.of[found[:, 0]], found[:, 1]], axis=1)
    once, back = np.unique(pairs, axis=0, return_inverse=True)
    most = np.zeros(len(once), np.float32)
    np.maximum.at(most, back.ravel(), values)
    return np.asarray(once, np.int64).reshape(-1, 2), most


def joined(number: int, near: Collection[tuple[int, int]], parts: Collection[tuple[int, int]]) -> set[tuple[int, int]]:
    """Return the pairs of near duplicates, the smaller index first, that are no collage beside a photo in it.

    A photo whose parts show at least two different pictures is a collage. One that shows a single one, as a framed
    photo or a screenshot does, is an edit of it.

    Args:
        number: of all photos.
        near: pairs of near duplicates.
        parts: pairs of a photo and one that a part of it shows.
    """
    inner = set(parts)
    between = {(min(pair), max(pair)) for pair in inner}
    picture, shown = np.arange(number), dict[int, set[int]]()
    for group in groups(number, np.array([p for p in near if p not in between], np.int64).reshape(-1, 2)):
        picture[group] = group[0]
    for whole, photo in inner:
        shown.setdefault(whole, set()).add(int(picture[photo]))
    torn = {(min(a, b), max(a, b)) for a, b in inner if len(shown[a]) > 1}
    return {pair for pair in near if pair not in torn}


def collages(table: Table, pairs: Pairs, values: NDArray[np.float32]) -> list[Finding]:
    """Return a finding for each photo that shows others in its parts.

    Args:
        table: the photos.
        pairs: (p, 2) indices of a photo and one that a part of it shows.
        values: (p,) likeness of the part and that photo.
    """
    found = []
    for whole in np.unique(pairs[:, 0]).tolist():
        own = pairs[:, 0] == whole
        shown, figure = pairs[own, 1].tolist(), float(values[own].min())
        sides = sorted({side for at in (whole, *shown) if (side := table.splits[at]) is not None})
        labels = sorted({table.labels[at] for at in (whole, *shown)})
        words = f"shows {count(len(shown), 'other photo')} in its parts, likeness from {figure:.2f}"
        words += f", under {some(labels, 3)}" if len(labels) > 1 else ""
        words += f", on {some(sides)}" if len(sides) > 1 else ""
        path = table.paths[whole]
        advice = Suggestion(path, "review", table.labels[whole], f"collage: {words}", max(0.5, figure))
        photos = (path, *(table.paths[at] for at in shown))
        found.append(Finding("collage", words, photos, max(0.5, figure), figure, (advice,)))
    return found
