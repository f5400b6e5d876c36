"""From logits and embeddings to answers: the one rule that run, graph and golden vectors share."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from visionft.bundle.product_rows import Reading
from visionft.metrics.classification import softmax
from visionft.metrics.ood import KnownScale, known_scores


@dataclass(frozen=True, eq=False)
class Postprocess:
    """How a model's outputs are read.

    Attributes:
        temperature: what logits are divided by before the softmax, above 0.
        scale: what the known score is measured by.
        threshold: photos of a lower score are unknown; None: no photo is.
        min_confidence: probability from which an answer may be as particular as it is, where answers come at several
            levels; None: they come at one.
    """

    temperature: float
    scale: KnownScale
    threshold: float | None = None
    min_confidence: float | None = field(default=None, kw_only=True)

    @classmethod
    def plain(cls) -> Postprocess:
        """Return that of a model that nothing was fitted for: plain softmax, largest logit, no threshold."""
        return cls(1.0, KnownScale.plain())

    @property
    def reading(self) -> Reading:
        """What one answer of several photos hangs on."""
        return Reading(self.temperature, self.threshold)

    def probabilities(self, logits: NDArray[np.floating]) -> NDArray[np.float32]:
        """Return calibrated probabilities (n, C) of raw logits (n, C)."""
        return softmax(logits / self.temperature).astype(np.float32)

    def known(self, logits: NDArray[np.floating], embeddings: NDArray[np.floating]) -> NDArray[np.float32]:
        """Return scores (n,) of raw logits (n, C) and embeddings (n, D) of length 1."""
        return known_scores(logits, embeddings, self.scale)

    def unknown(self, scores: NDArray[np.floating]) -> NDArray[np.bool_]:
        """Tell which scores (n,) are below the threshold."""
        below: NDArray[np.bool_] = scores < (-np.inf if self.threshold is None else np.float32(self.threshold))
        return below
