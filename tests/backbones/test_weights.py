"""Weights from files: exact, whole, without pickle; and every way in which they may not fit."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
import timm
import torch
from safetensors.torch import save_file
from torch import Tensor

from visionft import backbones
from visionft.backbones import Network
from visionft.errors import WeightsError

NAME = "test_byobnet"
State = dict[str, Tensor]


@pytest.fixture(scope="module")
def state() -> State:
    torch.manual_seed(1)
    tensors: State = timm.create_model(NAME, num_classes=7).state_dict()
    return tensors


def check(network: Network, state: State) -> None:
    loaded = network.backbone.state_dict()
    assert len(loaded) == len(state) - 2  # all but the file's classifier
    assert all(torch.equal(value, state[name]) for name, value in loaded.items())


WRAPPINGS: dict[str, Callable[[State], object]] = {
    "plain": lambda state: state,
    "nested": lambda state: {"state_dict": state, "epoch": 3},
    "model": lambda state: {"model": state},
    "averaged first": lambda state: {"state_dict": {k: v + 1 for k, v in state.items()}, "state_dict_ema": state},
    "data parallel": lambda state: {f"module.{name}": value for name, value in state.items()},
    "Lightning": lambda state: {"state_dict": {f"model.{k}": v for k, v in state.items()} | {"loss.w": torch.ones(2)}},
    "a run of ours": lambda state: {f"backbone.{k}": v for k, v in state.items()} | {"head.weight": torch.ones(2, 2)},
    "twice wrapped": lambda state: {f"model.backbone.{name}": value for name, value in state.items()},
}


@pytest.mark.parametrize("wrapping", WRAPPINGS)
def test_torch_files(wrapping: str, state: State, tmp_path: Path) -> None:
    torch.save(WRAPPINGS[wrapping](state), tmp_path / "w.pth")
    check(backbones.create(NAME, str(tmp_path / "w.pth"), 3), state)


def test_safetensors_and_what_is_said_of_the_source(state: State, tmp_path: Path) -> None:
    file = tmp_path / "w.safetensors"
    save_file(state, file)
    network = backbones.create(NAME, file, 3)
    check(network, state)
    source = network.source
    assert (source.kind, source.name, source.location) == ("file", "test_byobnet.r160_in1k", str(file))
    assert source.sha256 is not None
    assert len(source.sha256) == 64
    assert str(source).endswith("(the file states no licence; timm's test_byobnet.r160_in1k has: apache-2.0)")
    assert backbones.WeightSource(**source.to_json()) == source  # type: ignore[arg-type]  # plain values from JSON


def test_a_source_from_scratch_says_so() -> None:
    source = backbones.create(NAME, "none", 3).source
    assert str(source) == "test_byobnet from scratch"
    assert source.licence is None


def test_counters_may_be_absent(state: State, tmp_path: Path) -> None:
    old = {name: value for name, value in state.items() if not name.endswith("num_batches_tracked")}
    save_file(old, tmp_path / "w.safetensors")
    network = backbones.create(NAME, tmp_path / "w.safetensors", 3)
    assert all(torch.equal(network.backbone.state_dict()[name], old[name]) for name in old if "head" not in name)


def test_position_embeddings_are_resampled_to_another_size(tmp_path: Path) -> None:
    torch.manual_seed(0)
    original = timm.create_model("test_vit", num_classes=7)
    state = original.state_dict()
    steps = torch.linspace(-1, 1, 10)  # a ramp over the 10 x 10 patches stays a ramp over 6 x 6
    state["pos_embed"] = state["pos_embed"].clone()
    state["pos_embed"][0, 1:, 0] = steps.repeat_interleave(10)
    save_file(state, tmp_path / "vit.safetensors")
    network = backbones.create("test_vit", tmp_path / "vit.safetensors", 3, size=96)
    made = network.backbone.state_dict()["pos_embed"]
    assert made.shape == (1, 1 + 6 * 6, 64)
    ramp = made[0, 1:, 0].reshape(6, 6)
    assert torch.all(ramp.diff(dim=0) > 0.2)
    assert torch.all(ramp.diff(dim=1).abs() < 1e-5)
    same = backbones.create("test_vit", tmp_path / "vit.safetensors", 3)
    assert torch.equal(same.backbone.state_dict()["pos_embed"], state["pos_embed"])


class Bomb:
    def __init__(self, path: str) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[str, int]]:
        return os.mkdir, (self.path, 0o700)


def test_pickled_code_is_refused_and_not_run(tmp_path: Path) -> None:
    torch.save({"state_dict": Bomb(str(tmp_path / "run"))}, tmp_path / "w.pth")
    with pytest.raises(WeightsError, match="is damaged or holds pickled objects, which are not run; save"):
        backbones.create(NAME, tmp_path / "w.pth", 3)
    assert not (tmp_path / "run").exists()


def write_garbage(path: Path) -> None:
    path.write_bytes(b"\x00garbage" * 20)


def write_nothing(path: Path) -> None:
    path.write_bytes(b"")


def write_list(path: Path) -> None:
    torch.save([torch.ones(2)], path)


def write_numbers(path: Path) -> None:
    torch.save({"state_dict": {"epoch": 1}}, path)


@pytest.mark.parametrize(
    ("name", "write", "words"),
    [
        ("w.safetensors", write_garbage, "cannot be read as weights"),
        ("w.pth", write_garbage, "is damaged or holds pickled objects"),
        ("w.pth", write_nothing, "cannot be read as weights"),
        ("w.pth", write_list, "cannot be read as weights"),
        ("w.pth", write_numbers, "holds no tensors; give a file with a state_dict"),
        ("w.pth", Path.mkdir, "there is no file of weights at"),
        ("w.pth", lambda path: None, "there is no file of weights at"),
    ],
)
def test_unusable_files(name: str, write: Callable[[Path], None], words: str, tmp_path: Path) -> None:
    write(tmp_path / name)
    with pytest.raises(WeightsError) as caught:
        backbones.create(NAME, tmp_path / name, 3)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_truncated_file(state: State, tmp_path: Path) -> None:
    for name, save in (("w.safetensors", save_file), ("w.pth", torch.save)):
        save(state, tmp_path / name)
        whole = (tmp_path / name).read_bytes()
        (tmp_path / name).write_bytes(whole[: len(whole) // 2])
        with pytest.raises(WeightsError, match="cannot be read as weights"):
            backbones.create(NAME, tmp_path / name, 3)


def test_weights_of_another_backbone_are_refused(state: State, tmp_path: Path) -> None:
    save_file(state, tmp_path / "w.safetensors")
    with pytest.raises(WeightsError) as caught:
        backbones.create("test_vit", tmp_path / "w.safetensors", 3)
    words = str(caught.value)
    assert "does not fit the backbone test_vit of" in words
    assert "missing (cls_token, pos_embed, patch_embed.proj.weight, ...)" in words
    assert words.endswith("name the backbone that the file was made for with --backbone")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda state: {k: v for k, v in state.items() if k != "stem.conv.weight"}, "1 missing (stem.conv.weight)"),
        (lambda state: state | {"stem.conv.weight": torch.ones(1, 3, 3, 3)}, "1 of another shape (stem.conv.weight)"),
        (lambda state: state | {f"stages.9.{i}": torch.ones(1) for i in range(40)}, "40 unknown to it (stages.9.0,"),
    ],
)
def test_a_partial_fit_is_refused(change: Callable[[State], State], words: str, state: State, tmp_path: Path) -> None:
    save_file(change(state), tmp_path / "w.safetensors")
    with pytest.raises(WeightsError) as caught:
        backbones.create(NAME, tmp_path / "w.safetensors", 3)
    assert words in str(caught.value)


@pytest.mark.parametrize("name", ["mobilenetv2_100", "vit_tiny_patch16_224"])
def test_the_shared_weights_fit(name: str, shared: Path) -> None:
    network = backbones.create(name, shared / "weights" / f"{name}.safetensors", 3)
    assert network.source.licence == "apache-2.0"
    with torch.no_grad():
        one, two = network.embed(torch.randn(2, 3, 224, 224))
    assert not torch.allclose(one, two, atol=1e-2)
