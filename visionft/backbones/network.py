"""The network: a timm backbone and a new head."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from visionft.backbones.heads import Head
from visionft.backbones.weights import WeightSource

FEW_CONVOLUTIONS = 4  # transformers have one to four, to cut the photo into patches


class Network(nn.Module):
    """Backbone and head; parameters are called `backbone.*` and `head.*`.

    Args:
        backbone: timm model created with `num_classes=0`, so that it answers with pooled features (B, D).
        head: maps (B, D) to logits (B, C).
        name: timm's name of the backbone.
        source: where the backbone's weights come from.
        features: D, length of an embedding.
        num_classes: C.
        input_size: (H, W) in pixels that the backbone was created for.
        drop: probability of dropout between embedding and head, in [0, 1).
        projects: whether the head is a projection, whose answer is the embedding.
    """

    def __init__(
        self,
        backbone: nn.Module,
        head: Head,
        *,
        name: str,
        source: WeightSource,
        features: int,
        num_classes: int,
        input_size: tuple[int, int],
        drop: float = 0.0,
        projects: bool = False,
    ) -> None:
        super().__init__()
        self.backbone = backbone
        self.drop = nn.Dropout(drop)
        self.head = head
        self.name = name
        self.source = source
        self.features = features
        self.num_classes = num_classes
        self.input_size = input_size
        self.projects = projects

    @property
    def embedding_size(self) -> int:
        """Numbers of what a photo is found by: the head's where it projects, else D."""
        return self.num_classes if self.projects else self.features

    @property
    def pretrained_cfg(self) -> dict[str, Any]:
        """What timm says of the weights: mean, std, interpolation, licence."""
        cfg: Any = self.backbone.pretrained_cfg
        return dict(cfg)

    @property
    def convolutional(self) -> bool:
        """Whether convolutions do much of the work, so that channels_last memory pays."""
        return sum(isinstance(module, nn.Conv2d) for module in self.backbone.modules()) > FEW_CONVOLUTIONS

    def embed(self, x: Tensor) -> Tensor:
        """Map normalised photos (B, 3, H, W) to embeddings (B, D), as the head gets them (not L2-normalised)."""
        features: Tensor = self.backbone(x)
        return features

    def described(self, features: Tensor, outputs: Tensor) -> Tensor:
        """Return what photos are found by, not L2-normalised: features (B, D), or what a projection made of them."""
        return outputs if self.projects else features

    def answer(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Map normalised photos (B, 3, H, W) to logits (B, C) and embeddings (B, D)."""
        features = self.embed(x)
        return self.head(self.drop(features)), features

    def forward(self, x: Tensor) -> Tensor:
        """Map normalised photos (B, 3, H, W) to logits (B, C)."""
        return self.answer(x)[0]
