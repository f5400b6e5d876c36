"""The trained model's own answers: what every exported one is compared with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from visionft.backbones import Network
from visionft.backbones.rewrites.fuse_bn import folded
from visionft.metrics import Postprocess, unit
from visionft.preprocess import Preprocess

PIECE = 8
"""Photos that go through the network at once: larger buffers go back to the kernel after each use."""


@dataclass(frozen=True, eq=False)
class Reference:
    """Answers to n photos, all float32.

    Attributes:
        logits: (n, C) raw.
        embeddings: (n, D) of length 1.
        probabilities: (n, C) calibrated.
        known_scores: (n,).
        pixels: (n, 3, h, w) normalised input.
    """

    logits: NDArray[np.float32]
    embeddings: NDArray[np.float32]
    probabilities: NDArray[np.float32]
    known_scores: NDArray[np.float32]
    pixels: NDArray[np.float32]


class Answerer(Protocol):
    """What answers photos with everything that golden vectors hold: the trained model, or its shrunken form."""

    @property
    def answering(self) -> Postprocess:
        """The rule from logits to answers."""
        ...

    def of(self, images: Sequence[NDArray[np.uint8]]) -> Reference:
        """Answer photos, each (H, W, 3) uint8 RGB."""
        ...


@dataclass(frozen=True, eq=False)
class Truth:
    """The trained model, asked for its answers.

    Attributes:
        network: fp32, on CPU, in eval mode.
        preprocess: the evaluation transform.
        answering: the rule from logits to answers.
    """

    network: Network
    preprocess: Preprocess
    answering: Postprocess

    @cached_property
    def _folded(self) -> Network:
        """The network as evaluation runs it."""
        return folded(self.network)

    def of(self, images: Sequence[NDArray[np.uint8]]) -> Reference:
        """Answer photos, each (H, W, 3) uint8 RGB: eager, with `Preprocess.tensor` as input."""
        pixels = np.stack([self.preprocess.tensor(image) for image in images])
        whole = torch.from_numpy(pixels).contiguous(memory_format=torch.channels_last)
        with torch.inference_mode():
            features = torch.cat([self._folded.embed(part).float() for part in torch.split(whole, PIECE)])
            outputs = self.network.head(features).float()
        embeddings, rule = unit(self.network.described(features, outputs).numpy()), self.answering
        logits = outputs.numpy()
        return Reference(logits, embeddings, rule.probabilities(logits), rule.known(logits, embeddings), pixels)
