"""Shipping classes: probabilities, names and known scores in the graph; labels and probabilities compared."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto

from visionft.bundle.schema import BundleRecord
from visionft.classes import Classes
from visionft.exporting import model_card
from visionft.exporting.parity import compare
from visionft.exporting.parity_photos import Photo
from visionft.exporting.postprocess_graph import append_answers
from visionft.exporting.reference_answers import Answerer, Truth
from visionft.exporting.stage_parity import Answers, Progress, Stages
from visionft.metrics import Postprocess


class ClassShipping:
    """Outputs of the graph: see `visionft.tasks.classification.answers`."""

    def append(self, model: ModelProto, classes: Sequence[str] | None, answering: Postprocess) -> None:
        """Append calibration, the label and the known score."""
        append_answers(model, classes, answering)

    def prove(
        self,
        session: Answers,
        trained: Truth,
        stages: Stages,
        photos: Iterator[Photo],
        total: int,
        on_progress: Progress | None,
    ) -> dict[str, Any]:
        """Compare labels, probabilities and known scores."""
        return {"agreement": compare(session, trained, stages, photos, total, on_progress)}

    def expected(self, image: NDArray[np.uint8], trained: Answerer, classes: Classes) -> Mapping[str, object]:
        """Return label, probabilities, scores and embedding of a photo (H, W, 3)."""
        truth = trained.of([image])
        index = int(truth.logits[0].argmax())
        return {
            "label": classes[index],
            "class_index": index,
            "probability": float(truth.probabilities[0, index]),
            "probabilities": truth.probabilities[0].tolist(),
            "logits": truth.logits[0].tolist(),
            "embedding": truth.embeddings[0].tolist(),
            "known_score": float(truth.known_scores[0]),
            "unknown": bool(trained.answering.unknown(truth.known_scores)[0]),
        }

    def card(self, record: BundleRecord) -> str:
        """Return the card of a classifier."""
        return model_card.card(record)

    def proof(self, record: BundleRecord) -> dict[str, Any]:
        """Return the share of equal labels, the largest difference of a probability and the near ties."""
        found = record.agreement
        assert found is not None, "a bundle is not placed without its proof"
        return {
            "agreement": found.agreement,
            "max_probability_difference": found.max_probability_difference,
            "n": found.n,
            "near_ties": found.near_ties,
        }


SHIPPING = ClassShipping()
