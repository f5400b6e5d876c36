"""The answer of a classifier: a class, its probability, and whether the photo is known at all."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from visionft.bundle import names as n
from visionft.bundle.prediction_rows import Answer, Prediction, Unanswered
from visionft.bundle.predictions import Predictions
from visionft.bundle.product_rows import ProductPrediction, ProductPredictions, Reading
from visionft.bundle.schema import BundleRecord, TensorRecord, tensors


class ClassAnswers:
    """Outputs of the graph: label, class_index, probability, probabilities, logits, embedding, known_score, unknown."""

    outputs = n.OUTPUTS

    def tensors(self, classes: int | str, features: int) -> tuple[TensorRecord, ...]:
        """Return the table of a network with `classes` classes."""
        return tensors(classes, features)

    def split(self, outputs: Sequence[Any]) -> Iterator[Answer]:
        """Return one answer a photo from the graph's outputs, which come in the order of the table."""
        for label, index, probability, probabilities, logits, embedding, score, unknown in zip(*outputs, strict=True):
            yield Answer(
                str(label), int(index), float(probability), probabilities, logits, embedding, float(score),
                bool(unknown),
            )  # fmt: skip

    def fits(self, answer: Answer, classes: tuple[str, ...]) -> bool:
        """Tell whether the label is that of its index, among as many classes."""
        return len(answer.probabilities) == len(classes) and answer.label == classes[answer.class_index]

    def row(self, name: str, answer: Answer) -> Prediction:
        """Return the row of a photo."""
        return Prediction.of(name, answer)

    def predictions(self, rows: tuple[Any, ...], classes: tuple[str, ...]) -> Predictions:
        """Return rows as one table."""
        return Predictions(rows, classes)

    def together(self, answers: Sequence[Answer], classes: tuple[str, ...], reading: Reading) -> Answer:
        """Return the class with the highest mean of log-probabilities over a product's photos.

        The mean of the raw logits has the same softmax, as each photo's log-probabilities are its logits less one
        number. The known score is the mean of the photos' scores, and one threshold serves both.
        """
        if len(answers) == 1:
            return answers[0]
        logits = np.asarray(np.mean([each.logits for each in answers], axis=0, dtype=np.float64), np.float32)
        powers = np.exp((logits.astype(np.float64) - logits.max()) / reading.temperature)
        probabilities, best = (powers / powers.sum()).astype(np.float32), int(logits.argmax())
        embedding = np.mean([each.embedding for each in answers], axis=0)
        score = np.float32(np.mean([each.known_score for each in answers]))
        unknown = reading.threshold is not None and bool(score < np.float32(reading.threshold))
        embedding = np.asarray(embedding / max(float(np.linalg.norm(embedding)), 1e-12), np.float32)
        return Answer(
            classes[best], best, float(probabilities[best]), probabilities, logits, embedding, float(score), unknown
        )

    def reading(self, record: BundleRecord) -> Reading:
        """Return the temperature and the threshold of a bundle."""
        return Reading(record.temperature, record.threshold)

    def product_row(self, product: str, answer: Answer, photos: int, unread: int) -> ProductPrediction:
        """Return the row of a product."""
        return ProductPrediction.of_photos(product, answer, photos, unread)

    def product_predictions(
        self, rows: tuple[Any, ...], classes: tuple[str, ...], unread: tuple[Unanswered, ...]
    ) -> Predictions:
        """Return the rows of products as one table."""
        return ProductPredictions(rows, classes, unread=unread)

    def plain(self, answer: Answer, classes: tuple[str, ...], top: int) -> dict[str, Any]:
        """Return the answer with the `top` most probable classes."""
        best = Predictions((), classes=classes).with_top(top).best(Prediction.of("", answer))
        return {
            "label": answer.label,
            "class_index": answer.class_index,
            "probability": answer.probability,
            "known_score": answer.known_score,
            "unknown": answer.unknown,
            "top": [{"label": label, "probability": probability} for label, probability in best],
        }

    def subject(self, classes: int) -> str:
        """Count the classes."""
        return f"{classes:,} classes"


ANSWERS = ClassAnswers()
