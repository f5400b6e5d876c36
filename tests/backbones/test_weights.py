"""Weights from files: exact, whole, without pickle; and every way in which they may not fit."""

import argparse
import datetime as dt
import json
import os
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path, PurePosixPath

import numpy as np
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


def prefixed(prefix: str, state: State) -> State:
    return {f"{prefix}{name}": value for name, value in state.items()}


def moved(state: State) -> State:
    return {name: value + 1 for name, value in state.items()}


WRAPPINGS: dict[str, Callable[[State], object]] = {
    "plain": lambda state: state,
    "nested": lambda state: {"state_dict": state, "epoch": 3},
    "model": lambda state: {"model": state},
    "averaged first": lambda state: {"state_dict": {k: v + 1 for k, v in state.items()}, "state_dict_ema": state},
    "data parallel": lambda state: {f"module.{name}": value for name, value in state.items()},
    "Lightning": lambda state: {"state_dict": {f"model.{k}": v for k, v in state.items()} | {"loss.w": torch.ones(2)}},
    "a run of ours": lambda state: {f"backbone.{k}": v for k, v in state.items()} | {"head.weight": torch.ones(2, 2)},
    "twice wrapped": lambda state: {f"model.backbone.{name}": value for name, value in state.items()},
    **{
        key: partial(lambda key, state: {key: state, "epoch": 3}, key)
        for key in ("model_state_dict", "net", "module", "ema", "weights", "params_ema", "0")
    },
    **{
        f"behind {prefix}": partial(prefixed, prefix)
        for prefix in ("net.", "timm_model.", "student.", "0.", "a.b.c.", "model.module.timm_model.", "_orig_mod.")
    },
    "a key and a prefix": lambda state: {"checkpoint": {"model": prefixed("student.backbone.", state)}},
    "smoothed beside": lambda state: {"model": moved(state), "ema": {"module": state}},
    "smoothed prefix": lambda state: prefixed("student.", moved(state)) | prefixed("teacher.", state),
    "twice the same": lambda state: {"model": state, "best": dict(state)},
    "an optimizer beside": lambda state: {"net": state, "optimizer": {"state": {0: {"exp_avg": torch.ones(9)}}}},
    "compiled in part": lambda state: {k.replace("stages.", "stages._orig_mod."): v for k, v in state.items()},
    "parameters": lambda state: {name: torch.nn.Parameter(v, False) for name, v in state.items()},
    "paths and options": lambda state: {
        "state_dict": state,
        "args": argparse.Namespace(out=Path("runs"), here=PurePosixPath("a")),
        "when": dt.datetime(2026, 1, 1, tzinfo=dt.UTC),
        "best": np.float64(0.5),
    },
}


@pytest.mark.parametrize("wrapping", WRAPPINGS)
def test_torch_files(wrapping: str, state: State, tmp_path: Path) -> None:
    torch.save(WRAPPINGS[wrapping](state), tmp_path / "w.pth")
    check(backbones.create(NAME, str(tmp_path / "w.pth"), 3), state)


def test_a_torch_file_of_the_old_format_with_a_path_in_it(state: State, tmp_path: Path) -> None:
    made = {"net": state, "data": tmp_path, "options": argparse.Namespace(lr=0.1)}
    torch.save(made, tmp_path / "w.pth", _use_new_zipfile_serialization=False)
    check(backbones.create(NAME, tmp_path / "w.pth", 3), state)


def test_the_kind_of_a_file_is_told_by_what_it_holds(state: State, tmp_path: Path) -> None:
    save_file(state, tmp_path / "w.pth")
    check(backbones.create(NAME, tmp_path / "w.pth", 3), state)
    torch.save({"model": state}, tmp_path / "w.safetensors")
    check(backbones.create(NAME, tmp_path / "w.safetensors", 3), state)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_other_floating_point_types(dtype: torch.dtype, state: State, tmp_path: Path) -> None:
    other = {name: value.to(dtype) if value.is_floating_point() else value for name, value in state.items()}
    save_file(other, tmp_path / "w.safetensors")
    loaded = backbones.create(NAME, tmp_path / "w.safetensors", 3).backbone.state_dict()
    assert {value.dtype for value in loaded.values()} == {torch.float32, torch.int64}
    assert all(torch.equal(value, other[name].to(value.dtype)) for name, value in loaded.items())


def test_weights_in_shards(state: State, tmp_path: Path) -> None:
    names = sorted(state)
    places = {name: f"model-{1 + i % 2:05}-of-00002.safetensors" for i, name in enumerate(names)}
    for file in sorted(set(places.values())):
        save_file({name: state[name] for name in names if places[name] == file}, tmp_path / file)
    index = tmp_path / "model.safetensors.index.json"
    index.write_text(json.dumps({"metadata": {}, "weight_map": places}))
    check(backbones.create(NAME, index, 3), state)
    with pytest.raises(WeightsError, match=r"it is part 2 of 2: give model.safetensors.index.json, which names them"):
        backbones.create(NAME, tmp_path / "model-00002-of-00002.safetensors", 3)
    index.write_text(json.dumps({"weight_map": places | {"another": places[names[0]]}}))
    with pytest.raises(WeightsError, match=r"names tensors that its shards lack \(another\); fetch the shards again"):
        backbones.create(NAME, index, 3)


