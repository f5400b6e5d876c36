"""Shipping a number: it leaves the graph as it is, and is compared with the trained model's, photo by photo."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, helper, numpy_helper

from visionft.bundle import names as n
from visionft.bundle.schema import BundleRecord
from visionft.classes import Classes
from visionft.exporting.parity_photos import Photo
from visionft.exporting.reference_answers import Answerer, Reference, Truth
from visionft.exporting.stage_parity import (
    Answers,
    Progress,
    Stages,
    blamed,
    compare_each,
    differs,
    largest,
    with_mirrored,
)
from visionft.metrics import Postprocess
from visionft.tasks.regression.answers import VALUE
from visionft.tasks.regression.number_card import card

TOLERANCE = 1e-3
"""Of the spread of the answers: what a pixel's rounding may move, and far below any error of the model."""
AXIS = "value_axis"
EMBEDDING_TOLERANCE = 1e-2
WHOLE = "each photo at its own size"


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
        truths, differences = list[float](), list[tuple[float, str]]()

        def note(photo: Photo, answer: Any, truth: Reference, place: int) -> None:
            truths.append(float(truth.logits[place, 0]))
            differences.append((_difference(answer.value, truths[-1]), photo.path))

        _, sample = compare_each(session, trained, photos, total, on_progress, note)
        first = max(differences)
        worst = {WHOLE: first[0]}
        levels = _sampled(worst, session, trained, stages, [photo.image for photo in sample])
        allowed = tolerance(truths)
        _judge(worst, allowed, levels, first[1])
        proof = {
            "n": len(truths),
            "max_value_difference": max(worst.values()),
            "tolerance": allowed,
            "max_pixel_difference": levels,
            "by_check": worst,
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


def _sampled(
    worst: dict[str, float], session: Answers, trained: Truth, stages: Stages, images: Sequence[NDArray[np.uint8]]
) -> float:
    """Note batches and the network half in several batch sizes; return the preprocess half's difference in levels."""
    pairs = with_mirrored(images)
    truth = trained.of(pairs)
    expected = truth.logits[:, 0]
    together: list[Any] = list(session.answer_batch(pairs))
    worst["photos of one size in batches"] = max(
        _difference(answer.value, wanted) for answer, wanted in zip(together, expected.tolist(), strict=True)
    )
    for check, found in stages.batches(truth.pixels):
        worst[check] = largest(found[:, 0] - expected)
    return stages.pixel_difference(images)


def _difference(found: float, wanted: float) -> float:
    difference = abs(found - wanted)
    return math.inf if math.isnan(difference) else difference


def _judge(worst: dict[str, float], allowed: float, levels: float, path: str) -> None:
    """Raise ParityError where a number is off by more than is allowed, with the half that is to blame."""
    check = max(worst, key=lambda name: worst[name])
    if worst[check] <= allowed:
        return
    where = f", first {path}" if check == WHOLE else ""
    raise differs(
        f"values differ by up to {worst[check]:.2g}, and {allowed:.2g} may ({check}{where}); {blamed(levels)}"
    )


SHIPPING = NumberShipping()
