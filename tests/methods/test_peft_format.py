"""Adapters travel: ours load in PEFT with equal outputs, and PEFT's load here."""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import pytest
import timm
import torch
from torch import Tensor, nn

from tests.methods.making import edited, photos, small
from visionft import methods
from visionft.backbones import Network
from visionft.errors import WeightsError
from visionft.methods import lora
from visionft.runs.weights_file import write_adapter
from visionft.settings import AdapterMethod, AnyMethod, BitfitMethod, LoraMethod, PromptMethod, QloraMethod

CLASSES = ("a", "b", "c")
# One model that is called layer by layer, one that is convolutional, one with two classifiers.
NAMES = ["test_vit", "test_byobnet", "deit_tiny_distilled_patch16_224"]


def written(network: Network, method: AnyMethod, folder: Path) -> Path:
    files = methods.adapter_files(network, method, CLASSES, network.name)
    assert files is not None
    write_adapter(folder, files)
    return folder


def in_timm(name: str) -> nn.Module:
    """Return timm's own model with a classifier of three classes, its backbone as that of `small`."""
    model: nn.Module = timm.create_model(name, num_classes=3)
    missing, unexpected = model.load_state_dict(small(name).backbone.state_dict(), strict=False)
    assert not unexpected
    assert all(key.rpartition(".")[0] in ("head", "head_dist", "head.fc") for key in missing)
    return model.eval()


def peft_answer(model: nn.Module, folder: Path, x: Tensor) -> Tensor:
    with warnings.catch_warnings(action="ignore"):
        from peft import PeftModel

        loaded = PeftModel.from_pretrained(model, folder)
    with torch.no_grad():
        answer: Tensor = loaded.eval()(x)
    return answer


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("method", [LoraMethod(rank=4, alpha=3), LoraMethod(rslora=True, targets="all")])
def test_ours_loads_in_peft_with_equal_outputs(name: str, method: LoraMethod, tmp_path: Path) -> None:
    network = edited(method, name)
    nn.init.normal_(network.head.weight)
    x = photos(network)
    with torch.no_grad():
        ours = network(x)
    theirs = peft_answer(in_timm(name), written(network, method, tmp_path / "adapter"), x)
    assert (theirs - ours).abs().max() <= 1e-5 * ours.abs().max()


def test_slices_load_in_peft(tmp_path: Path) -> None:
    method = LoraMethod(targets="qv")
    network = edited(method)
    x = photos(network)
    theirs = peft_answer(in_timm("test_vit"), written(network, method, tmp_path / "adapter"), x)
    with torch.no_grad():
        assert torch.allclose(theirs, network(x), atol=1e-5)


@pytest.mark.parametrize("rslora", [False, True])
def test_pefts_loads_here_with_equal_outputs(rslora: bool, tmp_path: Path) -> None:
    with warnings.catch_warnings(action="ignore"):
        from peft import LoraConfig, get_peft_model

        layers = r"blocks\.\d+\.(attn\.(qkv|proj)|mlp\.fc1)"
        config = LoraConfig(r=5, lora_alpha=7, use_rslora=rslora, target_modules=layers, modules_to_save=["head"])
        theirs = get_peft_model(in_timm("test_vit"), config)  # type: ignore[arg-type]
        for parameter in theirs.parameters():
            if parameter.requires_grad:
                nn.init.normal_(parameter, std=0.1)
        theirs.save_pretrained(tmp_path / "theirs")
    network = small()
    methods.load_peft(network, tmp_path / "theirs")
    x = photos(network)
    with torch.no_grad():
        wanted = theirs.eval()(x)
        assert (network(x) - wanted).abs().max() <= 1e-5 * wanted.abs().max()
        lora.fold(network.backbone)
        assert (network(x) - wanted).abs().max() <= 1e-5 * wanted.abs().max()


@pytest.mark.parametrize("name", [*NAMES, "eva02_tiny_patch14_224"])
def test_ours_loads_here_bit_for_bit(name: str, tmp_path: Path) -> None:
    network = edited(LoraMethod(), name)
    other = small(name)
    methods.load_peft(other, written(network, LoraMethod(), tmp_path / "adapter"))
    with torch.no_grad():
        assert torch.equal(other(photos(network)), network(photos(network)))


def test_the_factors_over_a_quantised_base_fit_the_plain_one(tmp_path: Path) -> None:
    network = edited(QloraMethod(quantization="int8"))
    other = small()
    methods.load_peft(other, written(network, QloraMethod(), tmp_path / "adapter"))
    for (_, _, a), (_, _, b) in zip(lora.pairs(network.backbone), lora.pairs(other.backbone), strict=True):
        assert torch.equal(a.delta(), b.delta())


def test_the_file_is_under_two_megabytes_for_vit_tiny(tmp_path: Path) -> None:
    network = small("vit_tiny_patch16_224", classes=81)
    methods.edit(network, LoraMethod(), check=False)
    folder = written(network, LoraMethod(), tmp_path / "adapter")
    assert (folder / "adapter_model.safetensors").stat().st_size < 2e6


@pytest.mark.parametrize("method", [AdapterMethod(), PromptMethod()])
def test_other_additions_are_kept_by_name(method: AnyMethod, tmp_path: Path) -> None:
    network = edited(method)
    files = methods.adapter_files(network, method, CLASSES, "test_vit")
    assert files is not None
    assert files.tensors.keys() == {*methods.added(network), "head.weight", "head.bias"}
    assert files.config["method"]["name"] == method.name


def test_what_adds_nothing_has_no_adapter() -> None:
    assert methods.adapter_files(small(), BitfitMethod(), CLASSES, "test_vit") is None


@pytest.mark.parametrize(
    ("config", "sentence"),
    [
        (None, r"is no adapter in PEFT's format \(it is missing\); give a folder with adapter_config.json"),
        ({"peft_type": "IA3"}, r"holds a IA3 adapter; give one of plain LoRA"),
        (
            {"peft_type": "LORA", "lora_alpha": 8},
            r"does not fit test_resnet \(.*\); name the backbone that it was made",
        ),
    ],
)
def test_what_is_no_adapter_for_this_network_is_said(
    config: dict[str, object] | None, sentence: str, tmp_path: Path
) -> None:
    folder = written(edited(LoraMethod()), LoraMethod(), tmp_path / "adapter")
    if config is None:
        (folder / "adapter_config.json").unlink()
    else:
        (folder / "adapter_config.json").write_text(json.dumps(config))
    with pytest.raises(WeightsError, match=sentence):
        methods.load_peft(small("test_resnet"), folder)
