"""Answers to products: one of all photos of each, as rows and as a table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from visionft.bundle.prediction_rows import COLUMNS, TYPES, Answer, Prediction, Unanswered
from visionft.bundle.predictions import Predictions
from visionft.photos import Account, Quarantined
from visionft.wording.lists import count

_OF_ANSWER = tuple(each.name for each in fields(Prediction) if each.name != "path")


@dataclass(frozen=True, eq=False)
class Reading:
    """How the outputs of a model are read, as far as one answer of several photos hangs on it.

    Attributes:
        temperature: what logits are divided by before the softmax, above 0.
        threshold: products of a lower known score are unknown; None: no product is.
        labels: (C,) float32 probabilities from which labels are chosen, each by itself; None: one class is answered.
        at_least_one: whether the most probable label is chosen where no label reaches its own.
    """

    temperature: float
    threshold: float | None
    labels: NDArray[np.float32] | None = None
    at_least_one: bool = False


@dataclass(frozen=True, eq=False)
class ProductPrediction(Prediction):
    """The answer to one product; `path` is its name.

    Attributes:
        photos: that the answer is made of.
        unread: photos of the product that could not be read, and have no part in it.
    """

    photos: int = 1
    unread: int = 0

    @classmethod
    def of_photos(cls, product: str, answer: Answer, photos: int, unread: int) -> ProductPrediction:
        """Build from the one answer of some photos."""
        values = {name: getattr(answer, name) for name in _OF_ANSWER}
        return cls(product, **values, photos=photos, unread=unread)

    def to_row(self) -> dict[str, Any]:
        """Return plain values by column, without the probabilities of all classes."""
        return _row(super().to_row(), self.photos, self.unread)


@dataclass(frozen=True)
class UnansweredProduct(Unanswered):
    """A product of which no photo could be read.

    Attributes:
        unread: its photos.
    """

    unread: int = 1
    photos: ClassVar[int] = 0

    @classmethod
    def of_photos(cls, product: str, unread: int) -> UnansweredProduct:
        """Say how many photos there were."""
        what = "its one photo" if unread == 1 else f"none of its {unread:,} photos"
        return cls(product, f"{what} could {'not ' if unread == 1 else ''}be read", unread=unread)

    def to_row(self) -> dict[str, Any]:
        """Return plain values by column."""
        return _row(super().to_row(), 0, self.unread)


def _row(values: dict[str, Any], photos: int, unread: int) -> dict[str, Any]:
    product = values.pop("path")
    return {"product": product, "photos": photos, "unread": unread, **values}


class OfProducts:
    """What tables of products have in common, whatever a product is answered with: a mixin of `Predictions`."""

    rows: tuple[Any, ...]
    unread: tuple[Unanswered, ...]

    @property
    def unanswered(self) -> tuple[Unanswered, ...]:
        """The photos that could not be read."""
        return self.unread

    @property
    def account(self) -> Account:
        """How many photos were asked about, how many were answered, and why the others were not."""
        left_out = tuple(Quarantined(photo.path, photo.problem) for photo in self.unread)
        answered = sum(int(row.photos) for row in self.rows)
        return Account(answered + len(left_out), answered, left_out)

    def _line(self, row: Any) -> str:
        said: str = super()._line(row)  # type: ignore[misc]
        if isinstance(row, Unanswered):
            return said
        unread = f", {row.unread:,} not read" if row.unread else ""
        return f"{said}  ({count(row.photos, 'photo')}{unread})"

    def _summary(self) -> str:
        answered = sum(not isinstance(row, Unanswered) for row in self.rows)
        said: str = super()._summary()  # type: ignore[misc]
        return f"{answered:,} of {count(len(self.rows), 'product')} answered; {said}"


@dataclass(frozen=True, eq=False, repr=False)
class ProductPredictions(OfProducts, Predictions):
    """An answer, or the reason why there is none, for every product, in the order in which they were first met.

    Attributes:
        unread: the photos that could not be read, of all products.
    """

    unread: tuple[Unanswered, ...] = field(default=(), kw_only=True)
    headings: ClassVar[tuple[str, ...]] = ("product", "photos", "label", "probability")
    types: ClassVar[Mapping[str, str]] = {
        "product": "string", "photos": "int64", "unread": "int64", **{name: TYPES[name] for name in COLUMNS[1:]}
    }  # fmt: skip

    def cells(self, row: Any) -> tuple[str, ...]:
        """Return a row as a notebook shows it."""
        if isinstance(row, Unanswered):
            return row.path, "0", "not read", row.problem
        return row.path, str(row.photos), row.label, f"{row.probability:.1%}"
