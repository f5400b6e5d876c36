"""What the table of models brought to light: modules in two places, odd widths, layers that no update stands on."""

from __future__ import annotations

from pathlib import Path

import onnxruntime
import pytest
import timm
import torch
from safetensors.torch import load_file
from torch import nn

from visionft import backbones, methods
from visionft.backbones import LinearHead, Network, WeightSource
from visionft.bundle import names as n
from visionft.errors import BackboneError
from visionft.exporting.onnx_model import network_part
from visionft.methods import lora
from visionft.methods.forward_probe import run_once
from visionft.methods.quantized_linear import Nf4Store
from visionft.methods.target_modules import find
from visionft.runs.weights_file import write_weights
from visionft.settings import AdapterMethod, LoraMethod, QloraMethod

UPDATED = [
    LoraMethod(targets="attention", base_dtype="bf16"),
    QloraMethod(targets="attention", quantization="int8"),
    QloraMethod(unfreeze=0.3),
]


def made(name: str, classes: int = 3) -> Network:
    torch.manual_seed(0)
    network = backbones.create(name, "none", classes)
    nn.init.normal_(network.head.weight)
    for parameter in network.parameters():
        if not parameter.any():  # timm starts last norms at zero, which hides blocks
            nn.init.uniform_(parameter, 0.5, 1.0)
    return network


def trained(network: Network, method: LoraMethod | QloraMethod) -> Network:
    methods.edit(network, method)
    for _, _, pair in lora.pairs(network.backbone):
        nn.init.normal_(pair.B, std=0.05)
    return network


def photos(network: Network, count: int = 2) -> torch.Tensor:
    return torch.randn(count, 3, *network.input_size, generator=torch.Generator().manual_seed(1))


def test_a_module_in_two_places_stays_where_it_is_and_is_saved_under_both_names(tmp_path: Path) -> None:
    network = made("coat_tiny")
    run_once(network)
    assert network.backbone.cpe1 is network.backbone.serial_blocks1[0].cpe
    assert not any(tensor.is_meta for tensor in network.state_dict().values())

    write_weights(tmp_path / "weights.safetensors", network)
    saved = load_file(tmp_path / "weights.safetensors")

    assert saved.keys() == network.state_dict().keys()
    assert all(torch.equal(saved[name], tensor) for name, tensor in network.state_dict().items())


@pytest.mark.parametrize("shape", [(152, 608), (96, 96), (5, 7), (1, 64)])
def test_nf4_is_as_near_whatever_the_width_of_the_weight(shape: tuple[int, int]) -> None:
    weight = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    stored = Nf4Store(weight)()
    assert stored.shape == weight.shape
    assert (stored - weight).norm() <= 0.13 * weight.norm()  # a Gaussian's is 0.09; 0.25 where blocks were mixed up


def test_a_channel_gate_is_no_attention() -> None:
    """A squeeze-and-excitation block is called `attn` in timm's byobnet and nfnet; `all` means more than these."""
    found = {target.path for target in find(made("test_byobnet"), "all", 1.0)}
    assert "stages.0.0.conv1_kxk.conv" in found
    assert any(".attn.fc" in path for path in found)
    with pytest.raises(BackboneError, match=r"test_byobnet has no layers that --method\.targets attention names; give"):
        find(made("test_byobnet"), "attention", 1.0)


def test_a_backbone_that_is_called_after_its_mlps_gets_adapters_beside_each_of_them() -> None:
    network = made("mixer_s32_224")
    done = methods.edit(network, AdapterMethod(width=2))
    assert done is not None
    assert done.places == 16  # two in each of eight blocks


@pytest.mark.slow
def test_attention_that_the_exporter_cannot_fuse_is_written_out() -> None:
    torch.manual_seed(0)
    name, side = "samvit_base_patch16_224", 64
    backbone = timm.create_model(name, num_classes=0, img_size=side, depth=2, embed_dim=48, num_heads=3)
    network = Network(backbone, LinearHead(48, 3), name=name, source=WeightSource(name, "none"), features=48,
                      num_classes=3, input_size=(side, side)).eval()  # fmt: skip
    nn.init.normal_(network.head.weight)

    model = network_part(network, (side, side))

    session = onnxruntime.InferenceSession(model.SerializeToString())
    (answer,) = session.run([n.LOGITS], {n.PIXELS: photos(network, 3).numpy()})
    with torch.no_grad():
        expected = network(photos(network, 3))
    assert (torch.from_numpy(answer) - expected).abs().max() <= 1e-4 * expected.abs().max()
    assert all(module.fused_attn for module in network.modules() if hasattr(module, "fused_attn"))
