"""A linear head of prototypes, which keeps the space they lie in: a class can be added to it from its photos alone."""

from __future__ import annotations

import torch
from torch import Tensor

from visionft.backbones.heads import LinearHead
from visionft.backbones.network import Network


class PrototypeHead(LinearHead):
    """Logits linear in the features; beside them the space, which no answer needs. It is empty at the start.

    Args:
        features: D, length of an embedding.
        classes: C.
    """

    metric: Tensor
    centre: Tensor
    noise: Tensor

    def __init__(self, features: int, classes: int) -> None:
        super().__init__(features, classes)
        self.register_buffer("metric", torch.zeros(features, features))
        self.register_buffer("centre", torch.zeros(features))
        self.register_buffer("noise", torch.zeros(()))

    @property
    def solved(self) -> bool:
        """Whether it has a space, so that its rows are prototypes."""
        return bool(self.metric.any())

    def set_space(self, metric: Tensor, centre: Tensor, noise: float) -> None:
        """Take over a space: metric (D, D), centre (D,), and the noise of a single photo in it."""
        self.metric.copy_(metric)
        self.centre.copy_(centre)
        self.noise.fill_(noise)


def with_space(network: Network, wanted: bool) -> None:
    """Give a network's linear head room for a space, or take it away; the rows stay. Other heads have none.

    Args:
        network: changed in place.
        wanted: whether the head's rows are prototypes.
    """
    before = network.head
    if not isinstance(before, LinearHead) or isinstance(before, PrototypeHead) == wanted:
        return
    after = (PrototypeHead if wanted else LinearHead)(network.features, network.num_classes)
    after.load_state_dict(dict(before.named_parameters()), strict=False)
    network.head = after.to(before.weight.device).train(before.training)
