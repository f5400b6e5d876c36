"""The answer of several heads: the label of each with its probability, from one pass. Free of torch."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from visionft.bundle import names as n
from visionft.bundle.answers import Told
from visionft.bundle.prediction_rows import Unanswered
from visionft.bundle.predictions import Predictions
from visionft.bundle.schema import TensorRecord
from visionft.errors import UsageError
from visionft.tasks.multihead.head_layout import BETWEEN, EQUALS, Heads, heads_of
from visionft.wording.lists import count

LABELS, CLASS_INDICES, LABEL_PROBABILITIES = "labels", "class_indices", "label_probabilities"


@dataclass(frozen=True, eq=False)
class HeadsAnswer:
    """What the model says of one photo.

    Attributes:
        labels: (H,) names of each head's most probable class, without the head's own.
        class_indices: (H,) int64, their places among all classes.
        label_probabilities: (H,) float32 of them, calibrated, in [0, 1].
        probabilities: (K,) float32, calibrated; those of each head sum to 1.
        logits: (K,) float32, raw.
        embedding: (D,) float32 of Euclidean length 1.
    """

    labels: NDArray[np.object_]
    class_indices: NDArray[np.int64]
    label_probabilities: NDArray[np.float32]
    probabilities: NDArray[np.float32]
    logits: NDArray[np.float32]
    embedding: NDArray[np.float32]


def answer_of(
    heads: Heads,
    best: NDArray[np.int64],
    probabilities: NDArray[np.float32],
    logits: NDArray[np.float32],
    embedding: NDArray[np.float32],
) -> HeadsAnswer:
    """Return the answer of the classes `best` (H,), places among each head's own; the rest as of `HeadsAnswer`."""
    labels = np.array([own[at] for own, at in zip(heads.own, best.tolist(), strict=True)], dtype=object)
    places = best + heads.starts
    return HeadsAnswer(labels, places, probabilities[places], probabilities, logits, embedding)


@dataclass(frozen=True, eq=False)
class HeadsPrediction:
    """The answer to one photo.

    Attributes:
        path: the photo, as the caller named it.
        heads: (H,) names of the heads.
        labels: (H,) of each head, without its name.
        label_probabilities: (H,) of these, in [0, 1].
        probabilities: (K,) float32 of all classes.
        problem: None; of what could not be read, the reason.
    """

    path: str
    heads: tuple[str, ...]
    labels: tuple[str, ...]
    label_probabilities: tuple[float, ...]
    probabilities: NDArray[np.float32]
    problem: ClassVar[None] = None

    def to_row(self) -> dict[str, Any]:
        """Return plain values by column."""
        pairs = zip(self.labels, self.label_probabilities, strict=True)
        return dict(
            zip(_columns(self.heads), (self.path, *(value for pair in pairs for value in pair), None), strict=True)
        )


