"""What a bundle answers with: the graph's outputs, and the rows made of them. Each task brings its own; no torch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from visionft.bundle.prediction_rows import Unanswered
from visionft.bundle.predictions import Predictions
from visionft.bundle.product_rows import Reading
from visionft.bundle.schema import BundleRecord, TensorRecord
from visionft.tasks import registry


class Answers(Protocol):
    """The answers of one task, photo by photo."""

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of the graph's outputs, in the order of the table."""
        ...

    def tensors(self, classes: int | str, features: int) -> tuple[TensorRecord, ...]:
        """Return the table of inputs and outputs of a network with an embedding of `features` numbers."""
        ...

    def split(self, outputs: Sequence[Any]) -> Iterator[Any]:
        """Return one answer a photo from the graph's outputs; each has an attribute for every output."""
        ...

    def fits(self, answer: Any, classes: tuple[str, ...]) -> bool:
        """Tell whether an answer is one of a bundle with these classes."""
        ...

    def row(self, name: str, answer: Any) -> Any:
        """Return the row of a photo."""
        ...

    def predictions(self, rows: tuple[Any, ...], classes: tuple[str, ...]) -> Predictions:
        """Return rows, those of unread photos among them, as one table."""
        ...

    def together(self, answers: Sequence[Any], classes: tuple[str, ...], reading: Reading) -> Any:
        """Return the one answer of several photos of a product, one or more; of tasks with the stage `products`."""
        ...

    def reading(self, record: BundleRecord) -> Reading:
        """Return how a bundle is read for `together`; of tasks with the stage `products`, as the next two."""
        ...

    def product_row(self, product: str, answer: Any, photos: int, unread: int) -> Any:
        """Return the row of a product, with the number of photos that its answer is made of and of those unread."""
        ...

    def product_predictions(
        self, rows: tuple[Any, ...], classes: tuple[str, ...], unread: tuple[Unanswered, ...]
    ) -> Predictions:
        """Return the rows of products as one table; `unread` are the photos that could not be read."""
        ...

    def plain(self, answer: Any, classes: tuple[str, ...], top: int) -> dict[str, Any]:
        """Return what a server says of a photo in JSON; `top` answers where there are several to choose from."""
        ...

    def subject(self, classes: int) -> str:
        """Say what is answered, for a headline: `10 classes`."""
        ...


def answers_of(task: str) -> Answers:
    """Return what a task answers with."""
    found: Answers = registry.part(task, "answers")
    return found


@runtime_checkable
class OfNames(Protocol):
    """Answers whose table depends on the names of the classes, and not on their number alone."""

    def tensors_of(self, classes: Sequence[str], features: int) -> tuple[TensorRecord, ...]:
        """Return the table of inputs and outputs; see `Answers.tensors`."""
        ...


def tensors_of(task: str, classes: Sequence[str], features: int) -> tuple[TensorRecord, ...]:
    """Return the table of inputs and outputs of a task's network with an embedding of `features` numbers."""
    answers = answers_of(task)
    if isinstance(answers, OfNames):
        return answers.tensors_of(classes, features)
    return answers.tensors(len(classes), features)


@dataclass(frozen=True, eq=False)
class Told:
    """An answer as two bundles are compared by it.

    Attributes:
        label: what is served, by its name.
        probability: calibrated, of the label, in [0, 1].
        unknown: whether the photo is likely none of the classes, or nothing is sure of it.
        probabilities: (C,) float32 of all classes; they sum to 1.
    """

    label: str
    probability: float
    unknown: bool
    probabilities: NDArray[np.float32]


@runtime_checkable
class Comparable(Protocol):
    """Answers that are compared by something else than the attributes of `Told`, or right in more ways than one."""

    def told(self, answer: Any, classes: Sequence[str]) -> Told:
        """Return an answer as it is compared."""
        ...

    def right(self, label: str, truth: str) -> bool | None:
        """Tell whether a label is right of a photo of a class; None where that class does not tell."""
        ...
