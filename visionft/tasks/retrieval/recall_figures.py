"""Recall@1, @5, @10 and mAP, by photo and by product, with intervals from products drawn again."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np
from numpy.typing import NDArray

from visionft.metrics.confidence_intervals import RESAMPLES
from visionft.tasks.retrieval.leave_one_out import Found, leave_one_out
from visionft.wording.lists import count

Interval = tuple[float, float]
TOPS = (1, 5, 10)
NAMES = (*(f"recall{top}" for top in TOPS), "map")
WORDS = {**{f"recall{top}": f"recall@{top}" for top in TOPS}, "map": "mAP"}
BY_PRODUCT = "product_"
_CHUNK_CELLS = 4_000_000  # drawn counts held in memory at once


@dataclass(frozen=True)
class RecallFigures:
    """The figures of a set of photos, each of which asked all the others.

    Attributes:
        n: photos.
        queries: photos that have another one of their product, and asked.
        products: of the queries.
        alone: photos that are the only one of their product: they ask nothing, and are searched all the same.
        values: by name, in [0, 1]; None where no photo could ask. `recall1`, `recall5`, `recall10`: share of the
            queries of which a photo of the same product is among the nearest so many; `map`: mean average precision.
            `product_recall1` and so on: the mean over products of the mean over their photos, so that a product of few
            photos counts as much as one of many.
        intervals: 95 % intervals by the same names (bootstrap over products).
    """

    n: int
    queries: int
    products: int
    alone: int
    values: dict[str, float | None]
    intervals: dict[str, Interval | None]

    @property
    def recall1(self) -> float | None:
        """Share of the queries whose nearest photo is of their product."""
        return self.values["recall1"]

    @property
    def headline(self) -> str:
        """Recall@1 with its interval."""
        value = self.values["recall1"]
        if value is None:
            return "nothing could be searched for: no product has two photos"
        ends = _ends(self.intervals["recall1"])
        return f"recall@1 is {value:.1%}{f' ({ends})' if ends else ''}"

    def summary(self) -> dict[str, Any]:
        """Return the figures that the command line's JSON line holds."""
        return {**self.values, "n": self.n, "queries": self.queries, "products": self.products, "alone": self.alone}

    def to_json(self) -> dict[str, Any]:
        """Return everything as plain values."""
        ends = {name: list(pair) if pair else None for name, pair in self.intervals.items()}
        return {**self.summary(), "intervals": ends}

    def __str__(self) -> str:
        lines = [
            "".join(f"{cell:<{width}}" for cell, width in zip(row, (11, 42, 42), strict=True)) for row in self._table()
        ]
        return "\n".join([self._subject(), *(f"  {line}".rstrip() for line in lines)])

    def _repr_html_(self) -> str:
        rows = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in self._table())
        return f"<p>{escape(self._subject())}</p><table>{rows}</table>"

    def _subject(self) -> str:
        alone = f"; {count(self.alone, 'photo')} without another of the product, asked nothing" if self.alone else ""
        asked = f"{count(self.queries, 'photo')} of {count(self.products, 'product')}"
        return f"{asked} searched for among the other {max(self.n - 1, 0):,}{alone}"

    def _table(self) -> list[tuple[str, str, str]]:
        rows = [(WORDS[name], self._told(name), self._told(BY_PRODUCT + name)) for name in NAMES]
        return [("", "by photo", "by product"), *rows]

    def _told(self, name: str) -> str:
        value = self.values[name]
        if value is None:
            return "none"
        ends = _ends(self.intervals[name])
        return f"{value:.2%}{f' ({ends})' if ends else ''}"


def recall_figures(
    embeddings: NDArray[np.float32], labels: NDArray[np.integer], *, seed: int = 0, resamples: int = RESAMPLES
) -> RecallFigures:
    """Return all figures of a set of photos.

    Args:
        embeddings: (n, E) of length 1, finite, n at least 1.
        labels: (n,) the products.
        seed: of the bootstrap; equal seeds give equal intervals.
        resamples: number of draws.

    Raises:
        ValueError: the shapes do not fit, there is no photo, or an embedding is not finite.
    """
    if embeddings.ndim != 2 or labels.shape != embeddings.shape[:1] or not len(labels):
        raise ValueError(f"embeddings {embeddings.shape} and labels {labels.shape}; give (n, E) and (n,), n at least 1")
    return of_found(leave_one_out(embeddings, labels), labels, seed=seed, resamples=resamples)


def of_found(found: Found, labels: NDArray[np.integer], *, seed: int = 0, resamples: int = RESAMPLES) -> RecallFigures:
    """Return the figures of what photos with labels (n,) found."""
    names = (*NAMES, *(BY_PRODUCT + name for name in NAMES))
    n, queries = len(labels), len(found.queries)
    if not queries:
        return RecallFigures(n, 0, 0, n, dict.fromkeys(names), dict.fromkeys(names))
    each = np.stack([*(found.ranks <= top for top in TOPS), found.precision], axis=1).astype(np.float64)
    _, product = np.unique(labels[found.queries], return_inverse=True)
    photos = np.bincount(product).astype(np.float64)
    sums = np.stack([np.bincount(product, column) for column in each.T], axis=1).astype(np.float64)
    values = _from_sums(np.ones((1, len(photos))), photos, sums)[0]
    drawn = _drawn(photos, sums, seed, resamples)
    low, high = np.quantile(drawn, [0.025, 0.975], axis=0)
    intervals = {name: (float(low[i]), float(high[i])) if len(photos) > 1 else None for i, name in enumerate(names)}
    return RecallFigures(
        n, queries, len(photos), n - queries, dict(zip(names, values.tolist(), strict=True)), intervals
    )


def _from_sums(
    weights: NDArray[np.float64], photos: NDArray[np.float64], sums: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return figures (R, 2F), by photo and by product, of R weighings (R, P) of products with sums (P, F)."""
    by_photo = (weights @ sums) / (weights @ photos)[:, None]
    by_product = (weights @ (sums / photos[:, None])) / weights.sum(axis=1, keepdims=True)
    return np.concatenate([by_photo, by_product], axis=1)


def _drawn(photos: NDArray[np.float64], sums: NDArray[np.float64], seed: int, resamples: int) -> NDArray[np.float64]:
    """Return figures (R, 2F) of products drawn again with replacement, part by part."""
    products, generator = len(photos), np.random.default_rng(seed)
    step = max(1, _CHUNK_CELLS // products)
    sizes = [min(step, resamples - start) for start in range(0, resamples, step)]
    parts = (generator.multinomial(products, np.full(products, 1 / products), size=size) for size in sizes)
    return np.concatenate([_from_sums(part.astype(np.float64), photos, sums) for part in parts])


def _ends(interval: Interval | None) -> str:
    return f"95 % interval {interval[0]:.1%} to {interval[1]:.1%}" if interval else ""
