"""Stored small: how far off a weight is, that gradients pass, and that evaluation does not disturb the next step."""

from __future__ import annotations

import sys

import pytest
import torch
from torch import nn

from tests.methods.making import edited, first_state, photos, small
from visionft import backbones, methods
from visionft.errors import MissingExtraError
from visionft.methods.quantized_linear import STORES, QuantizedLinear, Storage, quantize
from visionft.settings import LoraMethod, QloraMethod

# Largest error as a share of the largest weight of a block: half a step of 127, of 8 bits of mantissa, and half the
# widest gap of NF4's sixteen values (0.152 of QLoRA's appendix E) with the error of its quantised scales on top.
WORST = {"bf16": 2**-8, "int8": 0.5 / 127, "nf4": 0.16}
BITS = {"bf16": 16, "int8": 8, "nf4": 4}


@pytest.mark.parametrize("storage", STORES)
@pytest.mark.parametrize("shape", [(96, 64), (10, 7)])
def test_a_stored_weight_is_near_its_original(storage: Storage, shape: tuple[int, int]) -> None:
    weight = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    store = STORES[storage](weight)
    assert store().shape == weight.shape
    assert (store().float() - weight).abs().max() <= WORST[storage] * weight.abs().max() * 1.02


@pytest.mark.parametrize("storage", STORES)
def test_a_stored_weight_is_small(storage: Storage) -> None:
    weight = torch.randn(768, 768)
    stored = sum(buffer.numel() * buffer.element_size() for buffer in STORES[storage](weight).buffers())
    assert stored * 8 / weight.numel() < BITS[storage] * 1.06 + 0.1


@pytest.mark.parametrize("storage", STORES)
def test_the_layer_is_linear_in_its_stored_weight_and_passes_gradients(storage: Storage) -> None:
    linear = nn.Linear(64, 32)
    layer = QuantizedLinear(STORES[storage](linear.weight.detach()), (32, 64), linear.bias)
    x = torch.randn(5, 64, requires_grad=True)
    layer(x).sum().backward()
    weight = layer.store().float()
    assert torch.allclose(layer(x), x @ weight.T + linear.bias, atol=1e-5)
    assert x.grad is not None
    assert torch.allclose(x.grad, weight.sum(0).expand(5, -1), atol=1e-5)
    assert linear.bias.grad is not None


def test_the_weight_is_not_kept_for_the_backward_pass() -> None:
    layer = QuantizedLinear(STORES["int8"](torch.randn(32, 64)), (32, 64), None)
    kept: list[torch.Size] = []
    with torch.autograd.graph.saved_tensors_hooks(lambda t: kept.append(t.shape) or t, lambda t: t):
        layer(torch.randn(5, 64, requires_grad=True))
    assert torch.Size([32, 64]) not in kept


def test_autocast_decides_the_arithmetic() -> None:
    layer = QuantizedLinear(STORES["int8"](torch.randn(32, 64)), (32, 64), nn.Parameter(torch.zeros(32)))
    with torch.autocast("cpu", torch.bfloat16):
        assert layer(torch.randn(5, 64)).dtype == torch.bfloat16
    assert layer(torch.randn(5, 64)).dtype == torch.float32


@pytest.mark.parametrize("storage", STORES)
def test_a_saved_layer_loads_into_another_one(storage: Storage) -> None:
    one, other = (QuantizedLinear(STORES[storage](torch.randn(32, 64)), (32, 64), None) for _ in range(2))
    assert not torch.equal(one.store(), other.store())
    other.load_state_dict(one.state_dict())
    assert torch.equal(one.store(), other.store())


def test_every_layer_that_is_called_is_stored_small_and_no_other() -> None:
    network = small("eva02_tiny_patch14_224")
    past = frozenset({"blocks.0.attn.qkv"})
    linear = sum(isinstance(module, nn.Linear) for module in network.backbone.modules())
    assert quantize(network.backbone, "int8", past) == linear - 1
    assert type(network.backbone.get_submodule("blocks.0.attn.qkv")) is nn.Linear


@pytest.mark.parametrize("method", [QloraMethod(), QloraMethod(quantization="int8"), LoraMethod(base_dtype="bf16")])
def test_evaluating_between_steps_changes_neither_the_base_nor_the_next_step(method: LoraMethod | QloraMethod) -> None:
    """On processors with bf16 instructions bitsandbytes' own layer repacks its weights here, and cannot train on."""
    network = edited(method)
    groups = methods.groups(network, backbones.depth_map(network))
    optimizer = torch.optim.AdamW(methods.parameter_groups(network, groups, 0.05))
    before = {name: buffer.clone() for name, buffer in network.named_buffers()}
    losses = []
    for _ in range(6):
        network.train()
        methods.apply(network, groups, first_state(network, method))
        methods.set_rates(optimizer, first_state(network, method))
        loss = nn.functional.cross_entropy(network(photos(network, 6)), torch.tensor([0, 1, 2, 0, 1, 2]))
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        losses.append(loss.item())
        network.eval()
        with torch.inference_mode():
            network(photos(network))
    assert losses[-1] < losses[0]
    assert all(torch.equal(buffer, before[name]) for name, buffer in network.named_buffers())


def test_without_bitsandbytes_the_way_out_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "bitsandbytes", None)
    with pytest.raises(MissingExtraError, match=r"needs bitsandbytes, .*; pip install 'visionft\[qlora\]', or give"):
        methods.edit(small(), QloraMethod())


@pytest.mark.slow
def test_vit_base_in_nf4_is_under_55_megabytes() -> None:
    network = small("vit_base_patch16_224", classes=10)
    methods.edit(network, QloraMethod(), check=False)
    added = set(methods.added(network))
    held = sum(t.numel() * t.element_size() for name, t in network.state_dict().items() if name not in added)
    assert held < 55e6
