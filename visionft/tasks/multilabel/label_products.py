"""Several photos of one product, labels told together: mAP and F1 by product beside those by photo."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from visionft.tasks.multilabel.average_precision import average_precision_drawn, measurable
from visionft.tasks.multilabel.label_figures import NAMES, Interval, draws, f1_drawn, interval_of, mean_there, or_none

WORDS = dict(zip(NAMES, ("mAP", "micro F1", "macro F1"), strict=True))
_CHUNK_CELLS = 4_000_000  # drawn counts held in memory at once

Told = tuple[NDArray[np.float32], NDArray[np.bool_], NDArray[np.integer]]
"""Probabilities, chosen labels and entries, each (n, C)."""


@dataclass(frozen=True)
class Compared:
    """One figure, by product and by photo.

    Attributes:
        by_product: in [0, 1]; None where no label is known to be there and lacking.
        by_product_interval: 95 % interval of it, over products drawn again.
        by_photo: of the photos of the same products.
        by_photo_interval: 95 % interval of it, over the same draws: photos of one product resemble each other.
        gain: by_product - by_photo, in [-1, 1].
        gain_interval: 95 % interval of it, paired: each product is drawn with its one answer and those of its photos.
    """

    by_product: float | None
    by_product_interval: Interval | None
    by_photo: float | None
    by_photo_interval: Interval | None
    gain: float | None
    gain_interval: Interval | None

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        values = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}

    def said(self, products: str, photos: str) -> str:
        """Return it in words; the arguments say how many of each, such as ` of 12 products`."""
        if self.by_product is None or self.by_photo is None or self.gain is None:
            return f"not measurable{products}"
        ends, least = _ends(self.by_product_interval), _ends(self.by_photo_interval)
        down, up = (100 * end for end in self.gain_interval or (np.nan, np.nan))
        return (
            f"{self.by_product:.1%}{products} (95 % interval {ends}), and {self.by_photo:.1%}{photos} ({least}): "
            f"{100 * self.gain:+.1f} points by product (paired 95 % interval {down:+.1f} to {up:+.1f})"
        )


@dataclass(frozen=True)
class LabelProducts:
    """Figures of labels by product and by photo, of the same photos.

    Attributes:
        products: how many.
        photos: of all of them.
        several: products that have more than one photo: the others have the same answer either way.
        figures: map, micro_f1 and macro_f1.
    """

    products: int
    photos: int
    several: int
    figures: dict[str, Compared]

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        told = {name: one.to_json() for name, one in self.figures.items()}
        return {"products": self.products, "photos": self.photos, "several": self.several, **told}

    def __str__(self) -> str:
        counted = f" of {self.products:,} products", f" of their {self.photos:,} photos"
        said = [
            f"{WORDS[name]} {one.said(*(counted if name == NAMES[0] else ('', ' by photo')))}"
            for name, one in self.figures.items()
        ]
        return "; ".join(said)


def truth(labels: NDArray[np.integer], index: NDArray[np.integer]) -> tuple[NDArray[np.int8], NDArray[np.bool_]]:
    """Return the entries (m, C) of products: what any photo knows; and which products' photos (m,) contradict nowhere.

    Args:
        labels: (n, C) entries 1, 0, or -1 where nobody knows.
        index: (n,) the product of each photo, in [0, m), each of them there.
    """
    shape = int(index.max()) + 1, labels.shape[1]
    has, lacks = np.zeros(shape, np.bool_), np.zeros(shape, np.bool_)
    np.logical_or.at(has, index, labels == 1)
    np.logical_or.at(lacks, index, labels == 0)
    return np.where(has, 1, np.where(lacks, 0, -1)).astype(np.int8), np.asarray(~(has & lacks).any(axis=1))


def compared(products: Told, photos: Told, index: NDArray[np.integer], *, seed: int = 0) -> LabelProducts:
    """Compare one answer a product with one a photo, by a bootstrap over products.

    Args:
        products: of m products.
        photos: of their n photos.
        index: (n,) the product of each photo, in [0, m), each of them there.
        seed: of the draws; equal seeds give equal intervals.
    """
    m, generator = len(products[0]), np.random.default_rng(seed)
    total, step = draws(*photos[0].shape), max(1, _CHUNK_CELLS // len(index))
    whole = [values[:, 0] for values in _figures(products, photos, index, np.ones((1, m)))]
    parts = list[NDArray[np.float64]]()
    for start in range(0, total, step):
        counts = generator.multinomial(m, np.full(m, 1 / m), size=min(step, total - start)).astype(np.float64)
        parts.append(_figures(products, photos, index, counts))
    drawn = np.concatenate(parts, axis=2)
    figures = {
        name: Compared(
            or_none(float(one[0])), interval_of(many[0]), or_none(float(one[1])), interval_of(many[1]),
            or_none(float(one[0] - one[1])), interval_of(many[0] - many[1]),
        )
        for name, one, many in zip(NAMES, whole, drawn, strict=True)
    }  # fmt: skip
    return LabelProducts(m, len(index), int((np.bincount(index) > 1).sum()), figures)


def _figures(
    products: Told, photos: Told, index: NDArray[np.integer], counts: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return mAP, micro and macro F1 of products and of photos (3, 2, R), of R weighings (R, m) of the products."""
    found = []
    for (scores, chosen, labels), weights in ((products, counts), (photos, counts[:, index])):
        macro, micro = f1_drawn(chosen, labels, measurable(labels), weights)
        found.append([mean_there(average_precision_drawn(scores, labels, weights)), micro, macro])
    return np.asarray(found, np.float64).swapaxes(0, 1)


def _ends(interval: Interval | None) -> str:
    return f"{interval[0]:.1%} to {interval[1]:.1%}" if interval else "none"
