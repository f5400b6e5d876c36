"""The answer of a retrieval: an embedding alone; what it is near to, an index says. Free of torch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from visionft.bundle import names as n
from visionft.bundle.prediction_rows import Unanswered
from visionft.bundle.predictions import Predictions
from visionft.bundle.schema import TensorRecord
from visionft.errors import UsageError
from visionft.wording.lists import count

COLUMNS = ("path", "problem")
SHOWN = 4
"""Numbers of an embedding that a line shows."""


@dataclass(frozen=True, eq=False)
class EmbeddingAnswer:
    """What the model says of one photo.

    Attributes:
        embedding: (E,) float32 of Euclidean length 1.
    """

    embedding: NDArray[np.float32]

    @property
    def logits(self) -> NDArray[np.float32]:
        """What figures are computed from (E,): the same, as a projection's length says nothing."""
        return self.embedding


@dataclass(frozen=True, eq=False)
class EmbeddingPrediction:
    """The answer to one photo.

    Attributes:
        path: the photo, as the caller named it.
        embedding: (E,) float32 of Euclidean length 1.
        problem: None; of what could not be read, the reason.
    """

    path: str
    embedding: NDArray[np.float32] = field(repr=False)
    problem: ClassVar[None] = None

    def to_row(self) -> dict[str, Any]:
        """Return plain values by column."""
        return {"path": self.path, "problem": None}


class EmbeddingPredictions(Predictions):
    """An embedding, or the reason why there is none, for each photo in its order."""

    columns = COLUMNS
    headings = ("photo", n.EMBEDDING)

    def with_top(self, top: int) -> Predictions:
        """Return the same predictions; UsageError where several answers a photo are asked for."""
        if top != 1:
            raise UsageError(f"top is {top}, and a photo has one embedding: leave it out, or ask an index (search)")
        return self

    def best(self, row: Any) -> list[tuple[str, float]]:  # noqa: ARG002
        """Return none: nothing is chosen from."""
        return []

    def to_rows(self) -> list[dict[str, Any]]:
        """Return one dict a row; what could not be read has its reason under `problem`, and None elsewhere."""
        return [{name: row.to_row().get(name) for name in COLUMNS} for row in self.rows]

    def full_rows(self) -> list[dict[str, Any]]:
        """Return what the longer formats hold: the rows with their embeddings."""
        kept = [None if isinstance(row, Unanswered) else _of(row).tolist() for row in self.rows]
        return [{**row, n.EMBEDDING: values} for row, values in zip(self.to_rows(), kept, strict=True)]

    def schema(self) -> Any:
        """Return the columns' types in Arrow's terms."""
        import pyarrow as pa

        fields = [pa.field(name, pa.string()) for name in COLUMNS]
        return pa.schema([*fields, pa.field(n.EMBEDDING, pa.list_(pa.float32()))])

    def cells(self, row: Any) -> tuple[str, ...]:
        """Return a row as a notebook shows it."""
        return (row.path, row.problem) if isinstance(row, Unanswered) else (row.path, _brief(_of(row)))

    def _line(self, row: Any) -> str:
        told = f"not read: {row.problem}" if isinstance(row, Unanswered) else _brief(_of(row))
        return f"{row.path}  {told}"


class EmbeddingAnswers:
    """Output of the graph: embedding."""

    outputs = (n.EMBEDDING,)

    def tensors(self, classes: int | str, features: int) -> tuple[TensorRecord, ...]:  # noqa: ARG002
        """Return the table of a network with an embedding of `features` numbers."""
        keys = ("name", "direction", "dtype", "shape", "meaning")
        rows = (
            (n.IMAGE, "in", "uint8", ("N", "H", "W", 3), "RGB photos of one size, any N, H and W from 1 up."),
            (n.EMBEDDING, "out", "float32", ("N", features), "The projection, of Euclidean length 1."),
        )
        return tuple(TensorRecord.model_validate(dict(zip(keys, row, strict=True))) for row in rows)

    def split(self, outputs: Sequence[Any]) -> Iterator[EmbeddingAnswer]:
        """Return one answer a photo."""
        (embeddings,) = outputs
        yield from map(EmbeddingAnswer, embeddings)

    def fits(self, answer: EmbeddingAnswer, classes: tuple[str, ...]) -> bool:  # noqa: ARG002
        """Tell whether the embedding is finite: products are no part of an answer."""
        return bool(np.isfinite(answer.embedding).all())

    def row(self, name: str | Path, answer: EmbeddingAnswer) -> EmbeddingPrediction:
        """Return the row of a photo."""
        return EmbeddingPrediction(str(name), answer.embedding)

    def predictions(self, rows: tuple[Any, ...], classes: tuple[str, ...]) -> Predictions:
        """Return rows as one table."""
        return EmbeddingPredictions(rows, classes)

    def plain(self, answer: EmbeddingAnswer, classes: tuple[str, ...], top: int) -> dict[str, Any]:  # noqa: ARG002
        """Return the embedding."""
        return {n.EMBEDDING: answer.embedding.tolist()}

    def subject(self, classes: int) -> str:
        """Count the products that it learnt from."""
        return f"embeddings learnt from {count(classes, 'product')}"


def _of(row: Any) -> NDArray[np.float32]:
    found: NDArray[np.float32] = row.embedding
    return found


def _brief(embedding: NDArray[np.float32]) -> str:
    shown = ", ".join(f"{value:.3f}" for value in embedding[:SHOWN])
    return f"{len(embedding)} numbers: {shown}{', ...' if len(embedding) > SHOWN else ''}"


ANSWERS = EmbeddingAnswers()
