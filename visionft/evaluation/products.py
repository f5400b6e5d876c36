"""One answer a product beside one a photo: the figures, and a row for each product."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from visionft.classes import Classes
from visionft.errors import DataError
from visionft.metrics import Postprocess
from visionft.metrics.product_accuracy import ProductAccuracy, product_means
from visionft.runs.learning import learning_of
from visionft.wording.lists import count, some

PRODUCT = "product"
Grouping = Callable[[Sequence[str], Sequence[str]], list[str]]
"""From paths (n,) and digests (n,) to the name of each photo's product (n,); empty: the photo is one by itself."""


@dataclass(frozen=True, repr=False)
class ProductFigures:
    """Figures of products.

    Attributes:
        accuracy: by product and by photo, with the paired interval: of classification a `ProductAccuracy`, of several
            labels mAP and F1; see `visionft.runs.learning.ProductGain`.
        metrics: all figures of the products' answers, as of photos: of classification a `visionft.Metrics`.
        table: one row a product: product, photos, truth, and the answer, as the table of photos has it.
        mixed: products whose photos have different labels: their truth is not known, and they are left out.
        alone: photos without a product, each of which counts as one.
    """

    accuracy: Any
    metrics: Any
    table: pa.Table
    mixed: tuple[str, ...] = ()
    alone: int = 0

    def to_json(self) -> dict[str, Any]:
        """Return plain values, without the rows."""
        return {
            **self.accuracy.to_json(),
            "mixed": list(self.mixed),
            "alone": self.alone,
            "metrics": self.metrics.to_json(),
        }

    def summary(self) -> dict[str, Any]:
        """Return what the command line's JSON line holds."""
        return {**self.accuracy.to_json(), "mixed": len(self.mixed), "alone": self.alone}

    def lines(self) -> list[str]:
        """Return the figures, and what was left out, a line each."""
        said = [f"products: {self.accuracy}"]
        if not self.accuracy.several:
            said.append("note: every product has one photo alone here, so that one answer a product changes nothing")
        elif isinstance(self.accuracy, ProductAccuracy) and len(self.table["truth"].unique()) == self.accuracy.products:
            said.append(
                "note: each class has one product here, whose photos the labels alone tell together: that is so where "
                "classes are products, and flatters where they are folders of several"
            )
        if self.alone:
            said.append(f"note: {count(self.alone, 'photo')} without a product count as one each")
        if self.mixed:
            said.append(
                f"note: {count(len(self.mixed), 'product')} left out, whose photos have different labels: "
                f"{some(self.mixed)}"
            )
        return said


def product_figures(
    names: Sequence[str],
    paths: Sequence[str],
    logits: NDArray[np.float32],
    labels: NDArray[Any],
    classes: Classes,
    answering: Postprocess,
    task: str,
) -> ProductFigures:
    """Return the figures of products.

    Args:
        names: (n,) the product of each photo; empty: it is one by itself.
        paths: (n,) of the photos.
        logits: (n, K) raw.
        labels: (n,) class indices, or (n, C) of several labels.
        classes: in the order of the logits.
        answering: from logits to answers.
        task: what is answered; it has the stage `products`.

    Raises:
        DataError: the photos of every product have different labels.
    """
    keys = [(PRODUCT, name) if name else ("photo", path) for name, path in zip(names, paths, strict=True)]
    found = {key: place for place, key in enumerate(dict.fromkeys(keys))}
    index = np.array([found[key] for key in keys], np.int64)
    learning = learning_of(task)
    truth, one = learning.product_truth(labels, index)
    product_names = np.array([name for _, name in found], object)
    mixed = tuple(map(str, product_names[~one]))
    if not one.any():
        raise DataError(
            f"--group-by: the photos of each of the {count(len(found), 'product')}, such as {product_names[0]}, have "
            "different labels; name a column that has one value for the photos of one product"
        )
    kept = one[index]
    index = (np.cumsum(one) - 1)[index[kept]]
    truth, means = truth[one], product_means(logits[kept], index)
    table = learning.table(list(product_names[one]), means, truth, classes, answering)
    table = table.rename_columns([PRODUCT, *table.column_names[1:]])
    table = table.add_column(1, "photos", pa.array(np.bincount(index), pa.int64()))
    accuracy = learning.product_gain(means, truth, logits[kept], labels[kept], index, answering)
    alone = sum(kind != PRODUCT for kind, _ in keys)
    return ProductFigures(accuracy, learning.measure(means, truth, classes, answering), table, mixed, alone)
