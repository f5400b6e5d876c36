"""The second half of the exported graph as a torch module: a network that also answers with its embedding."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from visionft.backbones import Network


class NetworkHalf(nn.Module):
    """The network's input (N, 3, h, w) float32 to raw logits (N, C) and embedding (N, E) of length 1."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = network

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """Return logits (N, C) and the L2-normalised embedding (N, E) of pixels (N, 3, h, w).

        It is the features before the head, or what the head made of them where it projects.
        """
        features = self.network.embed(pixels)
        outputs = self.network.head(features)
        return outputs, F.normalize(self.network.described(features, outputs), dim=1)
