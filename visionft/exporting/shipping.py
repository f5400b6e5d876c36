"""The end of the exported graph, its proof and its card. Each task brings its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto

from visionft.bundle.schema import BundleRecord
from visionft.classes import Classes
from visionft.exporting.parity_photos import Photo
from visionft.exporting.reference_answers import Answerer, Truth
from visionft.exporting.stage_parity import Answers, Progress, Stages
from visionft.metrics import Postprocess
from visionft.tasks import registry


class Shipping(Protocol):
    """How the answers of a task are shipped."""

    def append(self, model: ModelProto, classes: Sequence[str] | None, answering: Postprocess) -> None:
        """Append the task's outputs to a graph that ends in `logits` (N, K) and `embedding` (N, D); in place."""
        ...

    def prove(
        self,
        session: Answers,
        trained: Truth,
        stages: Stages,
        photos: Iterator[Photo],
        total: int,
        on_progress: Progress | None,
    ) -> dict[str, Any]:
        """Compare a bundle with the trained model; return the fields of bundle.json that hold the proof.

        Raises:
            ParityError: the two differ by more than rounding.
        """
        ...

    def expected(self, image: NDArray[np.uint8], trained: Answerer, classes: Classes) -> Mapping[str, object]:
        """Return the answer of a golden photo (H, W, 3) uint8, by the names of the outputs."""
        ...

    def card(self, record: BundleRecord) -> str:
        """Return the model card in Markdown."""
        ...

    def proof(self, record: BundleRecord) -> dict[str, Any]:
        """Return the figures of the proof by the names of `Exported`."""
        ...


def shipping_of(task: str) -> Shipping:
    """Return how a task is shipped."""
    found: Shipping = registry.part(task, "shipping")
    return found