@pytest.mark.parametrize(("value", "dtype"), [("nan", torch.float32), ("inf", torch.float16), ("-inf", torch.bfloat16)])
def test_weights_that_are_not_finite_are_refused_by_name(
    value: str, dtype: torch.dtype, state: State, tmp_path: Path
) -> None:
    bad = state["stem.conv.weight"].clone().to(dtype)
    bad.view(-1)[:2] = float(value)
    save_file(state | {"stem.conv.weight": bad}, tmp_path / "w.safetensors")
    words = rf"w.safetensors holds weights that are not finite \(2 of {bad.numel()} numbers of stem.conv.weight are NaN"
    with pytest.raises(WeightsError, match=words) as caught:
        backbones.create(NAME, tmp_path / "w.safetensors", 3)
    assert "\n" not in str(caught.value)


def test_a_classifier_that_is_not_finite_is_left_out_like_any_other(state: State, tmp_path: Path) -> None:
    save_file(state | {"head.fc.bias": torch.full((7,), float("nan"))}, tmp_path / "w.safetensors")
    check(backbones.create(NAME, tmp_path / "w.safetensors", 3), state)


def test_whole_numbers_in_place_of_weights_are_refused(state: State, tmp_path: Path) -> None:
    save_file(state | {"stem.conv.weight": state["stem.conv.weight"].to(torch.int8)}, tmp_path / "w.safetensors")
    with pytest.raises(WeightsError, match=r"is quantised: stem.conv.weight holds int8 instead of floating-point"):
        backbones.create(NAME, tmp_path / "w.safetensors", 3)


def test_two_sets_of_weights_that_fit_are_refused(state: State, tmp_path: Path) -> None:
    torch.save({"encoder_q": state, "encoder_k": moved(state)}, tmp_path / "w.pth")
    with pytest.raises(WeightsError, match=r"two sets of weights that fit \(encoder_q and encoder_k\); save one of"):
        backbones.create(NAME, tmp_path / "w.pth", 3)


def test_low_rank_updates_alone_are_named(state: State, tmp_path: Path) -> None:
    save_file({f"base_model.model.{n}.lora_A.weight": torch.ones(2, 2) for n in state}, tmp_path / "a.safetensors")
    with pytest.raises(WeightsError, match="it holds low-rank updates alone: give the weights that they were merged"):
        backbones.create(NAME, tmp_path / "a.safetensors", 3)


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


def write_text(text: str, encoding: str = "utf-8") -> Callable[[Path], object]:
    return lambda path: path.write_bytes(text.encode(encoding))


def write_program(path: Path) -> None:
    with warnings.catch_warnings(action="ignore"):  # torch says that it goes out of use
        torch.jit.save(torch.jit.trace(torch.nn.Linear(2, 2), torch.ones(1, 2)), path)


def write_object(path: Path) -> None:
    torch.save(torch.nn.Linear(2, 2), path)


def write_folder(path: Path) -> None:
    path.mkdir()
    (path / "model.safetensors").touch()


@pytest.mark.parametrize(
    ("name", "write", "words"),
    [
        ("w.safetensors", write_garbage, "cannot be read as weights"),
        ("w.pth", write_garbage, "cannot be read as weights (it is neither a safetensors nor a torch file); fetch"),
        ("w.pth", write_nothing, "cannot be read as weights (it is empty); fetch or save it again"),
        ("w.pth", write_list, "cannot be read as weights (it holds a list, not tensors by name); save a state_dict()"),
        ("w.pth", write_numbers, "holds no tensors; give a file with a state_dict"),
        ("w.pth", write_text("<!DOCTYPE html>"), "is a page of the web or XML, as a failed download leaves it, not"),
        ("w.pth", write_text("version https://git-lfs.github.com/spec/v1"), "is a pointer of Git LFS"),
        (
            "w.safetensors",
            write_text("\x89HDF\r\n", "latin-1"),
            "is an HDF5 file, as Keras writes it, not weights;",
        ),
        ("w.json", write_text('{"weight_map": 3}'), "is JSON without a `weight_map`, not weights; give a safetensors"),
        (
            "w.json",
            write_text('{"weight_map": {"a": "../b"}}'),
            "names '../b' as a shard; give an index that",
        ),
        ("w.json", write_text('{"weight_map": {"a": "w.json"}}'), "names 'w.json' as a shard; give an index that"),
        ("w.json", write_text('{"weight_map": {"a": "b.bin"}}'), "names the shard b.bin, which is not there; fetch it"),
        ("w.pth", write_program, "is a TorchScript archive, which is a program; save the state_dict() of its model"),
        (
            "w.pth",
            write_object,
            "holds a pickled Python object, which is not run; save its state_dict() as safetensors",
        ),
        ("w.pth", Path.mkdir, "which is a folder; give a safetensors or torch file with --weights"),
        ("w.pth", write_folder, "which is a folder with model.safetensors in it; give a safetensors or torch file"),
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
