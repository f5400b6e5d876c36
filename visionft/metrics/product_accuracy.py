"""Several photos of one product: one answer for all of them, and what that gains over an answer for each photo."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from visionft.metrics.confidence_intervals import RESAMPLES, wilson

Interval = tuple[float, float]


@dataclass(frozen=True)
class ProductAccuracy:
    """Accuracy by product and by photo, of the same photos.

    Attributes:
        products: how many.
        photos: of all of them.
        several: products that have more than one photo: the others have the same answer either way.
        by_product: share of the products whose one answer is right, in [0, 1].
        by_product_interval: 95 % interval of it (Wilson).
        by_photo: share of the photos that are answered rightly by themselves, in [0, 1].
        by_photo_interval: 95 % interval of it, over products drawn again: photos of one product resemble each other.
        gain: by_product - by_photo, in [-1, 1].
        gain_interval: 95 % interval of it, paired: each product is drawn with its one answer and those of its photos.
    """

    products: int
    photos: int
    several: int
    by_product: float
    by_product_interval: Interval
    by_photo: float
    by_photo_interval: Interval
    gain: float
    gain_interval: Interval

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in ((name, getattr(self, name)) for name in self.__dataclass_fields__)
        }

    def __str__(self) -> str:
        low, high = self.by_product_interval
        least, most = self.by_photo_interval
        down, up = (100 * end for end in self.gain_interval)
        return (
            f"top-1 {self.by_product:.1%} of {self.products:,} products (95 % interval {low:.1%} to {high:.1%}), and "
            f"{self.by_photo:.1%} of their {self.photos:,} photos ({least:.1%} to {most:.1%}): "
            f"{100 * self.gain:+.1f} points by product (paired 95 % interval {down:+.1f} to {up:+.1f})"
        )


def product_means(outputs: NDArray[np.floating], index: NDArray[np.integer]) -> NDArray[np.float32]:
    """Return the mean outputs (m, K) of the photos of each product.

    Of logits that is the mean of log-probabilities: log-softmax takes one number off all logits of a photo, and the
    softmax of the mean takes no notice of it. So the answer of a product is the class whose probabilities have the
    highest geometric mean over its photos, and no single photo outvotes the others by more than its own certainty.
    Of labels that are told each by itself it is the mean of log-odds, which is the same for the two answers of each.

    Args:
        outputs: (n, K) raw.
        index: (n,) the product of each photo, in [0, m), each of them there.
    """
    sums = np.zeros((int(index.max()) + 1, outputs.shape[1]))
    np.add.at(sums, index, outputs)
    return np.asarray(sums / np.bincount(index)[:, None], np.float32)


def product_accuracy(
    right: NDArray[np.bool_],
    photos_right: NDArray[np.bool_],
    index: NDArray[np.integer],
    *,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> ProductAccuracy:
    """Compare one answer a product with one a photo, by a bootstrap over products.

    Args:
        right: (m,) whether each product's answer is right, m at least 1.
        photos_right: (n,) whether each photo's own answer is.
        index: (n,) the product of each photo, in [0, m), each of them there.
        seed: of the draws; equal seeds give equal intervals.
        resamples: number of draws.

    Raises:
        ValueError: a product has no photo, or there is no product.
    """
    photos = np.bincount(index, minlength=len(right))
    if not len(right) or len(photos) != len(right) or not photos.all():
        raise ValueError(f"{(photos > 0).sum()} of {len(right)} products have photos; give each product one or more")
    hits = np.bincount(index, weights=photos_right, minlength=len(right))
    # Products of equal counts are alike to a draw, and there are few such kinds however many products there are.
    kinds, counts = np.unique(np.stack([right.astype(float), hits, photos], axis=1), axis=0, return_counts=True)
    draws = np.random.default_rng(seed).multinomial(len(right), counts / len(right), size=resamples) @ kinds
    by_photo = draws[:, 1] / draws[:, 2]
    gains = draws[:, 0] / len(right) - by_photo
    share, each = float(right.mean()), float(hits.sum() / photos.sum())
    interval = wilson(int(right.sum()), len(right))
    assert interval is not None, "there is a product"
    return ProductAccuracy(
        products=len(right),
        photos=len(index),
        several=int((photos > 1).sum()),
        by_product=share,
        by_product_interval=interval,
        by_photo=each,
        by_photo_interval=_ends(by_photo),
        gain=share - each,
        gain_interval=_ends(gains),
    )


def _ends(draws: NDArray[np.floating]) -> Interval:
    low, high = np.quantile(draws, [0.025, 0.975])
    return float(low), float(high)
