"""Learnable tokens in the sequence of a frozen vision transformer."""

from __future__ import annotations

import math

import pytest
import torch

from tests.methods.making import photos, small
from visionft.errors import BackboneError
from visionft.methods import visual_prompts
from visionft.methods.visual_prompts import PromptedBlock, Prompts


def test_tokens_are_appended_to_each_photo_and_start_in_xavier_s_range() -> None:
    torch.manual_seed(0)
    prompts = Prompts(tokens=5, features=64, patch=3 * 16 * 16)
    x = torch.randn(2, 9, 64)
    found = prompts(x)
    assert found.shape == (2, 14, 64)
    assert torch.equal(found[:, :9], x)
    assert torch.equal(found[0, 9:], found[1, 9:])
    reach = math.sqrt(6 / (768 + 64))
    assert 0.9 * reach < float(prompts.tokens.detach().abs().max()) <= reach


@pytest.mark.parametrize(("deep", "sets"), [(True, 6), (False, 1)])
def test_deep_prompts_are_a_set_a_block_and_shallow_ones_a_single_set(deep: bool, sets: int) -> None:
    network = small()
    assert visual_prompts.inject(network, tokens=3, deep=deep, unfreeze=1.0) == 6
    blocks = [module for module in network.modules() if isinstance(module, PromptedBlock)]
    assert sum(block.prompts is not None for block in blocks) == sets
    assert [block.leaving for block in blocks] == ([3] * 6 if deep else [0, 0, 0, 0, 0, 3])
    with torch.no_grad():
        assert network.embed(photos(network)).shape == (2, network.features)


def test_only_the_upper_share_is_prompted() -> None:
    network = small()
    assert 0 < visual_prompts.inject(network, tokens=2, deep=True, unfreeze=0.4) < 6
    assert not isinstance(network.backbone.get_submodule("blocks.0"), PromptedBlock)
    assert isinstance(network.backbone.get_submodule("blocks.5"), PromptedBlock)


@pytest.mark.parametrize("name", ["test_resnet", "test_maxvit"])
def test_what_is_no_row_of_blocks_over_one_sequence_is_refused(name: str) -> None:
    words = f"^{name} is no plain vision transformer that takes more tokens; take --method lora, gradual or head$"
    with pytest.raises(BackboneError, match=words):
        visual_prompts.inject(small(name), tokens=2, deep=True, unfreeze=1.0)
