"""A network that somebody made is kept so that it is built again bit for bit, or refused with its first difference."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import timm
import torch
from torch import nn

from visionft.backbones import create, store_network
from visionft.errors import BackboneError, VisionftError, WeightsError

NAME = "test_resnet"


def made(name: str = NAME, **arguments: Any) -> Any:
    torch.manual_seed(0)
    return timm.create_model(name, **{"num_classes": 5, **arguments})


def features(model: Any, x: torch.Tensor) -> torch.Tensor:
    with torch.no_grad():
        answer: torch.Tensor = model.eval().forward_head(model.forward_features(x), pre_logits=True)
    return answer


def config(name: str) -> dict[str, Any]:
    read: dict[str, Any] = json.loads((Path(name.removeprefix("local-dir:")) / "config.json").read_text())
    return read


@pytest.mark.parametrize(
    ("name", "arguments", "read_off"),
    [
        (NAME, {}, {}),
        (NAME, {"num_classes": 0}, {}),
        (NAME, {"global_pool": "max"}, {"global_pool": "max"}),
        (NAME, {"drop_rate": 0.3}, {"drop_rate": 0.3}),
        ("test_vit", {"img_size": 96, "drop_path_rate": 0.1}, {"drop_path_rate": 0.1, "img_size": [96, 96]}),
        ("test_vit", {"global_pool": "avg", "num_classes": 0}, {"global_pool": "avg"}),
        ("mobilenetv3_small_050", {"drop_path_rate": 0.1}, {"drop_path_rate": 0.1}),
    ],
)
def test_the_backbone_answers_as_the_network_that_was_given(
    name: str, arguments: dict[str, Any], read_off: dict[str, Any], tmp_path: Path
) -> None:
    model = made(name, **arguments)
    kept = store_network(model, tmp_path)
    network = create(kept, "hub", 3)
    x = torch.randn(2, 3, *network.input_size)
    with torch.no_grad():
        assert torch.equal(network.embed(x), features(model, x))
    assert config(kept)["model_args"] == read_off


def test_the_network_and_the_random_numbers_are_left_as_they_are(tmp_path: Path) -> None:
    model = made().train().half()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    torch.manual_seed(3)
    drawn = torch.rand(4)
    torch.manual_seed(3)
    store_network(model, tmp_path)
    assert torch.equal(torch.rand(4), drawn)
    assert model.training
    assert all(
        torch.equal(tensor, before[name]) and tensor.dtype == before[name].dtype
        for name, tensor in model.state_dict().items()
    )


def test_the_same_network_is_kept_once_and_a_damaged_copy_is_written_again(tmp_path: Path) -> None:
    kept = store_network(made(), tmp_path)
    file = Path(kept.removeprefix("local-dir:")) / "model.safetensors"
    whole, number = file.read_bytes(), file.stat().st_ino
    assert store_network(made(), tmp_path) == kept
    assert file.stat().st_ino == number
    file.write_bytes(whole[:-1])
    assert store_network(made(), tmp_path) == kept
    assert file.read_bytes() == whole
    torch.manual_seed(1)
    assert store_network(timm.create_model(NAME, num_classes=5), tmp_path) != kept
    assert len(list(tmp_path.iterdir())) == 2


def activation(model: Any) -> Any:
    model.act1 = nn.GELU()
    return model


def head(model: Any) -> Any:
    model.fc = nn.Sequential(nn.Linear(model.num_features, 5))
    return model


def forward(model: Any) -> Any:
    inner = model.forward_features
    model.forward_features = lambda x: 2 * inner(x)
    return model


def nothing(model: Any) -> Any:
    model.fc.weight.data[1, 2] = float("nan")
    return model


def functional(model: Any) -> Any:
    """Change what shows in no module, and in no answer of evaluation."""
    model.drop_rate = 0.25
    return model


FAULTS: list[tuple[Callable[[], Any], dict[str, Any] | None, type[VisionftError], str]] = [
    (lambda: activation(made()), None, BackboneError, r"it has \(act1\): GELU.* where timm has \(act1\): ReLU"),
    (lambda: head(made()), None, BackboneError, r"it has \(fc\): Sequential.*drop a classifier of your own by"),
    (lambda: forward(made()), None, BackboneError, "its answers differ in evaluation, with the same weights"),
    (lambda: functional(made()), {}, BackboneError, "its answers differ in training, with the same weights"),
    (lambda: made("test_vit", img_size=96), {}, BackboneError, r"its tensor pos_embed is \(1, .* where timm's is"),
    (lambda: made(in_chans=1), None, BackboneError, r"it has \(0\): Conv2d\(1|it has \(conv1\): Conv2d\(1"),
    (lambda: nothing(made()), None, WeightsError, r"model= holds weights that are not finite \(1 of"),
    (lambda: nn.Linear(3, 2), None, BackboneError, "model= is a Linear, which is no network of timm"),
    (lambda: made(features_only=True), None, BackboneError, "which is no network of timm"),
    (lambda: made().to("meta"), None, BackboneError, "weights on the device meta"),
    (made, {"nope": 1}, BackboneError, r"timm cannot make test_resnet with model_args=\{'nope': 1\}"),
]


@pytest.mark.parametrize(("make", "arguments", "kind", "words"), FAULTS)
def test_what_timm_would_build_otherwise_is_refused_and_nothing_is_written(
    make: Callable[[], Any], arguments: Any, kind: type[VisionftError], words: str, tmp_path: Path
) -> None:
    with pytest.raises(kind, match=words):
        store_network(make(), tmp_path, arguments)
    assert list(tmp_path.iterdir()) == []


def test_an_architecture_that_timm_does_not_know_is_named(tmp_path: Path) -> None:
    model = made()
    model.pretrained_cfg = {**model.pretrained_cfg, "architecture": "my_resnet"}
    with pytest.raises(BackboneError, match="it is 'my_resnet', an architecture that timm has not"):
        store_network(model, tmp_path)


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(BackboneError, match=r"model= cannot be kept in .*VISIONFT_CACHE"):
        store_network(made(), tmp_path / "file")
