"""The new classification head: linear, MLP or cosine.

A head starts at zero or, where zero has no meaning, small: timm's own initialisation of a new head is so wide for some
families that hundreds of steps cannot undo it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

HeadKind = Literal["linear", "mlp", "cosine"]

COSINE_SCALE = 10.0  # cosines lie in [-1, 1]: without a scale the softmax over them can hardly leave the uniform


def by_parts(x: Tensor, weight: Tensor, bias: Tensor | None, parts: Sequence[int]) -> Tensor:
    """Return x (B, D) times weight (C, D), plus bias (C,), a product for each part of the rows: (B, C).

    How a product of matrices rounds depends on how many columns it has. By itself, a part's answers stay bit for bit
    whatever other parts there are.

    Args:
        x: (B, D).
        weight: (C, D).
        bias: (C,), or none.
        parts: rows of each, C in sum; one product where there are fewer than two.
    """
    if len(parts) < 2:
        return F.linear(x, weight, bias)
    shifts: Sequence[Tensor | None] = [None] * len(parts) if bias is None else torch.split(bias, list(parts))
    rows = torch.split(weight, list(parts))
    # A copy begins where memory is aligned, as a head of its own does: rounding depends on that too.
    return torch.cat([F.linear(x, row.clone(), shift) for row, shift in zip(rows, shifts, strict=True)], dim=1)


class LinearHead(nn.Linear):
    """Logits linear in the features, all zero at the start.

    Args:
        features: D, length of an embedding.
        classes: C.
        parts: of the rows, that are multiplied each by itself; see `by_parts`.
    """

    def __init__(self, features: int, classes: int, parts: Sequence[int] = ()) -> None:
        super().__init__(features, classes)
        self.parts = tuple(parts)
        nn.init.zeros_(self.weight)
        nn.init.zeros_(self.bias)

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002  # torch's name
        """Map embeddings (B, D) to logits (B, C)."""
        return by_parts(input, self.weight, self.bias, self.parts)

    def set_solution(self, weight: Tensor, bias: Tensor) -> None:
        """Take over a head that was solved elsewhere: weight (C, D) and bias (C,), on the raw features."""
        if weight.shape != self.weight.shape or bias.shape != self.bias.shape:
            given, wanted = (tuple(weight.shape), tuple(bias.shape)), (tuple(self.weight.shape), tuple(self.bias.shape))
            raise ValueError(f"a solution for this head has the shapes {wanted}, {given} were given")
        with torch.no_grad():
            self.weight.copy_(weight)
            self.bias.copy_(bias)


class MlpHead(nn.Module):
    """One hidden layer as wide as the embedding; the layer norm makes it indifferent to the features' scale.

    Args:
        features: D, length of an embedding.
        classes: C.
        parts: as of `LinearHead`.
    """

    def __init__(self, features: int, classes: int, parts: Sequence[int] = ()) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(features)
        self.hidden = nn.Linear(features, features)
        self.out = LinearHead(features, classes, parts)

    def forward(self, x: Tensor) -> Tensor:
        """Map embeddings (B, D) to logits (B, C)."""
        logits: Tensor = self.out(F.gelu(self.hidden(self.norm(x))))
        return logits


class CosineHead(nn.Module):
    """Logits are scaled cosines between embedding and class vectors (arXiv 1804.09458); the scale is learnt.

    Args:
        features: D, length of an embedding.
        classes: C.
        parts: as of `LinearHead`.
    """

    def __init__(self, features: int, classes: int, parts: Sequence[int] = ()) -> None:
        super().__init__()
        self.parts = tuple(parts)
        self.weight = nn.Parameter(torch.randn(classes, features) * features**-0.5)
        self.scale = nn.Parameter(torch.tensor([COSINE_SCALE]))

    def forward(self, x: Tensor) -> Tensor:
        """Map embeddings (B, D) to logits (B, C) in [-scale, scale]."""
        return self.scale * by_parts(F.normalize(x, dim=1), F.normalize(self.weight, dim=1), None, self.parts)


Head = LinearHead | MlpHead | CosineHead
HEADS: dict[HeadKind, type[LinearHead] | type[MlpHead] | type[CosineHead]] = {
    "linear": LinearHead,
    "mlp": MlpHead,
    "cosine": CosineHead,
}