class HeadsPredictions(Predictions):
    """The label of each head, or the reason why there is none, for each photo in its order."""

    headings = ("photo", "labels")

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns: a head and its probability side by side."""
        return _columns(heads_of(self.classes).names)

    def with_top(self, top: int) -> Predictions:
        """Return the same predictions; UsageError where a number of labels is asked for."""
        if top != 1:
            raise UsageError(
                f"top is {top}, and a photo has one label of each head: leave it out; .jsonl and .parquet hold the "
                "probabilities of all"
            )
        return self

    def best(self, row: Any) -> list[tuple[str, float]]:
        """Return the label of each head, as `colour=red`, with its probability; none if unread."""
        if isinstance(row, Unanswered):
            return []
        named = (f"{head}{EQUALS}{label}" for head, label in zip(row.heads, row.labels, strict=True))
        return list(zip(named, row.label_probabilities, strict=True))

    def to_rows(self) -> list[dict[str, Any]]:
        """Return one dict a row; what could not be read has its reason under `problem`, and None elsewhere."""
        return [{name: row.to_row().get(name) for name in self.columns} for row in self.rows]

    def full_rows(self) -> list[dict[str, Any]]:
        """Return what the longer formats hold: the rows with the probabilities of all classes."""
        kept = [None if row.probabilities is None else row.probabilities.tolist() for row in self.rows]
        return [{**row, n.PROBABILITIES: values} for row, values in zip(self.to_rows(), kept, strict=True)]

    def schema(self) -> Any:
        """Return the columns' types in Arrow's terms."""
        import pyarrow as pa

        kinds = {_probability(head): pa.float32() for head in heads_of(self.classes).names}
        fields = [pa.field(name, kinds.get(name, pa.string())) for name in self.columns]
        schema = pa.schema([*fields, pa.field(n.PROBABILITIES, pa.list_(pa.float32()))])
        return schema.with_metadata({"classes": json.dumps(self.classes, ensure_ascii=False)})

    def cells(self, row: Any) -> tuple[str, ...]:
        """Return a row as a notebook shows it."""
        return (row.path, row.problem) if isinstance(row, Unanswered) else (row.path, self._told(row))

    def _line(self, row: Any) -> str:
        if isinstance(row, Unanswered):
            return f"{row.path}  not read: {row.problem}"
        return f"{row.path}  {self._told(row)}"

    def _told(self, row: Any) -> str:
        return ", ".join(f"{label}  {probability:.1%}" for label, probability in self.best(row))


class HeadsAnswers:
    """Outputs of the graph, by the table below."""

    outputs = (LABELS, CLASS_INDICES, LABEL_PROBABILITIES, n.PROBABILITIES, n.LOGITS, n.EMBEDDING)

    def tensors(self, classes: int | str, features: int) -> tuple[TensorRecord, ...]:
        """Return the table of a network with `classes` classes, which does not tell how many heads there are."""
        return _table(classes, "H", features)

    def tensors_of(self, classes: Sequence[str], features: int) -> tuple[TensorRecord, ...]:
        """Return the table of a network with these classes."""
        return _table(len(classes), len(heads_of(tuple(classes))), features)

    def split(self, outputs: Sequence[Any]) -> Iterator[HeadsAnswer]:
        """Return one answer a photo."""
        for labels, indices, sure, probabilities, logits, embedding in zip(*outputs, strict=True):
            yield HeadsAnswer(labels, indices, sure, probabilities, logits, embedding)

    def fits(self, answer: HeadsAnswer, classes: tuple[str, ...]) -> bool:
        """Tell whether the labels are those of their places, one of each head."""
        heads = heads_of(classes)
        if len(answer.probabilities) != len(classes) or len(answer.class_indices) != len(heads):
            return False
        wanted = zip(heads.names, answer.labels, answer.class_indices, strict=True)
        return all(classes[at] == f"{head}{EQUALS}{label}" for head, label, at in wanted)

    def row(self, name: str | Path, answer: HeadsAnswer) -> HeadsPrediction:
        """Return the row of a photo; `predictions` names its heads."""
        labels, sure = tuple(map(str, answer.labels)), tuple(answer.label_probabilities.tolist())
        return HeadsPrediction(str(name), (), labels, sure, answer.probabilities)

    def predictions(self, rows: tuple[Any, ...], classes: tuple[str, ...]) -> Predictions:
        """Return rows as one table."""
        heads = heads_of(tuple(classes)).names
        return HeadsPredictions(
            tuple(row if isinstance(row, Unanswered) else replace(row, heads=heads) for row in rows), classes
        )

    def plain(self, answer: HeadsAnswer, classes: tuple[str, ...], top: int) -> dict[str, Any]:
        """Return label, probability and the `top` most probable classes of each head, by its name."""
        heads = heads_of(tuple(classes))
        return {
            "heads": {
                head: {
                    "label": str(answer.labels[at]),
                    "class_index": int(answer.class_indices[at]),
                    "probability": float(answer.label_probabilities[at]),
                    "top": _top(heads.own[at], answer.probabilities[heads.slices[at]], top),
                }
                for at, head in enumerate(heads.names)
            }
        }

    def told(self, answer: HeadsAnswer, classes: Sequence[str]) -> Told:
        """Return an answer as it is compared: the labels of all heads in one, and probabilities that sum to 1."""
        heads = heads_of(tuple(classes))
        label = BETWEEN.join(classes[at] for at in answer.class_indices.tolist())
        together = float(answer.label_probabilities.astype(np.float64).prod())
        return Told(label, together, False, answer.probabilities / np.float32(len(heads)))

    def right(self, label: str, truth: str) -> bool:
        """Tell whether the labels of all heads are the truth's."""
        return label == truth

    def subject(self, classes: int) -> str:
        """Count the classes."""
        return f"{count(classes, 'class', 'classes')} in heads"


def _table(classes: int | str, heads: int | str, features: int) -> tuple[TensorRecord, ...]:
    keys = ("name", "direction", "dtype", "shape", "meaning")
    rows = (
        (n.IMAGE, "in", "uint8", ("N", "H", "W", 3), "RGB photos of one size, any N, H and W from 1 up."),
        (LABELS, "out", "string", ("N", heads), "Name of each head's most probable class, in the order of the heads."),
        (CLASS_INDICES, "out", "int64", ("N", heads), "Their places among all classes."),
        (LABEL_PROBABILITIES, "out", "float32", ("N", heads), "Calibrated probabilities of them."),
        (n.PROBABILITIES, "out", "float32", ("N", classes), "Calibrated, of all classes: those of a head sum to 1."),
        (n.LOGITS, "out", "float32", ("N", classes), "Raw scores before each head's temperature and softmax."),
        (n.EMBEDDING, "out", "float32", ("N", features), "Features before the heads, of Euclidean length 1."),
    )
    return tuple(TensorRecord.model_validate(dict(zip(keys, row, strict=True))) for row in rows)


def _probability(head: str) -> str:
    return f"{head}_probability"


def _columns(heads: Sequence[str]) -> tuple[str, ...]:
    return ("path", *(column for head in heads for column in (head, _probability(head))), "problem")


def _top(names: Sequence[str], probabilities: NDArray[np.float32], top: int) -> list[dict[str, Any]]:
    order = np.argsort(-probabilities, kind="stable")[:top]
    return [{"label": names[i], "probability": float(probabilities[i])} for i in order]


ANSWERS = HeadsAnswers()
