"""Groups of photos that show one picture, and what that means: a leak, a wrong label, a placeholder, or mere weight."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from visionft.auditing.findings import Finding
from visionft.data.suggestions import Suggestion
from visionft.wording.lists import count, some

PLACEHOLDER = 4  # photos of one picture from which, in several classes or products, it stands for others
_HELD_OUT = {"test": 2, "validation": 1}


@dataclass(frozen=True, eq=False)
class Table:
    """The photos as columns.

    Attributes:
        paths: of all photos.
        labels: their class names.
        splits: train, validation or test; None where sides are to be drawn.
        products: None where there is none.
        digests: SHA-256 of the bytes, hexadecimal.
        pixels: (n,) of each photo.
    """

    paths: Sequence[str]
    labels: Sequence[str]
    splits: Sequence[str | None]
    products: Sequence[str | None]
    digests: Sequence[str]
    pixels: NDArray[np.int64]

    @classmethod
    def of(cls, table: pa.Table, pixels: NDArray[np.int64]) -> Table:
        """Return the columns of a checked listing."""
        paths, labels, splits, products, digests = (
            table[name].to_pylist() for name in ("path", "label", "split", "group", "digest")
        )
        return cls(paths, labels, splits, products, digests, pixels)


def copies(table: Table, groups: Sequence[NDArray[np.int64]], likeness: dict[tuple[int, int], float]) -> list[Finding]:
    """Return a finding for each group, of the gravest kind that it is.

    Args:
        table: the photos.
        groups: (m,) indices each, of photos that show one picture.
        likeness: of pairs of photos, the smaller index first.
    """
    return [_finding(table, group.tolist(), likeness, number + 1) for number, group in enumerate(groups)]


def product_leaks(table: Table) -> list[Finding]:
    """Return the products of which photos lie on several given sides."""
    sides: dict[str, set[str]] = {}
    for product, split in zip(table.products, table.splits, strict=True):
        if product is not None and split is not None:
            sides.setdefault(product, set()).add(split)
    torn = sorted(product for product, its in sides.items() if len(its) > 1)
    members: dict[str, list[str]] = {product: [] for product in torn}
    for product, path in zip(table.products, table.paths, strict=True):
        if product in members:
            members[product].append(path)
    return [
        Finding("product-leak", f"{product}: its photos lie in {some(sorted(sides[product]))}", tuple(members[product]))
        for product in torn
    ]


def _finding(table: Table, group: list[int], likeness: dict[tuple[int, int], float], number: int) -> Finding:
    exact = len({table.digests[at] for at in group}) == 1
    labels = Counter(table.labels[at] for at in group)
    sides = sorted({side for at in group if (side := table.splits[at]) is not None})
    figure = 1.0 if exact else min((likeness[p] for p in _pairs(group) if p in likeness), default=1.0)
    what = f"{count(len(group), 'copy', 'copies')}, byte for byte" if exact else f"likeness from {figure:.2f}"
    paths = tuple(table.paths[at] for at in group)
    products = {table.products[at] for at in group} - {None}
    if len(group) >= PLACEHOLDER and (len(labels) > 1 or len(products) > 1) and figure > 0.9:
        words = f"one picture {len(group)} times, under {some(labels, 3)}"
        drops = [Suggestion(path, "drop", reason=f"placeholder: {words}", confidence=0.9) for path in paths]
        return Finding("placeholder", words, paths, 0.9, figure, tuple(drops))
    if len(labels) > 1:
        words = f"{what}, under {some(labels, 3)}" + (f" and on {some(sides)}" if len(sides) > 1 else "")
        looks = [
            Suggestion(path, "review", table.labels[at], f"the same picture has other labels: {words}", 0.9)
            for at, path in zip(group, paths, strict=True)
        ]
        return Finding("two-labels", words, paths, 0.95, figure, tuple(looks))
    kind = "leak" if len(sides) > 1 else "copy" if exact else "near-duplicate"
    words = f"{what}, on {some(sides)}" if kind == "leak" else what
    advice = tuple(_advice(table, group, kind, words, figure, number))
    return Finding(kind, words, paths, max(0.5, figure), figure, advice)


def _pairs(group: list[int]) -> Iterator[tuple[int, int]]:
    return ((a, b) for at, a in enumerate(group) for b in group[at + 1 :])


def _advice(table: Table, group: list[int], kind: str, words: str, figure: float, number: int) -> Iterator[Suggestion]:
    """Keep the held-out photo of a leak and the largest of others; where sides are still to be drawn, all on one."""
    reason = f"{kind}: {words}"
    sure = max(0.5, figure)
    drawn_later = all(table.splits[at] is None and table.products[at] is None for at in group)
    if kind == "near-duplicate" and drawn_later:
        yield from (Suggestion(table.paths[at], "group", f"same-picture-{number}", reason, sure) for at in group)
        return
    kept = max(group, key=lambda at: (_HELD_OUT.get(table.splits[at] or "", 0), int(table.pixels[at]), -at))
    for at in group:
        if at != kept:
            yield Suggestion(table.paths[at], "keep-one", table.paths[kept], reason, sure)
