"""Learnable tokens in the sequence of a frozen vision transformer (visual prompt tuning, arXiv 2203.12119).

Deep: each block gets tokens of its own, and their outputs are dropped behind it. Shallow: one set enters before the
first prompted block and leaves behind the last. What follows the blocks sees the photo's tokens alone.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn

from visionft.backbones import Network, depth_map
from visionft.errors import BackboneError
from visionft.methods.forward_probe import run_once, shapes
from visionft.methods.param_roles import Added
from visionft.methods.schedule import lowest_trained


class Prompts(Added):
    """Learnable tokens (1, p, D), uniform at the start in the range that Xavier gives a patch embedding.

    Args:
        tokens: p.
        features: D.
        patch: inputs of the patch embedding, 3 x side x side.
    """

    def __init__(self, tokens: int, features: int, patch: int) -> None:
        super().__init__()
        reach = math.sqrt(6 / (patch + features))
        self.tokens = nn.Parameter(torch.empty(1, tokens, features).uniform_(-reach, reach))

    def forward(self, x: Tensor) -> Tensor:
        """Append the tokens to a sequence (B, N, D): (B, N + p, D)."""
        return torch.cat([x, self.tokens.expand(x.shape[0], -1, -1).to(x.dtype)], dim=1)


class PromptedBlock(nn.Module):
    """A frozen block that may take tokens in before it and let them go behind it."""

    def __init__(self, block: nn.Module, prompts: Prompts | None, leaving: int) -> None:
        super().__init__()
        self.block, self.leaving = block, leaving
        self.prompts = prompts

    def forward(self, x: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        """Map a sequence (B, N, D) to the block's answer."""
        y: Tensor = self.block(x if self.prompts is None else self.prompts(x), *args, **kwargs)
        return y[:, : -self.leaving] if self.leaving else y


def inject(network: Network, *, tokens: int, deep: bool, unfreeze: float) -> int:
    """Give the blocks in the upper share `unfreeze` of the depth their tokens; return how many blocks are prompted.

    Raises:
        BackboneError: the backbone has no row of blocks over one token sequence, or cannot take more tokens.
    """
    blocks = getattr(network.backbone, "blocks", None)
    if not isinstance(blocks, nn.Sequential | nn.ModuleList) or not _are_sequences(network, blocks):
        raise _unsuitable(network)
    levels = depth_map(network)
    lowest = lowest_trained(unfreeze, levels.levels)
    depth = [
        min(levels.of_parameter[f"backbone.blocks.{i}.{name}"] for name, _ in block.named_parameters())
        for i, block in enumerate(blocks)
    ]
    chosen = [i for i, level in enumerate(depth) if level >= lowest]
    if not chosen:
        raise BackboneError(f"no block of {network.name} lies in that share; raise --method.unfreeze")
    _wrap(network, blocks, chosen, tokens, deep)
    _require_runs(network)
    return len(chosen)


def _wrap(network: Network, blocks: nn.Sequential | nn.ModuleList, chosen: list[int], tokens: int, deep: bool) -> None:
    seen = shapes(network, [blocks[chosen[0]]])[0]
    assert seen is not None
    stem = next((m for m in network.backbone.modules() if isinstance(m, nn.Conv2d)), None)
    patch = stem.weight[0].numel() if stem is not None else seen[0][-1]
    for i in chosen:
        prompts = Prompts(tokens, seen[0][-1], patch) if deep or i == chosen[0] else None
        leaving = tokens if deep or i == chosen[-1] else 0
        block = blocks[i]
        blocks[i] = PromptedBlock(block, prompts, leaving).train(block.training)


def _are_sequences(network: Network, blocks: nn.Sequential | nn.ModuleList) -> bool:
    seen = shapes(network, blocks)
    first = seen[0] if seen else None
    return first is not None and len(first[0]) == 3 and all(one is not None and one == first for one in seen)


def _require_runs(network: Network) -> None:
    try:
        run_once(network)
    except Exception as error:  # whatever a model makes of tokens that it did not expect
        raise _unsuitable(network) from error


def _unsuitable(network: Network) -> BackboneError:
    return BackboneError(
        f"{network.name} is no plain vision transformer that takes more tokens; take --method lora, gradual or head"
    )
