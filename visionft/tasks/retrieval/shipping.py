"""Shipping an embedding: the graph ends in it, and it is compared with the trained model's by their cosine."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto

from visionft.bundle import names as n
from visionft.bundle.schema import BundleRecord
from visionft.classes import Classes
from visionft.exporting.parity_photos import Photo
from visionft.exporting.photo_parity import TOGETHER, WHOLE, compare_each, compare_sample
from visionft.exporting.reference_answers import Answerer, Reference, Truth
from visionft.exporting.stage_parity import Answers, Progress, Stages, blamed, differs
from visionft.metrics import Postprocess, unit
from visionft.tasks.retrieval.embedding_card import card

TOLERANCE = 0.9999
"""Least cosine with the trained model's embedding: pixels that round otherwise leave 0.99999 and more, and neighbours
that differ by less than the rest, 0.0001, are one as good as the other."""
EMBEDDING_TOLERANCE = 1e-2


class EmbeddingShipping:
    """Output of the graph: embedding."""

    def append(self, model: ModelProto, classes: Sequence[str] | None, answering: Postprocess) -> None:
        """Append nothing: the network half ends in the embedding."""

    def prove(
        self,
        session: Answers,
        trained: Truth,
        stages: Stages,
        photos: Iterator[Photo],
        total: int,
        on_progress: Progress | None,
    ) -> dict[str, Any]:
        """Compare the embeddings of every photo, and of the first ones in batches and half by half."""
        cosines = list[tuple[float, str]]()

        def note(photo: Photo, answer: Any, truth: Reference, place: int) -> None:
            cosines.append((_cosine(answer.embedding, truth.embeddings[place]), photo.path))

        together = list[float]()

        def note_together(photo: Photo, answer: Any, truth: Reference, place: int) -> None:  # noqa: ARG001
            together.append(_cosine(answer.embedding, truth.embeddings[place]))

        def note_outputs(check: str, found: NDArray[np.float32], truth: Reference) -> None:
            by_check[check] = min(map(_cosine, unit(found), truth.embeddings))

        done, sample = compare_each(session, trained, photos, total, on_progress, note)
        least = min(cosines)
        by_check = {WHOLE: least[0]}
        levels = compare_sample(session, trained, stages, sample, note_together, note_outputs)
        by_check[TOGETHER] = min(together)
        _judge(by_check, levels, least[1])
        proof = {
            "n": done,
            "least_cosine": min(by_check.values()),
            "tolerance": TOLERANCE,
            "max_pixel_difference": levels,
            "by_check": by_check,
            "unreadable": total - done,
        }
        return {"parity": proof}

    def expected(self, image: NDArray[np.uint8], trained: Answerer, classes: Classes) -> Mapping[str, object]:  # noqa: ARG002
        """Return the embedding of a photo (H, W, 3), with what it may be off."""
        return {n.EMBEDDING: trained.of([image]).embeddings[0].tolist(), "allowed": {n.EMBEDDING: EMBEDDING_TOLERANCE}}

    def card(self, record: BundleRecord) -> str:
        """Return the model card."""
        return card(record)

    def proof(self, record: BundleRecord) -> dict[str, Any]:
        """Return the photos compared and the least cosine."""
        found: Any = record.parity
        assert found is not None, "a bundle is not placed without its proof"
        said = (
            f"embeddings of a cosine of at least {found['least_cosine']:.6f} with the trained model's on {found['n']:,}"
        )
        return {"n": found["n"], "parity": {**found, "sentence": f"{said} photos"}}


def _cosine(found: NDArray[np.float32], wanted: NDArray[np.float32]) -> float:
    """Return the cosine of two vectors (E,), in float64; what is no number is as bad as can be."""
    a, b = found.astype(np.float64), wanted.astype(np.float64)
    cosine = float(a @ b / max(float(np.linalg.norm(a) * np.linalg.norm(b)), 1e-30))
    return cosine if np.isfinite(cosine) else -1.0


def _judge(by_check: Mapping[str, float], levels: float, path: str) -> None:
    """Raise ParityError where a cosine is too low, with the half that is to blame."""
    check = min(by_check, key=lambda name: by_check[name])
    if by_check[check] >= TOLERANCE:
        return
    where = f", first {path}" if check == WHOLE else ""
    raise differs(
        f"embeddings have a cosine of {by_check[check]:.5f} with the trained model's, and at least {TOLERANCE:g} is "
        f"asked for ({check}{where}); {blamed(levels)}"
    )


SHIPPING = EmbeddingShipping()
