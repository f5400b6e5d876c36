"""The answer of several labels: each one's probability, and which are chosen. Free of torch."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from visionft.bundle import names as n
from visionft.bundle.prediction_rows import Unanswered
from visionft.bundle.predictions import Predictions
from visionft.bundle.product_rows import OfProducts, Reading
from visionft.bundle.schema import BundleRecord, TensorRecord
from visionft.errors import UsageError
from visionft.wording.lists import count

CHOSEN = "chosen"
LABELS = "labels"
COLUMNS = ("path", LABELS, "problem")
BETWEEN = "|"
UNFITTED = 0.5
"""The threshold of a label that validation says nothing about."""


@dataclass(frozen=True, eq=False)
class LabelsAnswer:
    """What the model says of one photo.

    Attributes:
        probabilities: (C,) float32 in [0, 1], of each label by itself.
        chosen: (C,) bool, whether that is at least the label's threshold.
        logits: (C,) float32, raw.
        embedding: (D,) float32 of Euclidean length 1.
    """

    probabilities: NDArray[np.float32]
    chosen: NDArray[np.bool_]
    logits: NDArray[np.float32]
    embedding: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class LabelsPrediction:
    """The answer to one photo.

    Attributes:
        path: the photo, as the caller named it.
        labels: those that are chosen, the most probable first; there may be none.
        probabilities: (C,) float32 in [0, 1], of each label by itself.
        chosen: (C,) bool, which labels are chosen.
        problem: None; of what could not be read, the reason.
    """

    path: str
    labels: tuple[str, ...]
    probabilities: NDArray[np.float32]
    chosen: NDArray[np.bool_]
    problem: ClassVar[None] = None

    def to_row(self) -> dict[str, Any]:
        """Return plain values by column."""
        return dict(zip(COLUMNS, (self.path, BETWEEN.join(self.labels), None), strict=True))


class LabelsPredictions(Predictions):
    """The labels, or the reason why there are none, for each photo in its order."""

    columns: ClassVar[tuple[str, ...]] = COLUMNS
    headings: ClassVar[tuple[str, ...]] = ("photo", LABELS)

    def with_top(self, top: int) -> Predictions:
        """Return the same predictions; UsageError where a number of labels is asked for."""
        if top != 1:
            raise UsageError(f"top is {top}, and a photo has every label that reaches its threshold: leave it out")
        return self

    def best(self, row: Any) -> list[tuple[str, float]]:
        """Return the chosen labels with their probabilities, the most probable first."""
        return [] if isinstance(row, Unanswered) else _chosen(row.probabilities, row.chosen, self.classes)

    def to_rows(self) -> list[dict[str, Any]]:
        """Return one dict a row; what could not be read has its reason under `problem`, and None elsewhere."""
        return [{name: row.to_row().get(name) for name in self.columns} for row in self.rows]

    def full_rows(self) -> list[dict[str, Any]]:
        """Return what the longer formats hold: the rows with the probabilities of all labels."""
        kept = [None if row.probabilities is None else row.probabilities.tolist() for row in self.rows]
        return [{**row, n.PROBABILITIES: values} for row, values in zip(self.to_rows(), kept, strict=True)]

    def schema(self) -> Any:
        """Return the columns' types in Arrow's terms."""
        import pyarrow as pa

        fields = [pa.field(name, pa.string()) for name in COLUMNS]
        schema = pa.schema([*fields, pa.field(n.PROBABILITIES, pa.list_(pa.float32()))])
        return schema.with_metadata({"classes": json.dumps(self.classes, ensure_ascii=False)})

    def cells(self, row: Any) -> tuple[str, ...]:
        """Return a row as a notebook shows it."""
        return (row.path, row.problem) if isinstance(row, Unanswered) else (row.path, ", ".join(row.labels) or "none")

    def _line(self, row: Any) -> str:
        if isinstance(row, Unanswered):
            return f"{row.path}  not read: {row.problem}"
        told = ", ".join(f"{label}  {probability:.1%}" for label, probability in self.best(row))
        return f"{row.path}  {told or 'no label'}"


@dataclass(frozen=True, eq=False)
class LabelsProduct(LabelsPrediction):
    """The answer to one product; `path` is its name.

    Attributes:
        photos: that the answer is made of.
        unread: photos of the product that could not be read, and have no part in it.
    """

    photos: int = 1
    unread: int = 0

    def to_row(self) -> dict[str, Any]:
        """Return plain values by column."""
        row = super().to_row()
        return {"product": row.pop("path"), "photos": self.photos, "unread": self.unread, **row}


@dataclass(frozen=True, eq=False, repr=False)
class LabelsProducts(OfProducts, LabelsPredictions):
    """The labels, or the reason why there are none, for every product, in the order in which they were first met.

    Attributes:
        unread: the photos that could not be read, of all products.
    """

    unread: tuple[Unanswered, ...] = field(default=(), kw_only=True)
    columns: ClassVar[tuple[str, ...]] = ("product", "photos", "unread", *COLUMNS[1:])
    headings: ClassVar[tuple[str, ...]] = ("product", "photos", LABELS)

    def schema(self) -> Any:
        """Return the columns' types in Arrow's terms."""
        import pyarrow as pa

        counted = [pa.field("product", pa.string()), pa.field("photos", pa.int64()), pa.field("unread", pa.int64())]
        plain = super().schema()
        return pa.schema([*counted, *list(plain)[1:]]).with_metadata(plain.metadata)

    def cells(self, row: Any) -> tuple[str, ...]:
        """Return a row as a notebook shows it."""
        first, *rest = super().cells(row)
        return (first, str(row.photos), *rest)


class LabelsAnswers:
    """Outputs of the graph: probabilities, chosen, logits, embedding."""

    outputs = (n.PROBABILITIES, CHOSEN, n.LOGITS, n.EMBEDDING)

    def tensors(self, classes: int | str, features: int) -> tuple[TensorRecord, ...]:
        """Return the table of a network with `classes` labels."""
        keys = ("name", "direction", "dtype", "shape", "meaning")
        rows = (
            (n.IMAGE, "in", "uint8", ("N", "H", "W", 3), "RGB photos of one size, any N, H and W from 1 up."),
            (n.PROBABILITIES, "out", "float32", ("N", classes), "Probability of each label by itself."),
            (CHOSEN, "out", "bool", ("N", classes), "Whether it is at least the label's threshold."),
            (n.LOGITS, "out", "float32", ("N", classes), "Raw scores before the sigmoid."),
            (n.EMBEDDING, "out", "float32", ("N", features), "Features before the head, of Euclidean length 1."),
        )
        return tuple(TensorRecord.model_validate(dict(zip(keys, row, strict=True))) for row in rows)

    def split(self, outputs: Sequence[Any]) -> Iterator[LabelsAnswer]:
        """Return one answer a photo."""
        for probabilities, chosen, logits, embedding in zip(*outputs, strict=True):
            yield LabelsAnswer(probabilities, chosen, logits, embedding)

    def fits(self, answer: LabelsAnswer, classes: tuple[str, ...]) -> bool:
        """Tell whether there are as many probabilities as labels."""
        return len(answer.probabilities) == len(answer.chosen) == len(classes)

    def row(self, name: str | Path, answer: LabelsAnswer) -> LabelsPrediction:
        """Return the row of a photo; `predictions` names its labels."""
        return LabelsPrediction(str(name), (), answer.probabilities, answer.chosen)

    def predictions(self, rows: tuple[Any, ...], classes: tuple[str, ...]) -> Predictions:
        """Return rows as one table."""
        return LabelsPredictions(tuple(_named(row, classes) for row in rows), classes)

    def reading(self, record: BundleRecord) -> Reading:
        """Return the thresholds of a bundle, by the figures of its run."""
        training: Any = record.figures.get("training", {})
        rows = {row["name"]: row["threshold"] for row in training.get("val", {}).get("labels", ())}
        values = np.array([rows.get(name, UNFITTED) for name in record.classes], np.float32)
        return Reading(1.0, None, values, chooses_one(record))

    def together(self, answers: Sequence[LabelsAnswer], classes: tuple[str, ...], reading: Reading) -> LabelsAnswer:  # noqa: ARG002
        """Return the labels by the mean of their log-odds over a product's photos, by the thresholds of photos.

        Log-odds are the raw logits. Their mean is the logarithmic opinion pool of independent yes-or-no answers (Genest
        and Zidek 1986), so that a label counts as much for its absence as for its presence.
        """
        if len(answers) == 1:
            return answers[0]
        assert reading.labels is not None, "labels are read by their thresholds"
        logits = np.asarray(np.mean([each.logits for each in answers], axis=0, dtype=np.float64), np.float32)
        probabilities = (0.5 * (1 + np.tanh(0.5 * logits.astype(np.float64)))).astype(np.float32)
        chosen = probabilities >= reading.labels
        if reading.at_least_one and not chosen.any():
            chosen[int(probabilities.argmax())] = True
        embedding = np.mean([each.embedding for each in answers], axis=0)
        embedding = np.asarray(embedding / max(float(np.linalg.norm(embedding)), 1e-12), np.float32)
        return LabelsAnswer(probabilities, chosen, logits, embedding)

    def product_row(self, product: str, answer: LabelsAnswer, photos: int, unread: int) -> LabelsProduct:
        """Return the row of a product; `product_predictions` names its labels."""
        return LabelsProduct(product, (), answer.probabilities, answer.chosen, photos, unread)

    def product_predictions(
        self, rows: tuple[Any, ...], classes: tuple[str, ...], unread: tuple[Unanswered, ...]
    ) -> Predictions:
        """Return the rows of products as one table."""
        return LabelsProducts(tuple(_named(row, classes) for row in rows), classes, unread=unread)

    def plain(self, answer: LabelsAnswer, classes: tuple[str, ...], top: int) -> dict[str, Any]:
        """Return the chosen labels, and the `top` most probable ones whether they are chosen or not."""
        order = np.argsort(-answer.probabilities, kind="stable")[:top]
        return {
            LABELS: [label for label, _ in _chosen(answer.probabilities, answer.chosen, classes)],
            "top": [{"label": classes[i], "probability": float(answer.probabilities[i])} for i in order],
        }

    def subject(self, classes: int) -> str:
        """Count the labels."""
        return count(classes, "label")


def chooses_one(record: BundleRecord) -> bool:
    """Tell whether the most probable label is chosen where none reaches its threshold."""
    settings: Any = record.provenance.get("settings") or {}
    return bool((settings.get("labels") or {}).get("at_least_one", False))


def _named(row: Any, classes: tuple[str, ...]) -> Any:
    if isinstance(row, Unanswered):
        return row
    return replace(row, labels=tuple(label for label, _ in _chosen(row.probabilities, row.chosen, classes)))


def _chosen(
    probabilities: NDArray[np.float32], chosen: NDArray[np.bool_], classes: tuple[str, ...]
) -> list[tuple[str, float]]:
    order = np.argsort(-probabilities, kind="stable")
    return [(classes[i], float(probabilities[i])) for i in order if chosen[i]]


ANSWERS = LabelsAnswers()
