"""Shipping a number: it leaves the graph as it is, and is compared with the trained model's, photo by photo."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, helper, numpy_helper

from visionft.bundle import names as n
from visionft.bundle.schema import BundleRecord
from visionft.classes import Classes
from visionft.exporting.parity_photos import Photo
from visionft.exporting.photo_parity import TOGETHER, WHOLE, Worst, compare_each, compare_sample
from visionft.exporting.reference_answers import Answerer, Reference, Truth
from visionft.exporting.stage_parity import Answers, Progress, Stages
from visionft.metrics import Postprocess
from visionft.tasks.regression.answers import VALUE
from visionft.tasks.regression.number_card import card

TOLERANCE = 1e-3
"""Of the spread of the answers: what a pixel's rounding may move, and far below any error of the model."""
AXIS = "value_axis"
EMBEDDING_TOLERANCE = 1e-2


class NumberShipping:
    """Outputs of the graph: value, embedding."""

    def append(self, model: ModelProto, classes: Sequence[str] | None, answering: Postprocess) -> None:  # noqa: ARG002
        """Append the number, which is the network's one output."""
        model.graph.initializer.append(numpy_helper.from_array(np.array([1], np.int64), AXIS))
        model.graph.node.append(helper.make_node("Squeeze", [n.LOGITS, AXIS], [VALUE], "number"))

    def prove(
        self,
        session: Answers,
        trained: Truth,
        stages: Stages,
        photos: Iterator[Photo],
        total: int,
        on_progress: Progress | None,
    ) -> dict[str, Any]:
        """Compare the numbers of every photo, and of the first ones in batches and half by half."""
        truths, worst = list[float](), Worst()

        def note(photo: Photo, answer: Any, truth: Reference, place: int) -> None:
            truths.append(float(truth.logits[place, 0]))
            worst.note(WHOLE, np.array(answer.value), np.array(truths[-1]), photo.path)

        def note_together(photo: Photo, answer: Any, truth: Reference, place: int) -> None:  # noqa: ARG001
            worst.note(TOGETHER, np.array(answer.value), truth.logits[place, 0])

        def note_outputs(check: str, found: NDArray[np.float32], truth: Reference) -> None:
            worst.note(check, found[:, 0], truth.logits[:, 0])

        _, sample = compare_each(session, trained, photos, total, on_progress, note)
        levels = compare_sample(session, trained, stages, sample, note_together, note_outputs)
        allowed = tolerance(truths)
        worst.require("values", allowed, levels)
        proof = {
            "n": len(truths),
            "max_value_difference": worst.largest,
            "tolerance": allowed,
            "max_pixel_difference": levels,
            "by_check": worst.by_check,
            "unreadable": total - len(truths),
        }
        return {"parity": proof}

    def expected(self, image: NDArray[np.uint8], trained: Answerer, classes: Classes) -> Mapping[str, object]:  # noqa: ARG002
        """Return the number and the embedding of a photo (H, W, 3), with what each may be off."""
        truth = trained.of([image])
        value = float(truth.logits[0, 0])
        # The number is a sum whose terms are about as large as it and as the weights of the last layer.
        head = getattr(trained, "network", None)
        weights = [float(tensor.detach().abs().max()) for tensor in head.head.parameters()] if head is not None else []
        allowed = {VALUE: TOLERANCE * max(abs(value), *weights, 1e-6), n.EMBEDDING: EMBEDDING_TOLERANCE}
        return {VALUE: value, n.EMBEDDING: truth.embeddings[0].tolist(), "allowed": allowed}

    def card(self, record: BundleRecord) -> str:
        """Return the model card."""
        return card(record)

    def proof(self, record: BundleRecord) -> dict[str, Any]:
        """Return the photos compared and the largest difference."""
        found: Any = record.parity
        assert found is not None, "a bundle is not placed without its proof"
        said = f"values at most {found['max_value_difference']:.2g} apart from the trained model's on {found['n']:,}"
        return {"n": found["n"], "parity": {**found, "sentence": f"{said} photos"}}


def tolerance(truths: Sequence[float]) -> float:
    """Return how far a number may be off: a thousandth of the answers' spread, or of the answer to a lone photo."""
    spread = float(np.std(truths)) or max(map(abs, truths))
    return TOLERANCE * max(spread, 1e-6 * max(map(abs, truths)), 1e-12)


SHIPPING = NumberShipping()
