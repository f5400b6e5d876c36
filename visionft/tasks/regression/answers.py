"""The answer of a regression: one number, in the unit of the labels. Free of torch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from visionft.bundle import names as n
from visionft.bundle.prediction_rows import Unanswered
from visionft.bundle.predictions import Predictions
from visionft.bundle.schema import TensorRecord
from visionft.errors import UsageError

VALUE = "value"
COLUMNS = ("path", VALUE, "problem")


@dataclass(frozen=True, eq=False)
class NumberAnswer:
    """What the model says of one photo.

    Attributes:
        value: the number.
        embedding: (D,) float32 of Euclidean length 1.
    """

    value: float
    embedding: NDArray[np.float32]

    @property
    def logits(self) -> NDArray[np.float32]:
        """The network's one output (1,), which is the number."""
        return np.array([self.value], np.float32)


@dataclass(frozen=True)
class NumberPrediction:
    """The answer to one photo.

    Attributes:
        path: the photo, as the caller named it.
        value: the number.
        problem: None; of what could not be read, the reason.
    """

    path: str
    value: float
    problem: ClassVar[None] = None

    def to_row(self) -> dict[str, Any]:
        """Return plain values by column."""
        return dict(zip(COLUMNS, (self.path, self.value, None), strict=True))


class NumberPredictions(Predictions):
    """A number, or the reason why there is none, for each photo in its order."""

    columns = COLUMNS
    headings = ("photo", VALUE)

    def with_top(self, top: int) -> Predictions:
        """Return the same predictions; UsageError where several answers a photo are asked for."""
        if top != 1:
            raise UsageError(f"top is {top}, and a photo has one number: leave it out")
        return self

    def best(self, row: Any) -> list[tuple[str, float]]:  # noqa: ARG002
        """Return none: nothing is chosen from."""
        return []

    def to_rows(self) -> list[dict[str, Any]]:
        """Return one dict a row; what could not be read has its reason under `problem`, and None elsewhere."""
        return [{name: row.to_row().get(name) for name in COLUMNS} for row in self.rows]

    def full_rows(self) -> list[dict[str, Any]]:
        """Return what the longer formats hold, which is no more."""
        return self.to_rows()

    def schema(self) -> Any:
        """Return the columns' types in Arrow's terms."""
        import pyarrow as pa

        types = (pa.string(), pa.float32(), pa.string())
        return pa.schema([pa.field(name, kind) for name, kind in zip(COLUMNS, types, strict=True)])

    def cells(self, row: Any) -> tuple[str, ...]:
        """Return a row as a notebook shows it."""
        return (row.path, row.problem) if isinstance(row, Unanswered) else (row.path, f"{row.value:.6g}")

    def _line(self, row: Any) -> str:
        return f"{row.path}  not read: {row.problem}" if isinstance(row, Unanswered) else f"{row.path}  {row.value:.6g}"


class NumberAnswers:
    """Outputs of the graph: value, embedding."""

    outputs = (VALUE, n.EMBEDDING)

    def tensors(self, classes: int | str, features: int) -> tuple[TensorRecord, ...]:  # noqa: ARG002
        """Return the table."""
        keys = ("name", "direction", "dtype", "shape", "meaning")
        rows = (
            (n.IMAGE, "in", "uint8", ("N", "H", "W", 3), "RGB photos of one size, any N, H and W from 1 up."),
            (VALUE, "out", "float32", ("N",), "The number, in the unit of the labels."),
            (n.EMBEDDING, "out", "float32", ("N", features), "Features before the head, of Euclidean length 1."),
        )
        return tuple(TensorRecord.model_validate(dict(zip(keys, row, strict=True))) for row in rows)

    def split(self, outputs: Sequence[Any]) -> Iterator[NumberAnswer]:
        """Return one answer a photo."""
        for value, embedding in zip(*outputs, strict=True):
            yield NumberAnswer(float(value), embedding)

    def fits(self, answer: NumberAnswer, classes: tuple[str, ...]) -> bool:
        """Tell whether it is a number of a bundle without classes."""
        return not classes and bool(np.isfinite(answer.value))

    def row(self, name: str | Path, answer: NumberAnswer) -> NumberPrediction:
        """Return the row of a photo."""
        return NumberPrediction(str(name), answer.value)

    def predictions(self, rows: tuple[Any, ...], classes: tuple[str, ...]) -> Predictions:
        """Return rows as one table."""
        return NumberPredictions(rows, classes)

    def plain(self, answer: NumberAnswer, classes: tuple[str, ...], top: int) -> dict[str, Any]:  # noqa: ARG002
        """Return the number."""
        return {VALUE: answer.value}

    def subject(self, classes: int) -> str:  # noqa: ARG002
        """Say that numbers are answered."""
        return "numbers"


ANSWERS = NumberAnswers()
