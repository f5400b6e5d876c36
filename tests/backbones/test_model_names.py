"""Names of folders and of repositories are understood as timm does; what cannot be had is one sentence."""

from __future__ import annotations

import json
import shutil
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import huggingface_hub
import pytest
import timm
import torch
from huggingface_hub import constants, errors
from safetensors.torch import save_file

import visionft as vft
from visionft import backbones
from visionft.backbones import WeightSource
from visionft.backbones.model_names import same_backbone, slug
from visionft.errors import BackboneError, WeightsError
from visionft.runs import Run

NAME = "test_resnet"
STD = (0.21, 0.22, 0.23)


def saved(folder: Path, name: str = NAME, **arguments: Any) -> Path:
    """Save a model as timm's own `save_for_hf` does, with another deviation than its own."""
    torch.manual_seed(2)
    model = timm.create_model(name, num_classes=5, **arguments)
    model.pretrained_cfg = {**model.pretrained_cfg, "std": STD}
    timm.models.save_for_hf(model, folder, model_args=arguments or None, safe_serialization=True)
    return folder


def test_one_backbone_by_several_names() -> None:
    torch.manual_seed(0)
    plain = backbones.create("test_resnet.r160_in1k", "none", 3)
    for name in (
        "timm/test_resnet.r160_in1k",
        "hf-hub:timm/test_resnet.r160_in1k",
        "HF_HUB:timm/test_resnet.r160_in1k",
    ):
        torch.manual_seed(0)
        other = backbones.create(name, "none", 3)
        assert other.source == plain.source
        assert all(torch.equal(a, b) for a, b in zip(plain.parameters(), other.parameters(), strict=True))


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("mobilenetv2_100.ra_in1k", "mobilenetv2_100"), ("timm/resnet18.a1_in1k", "resnet18"),
        ("hf-hub:owner/some-model@v2", "some-model"), ("local-dir:a/b/", "b"), ("hf_hub:timm/resnet18", "resnet18"),
    ],
)  # fmt: skip
def test_a_folder_of_runs_has_a_word_for_it(name: str, word: str) -> None:
    assert slug(name) == word


def test_two_folders_are_two_backbones() -> None:
    assert same_backbone("resnet18.a1_in1k", "timm/resnet18.tv_in1k")
    assert not same_backbone("local-dir:./a", "local-dir:./b")
    assert not same_backbone("local-dir:resnet18", "resnet18")


@pytest.mark.parametrize("head", ["linear", "mlp"])
def test_a_folder_that_timm_saved(tmp_path: Path, head: Any) -> None:
    folder = saved(tmp_path / "mine", "test_vit", img_size=96)
    network = backbones.create(f"local-dir:{folder}", "hub", 3, head)
    source = network.source
    assert network.input_size == (96, 96)
    assert backbones.preprocess(network, vft.settings.fit.PreprocessSettings()).std == STD
    assert (source.kind, source.location) == ("file", str(folder / "model.safetensors"))
    state, kept = network.backbone.state_dict(), timm.create_model("test_vit", num_classes=5, img_size=96)
    kept.load_state_dict(timm.models.load_state_dict(str(folder / "model.safetensors")))
    assert all(torch.equal(state[name], value) for name, value in kept.state_dict().items() if name in state)
    assert WeightSource(**json.loads(json.dumps(source.to_json()))) == source
    shutil.rmtree(folder)
    again = backbones.structure(network.name, 3, head, model=source.model)
    assert {name: value.shape for name, value in again.state_dict().items()} == {
        name: value.shape for name, value in network.state_dict().items()
    }


@pytest.mark.slow
def test_a_run_needs_the_folder_no_more_and_a_bundle_does_not_name_it(
    tmp_path: Path, shapes: Path, small: dict[str, Any]
) -> None:
    folder = saved(tmp_path / "secret" / "mine")
    flags = {**small, "backbone": f"local-dir:{folder}", "weights": "auto"}
    said: list[str] = []
    run = vft.fit(shapes, out=tmp_path / "run", say=said.append, **flags)
    assert run.preprocess.std == STD
    assert any(line.startswith(f"weights: {folder}") for line in said)
    assert not any("weights = " in line for line in said)
    shutil.rmtree(folder)
    assert vft.evaluate(run.path).metrics.n > 0
    assert vft.export(run.path, tmp_path / "bundle").agreement == 1.0
    record = (tmp_path / "bundle" / "bundle.json").read_text()
    assert json.loads(record)["backbone"] == "test_resnet.r160_in1k"
    assert "secret" not in record + (tmp_path / "bundle" / "README.md").read_text()
    assert b"secret" not in (tmp_path / "bundle" / "model.onnx").read_bytes()
    child = vft.fit(shapes, out=tmp_path / "child", say=said.append, from_run=run.path, **{**flags, "weights": "auto"})
    assert Run.open(child.path).network().pretrained_cfg["architecture"] == NAME


def test_weights_in_shards_or_elsewhere(tmp_path: Path) -> None:
    folder = saved(tmp_path / "mine")
    (folder / "model.safetensors").rename(tmp_path / "other.safetensors")
    with pytest.raises(
        WeightsError, match=r"mine has no model.safetensors or pytorch_model.bin; put one there, or name"
    ):
        backbones.create(f"local-dir:{folder}", "hub", 3)
    named = backbones.create(f"local-dir:{folder}", str(tmp_path / "other.safetensors"), 3)
    state = timm.models.load_state_dict(str(tmp_path / "other.safetensors"))
    save_file(state, folder / "part.safetensors")
    index = {"weight_map": dict.fromkeys(state, "part.safetensors")}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    sharded = backbones.create(f"local-dir:{folder}", "hub", 3)
    assert all(torch.equal(a, b) for a, b in zip(named.parameters(), sharded.parameters(), strict=True))


def config(text: str) -> Callable[[Path], object]:
    return lambda folder: (folder / "config.json").write_text(text)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (shutil.rmtree, r"mine is no folder; give local-dir:FOLDER with a config.json of timm and model.safetensors"),
        (lambda folder: (folder / "config.json").unlink(), r"mine has no config.json; give local-dir:FOLDER with a"),
        (config("{"), r"mine/config.json is none of timm's \(JSONDecodeError: .*\); give local-dir"),
        (config("[]"), r"mine/config.json is none of timm's \(TypeError: .*\); give local-dir"),
        (
            config('{"architecture": "test_resnet", "model_args": {"in_chans": 4}}'),
            "pictures of other than 3 channels; nam",
        ),
        (config('{"architecture": "resnet81"}'), r"its config.json names 'resnet81', which timm has not; did you mean"),
        (
            config('{"architecture": "test_resnet", "model_args": {"wings": 2}}'),
            r"timm cannot make local-dir:.* with wings=2 \(.*unexpected keyword argument 'wings'\); keep its size or",
        ),
    ],
)
def test_folders_that_are_none(tmp_path: Path, spoil: Callable[[Path], object], words: str) -> None:
    folder = saved(tmp_path / "mine")
    spoil(folder)
    with pytest.raises(BackboneError, match=words) as caught:
        backbones.create(f"local-dir:{folder}", "hub", 3)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["owner/model", "s3:bucket", "local-dir:", "C:\\models\\mine"])
def test_places_without_a_source_are_told_how_to_name_it(name: str) -> None:
    with pytest.raises(BackboneError, match=r"is given as hf-hub:OWNER/NAME, a folder with a config\.json as local"):
        backbones.create(name, "hub", 3)


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """An empty cache, and a hub that answers."""
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(huggingface_hub, "try_to_load_from_cache", lambda *_, **__: None)
    monkeypatch.setattr("visionft.backbones.hub._ask", lambda *_: None)
    return monkeypatch


def answering(error: Exception) -> Callable[..., None]:
    def answer(*_: object, **__: object) -> None:
        raise error

    return answer


def refusal(kind: type[Exception]) -> Exception:
    made = kind.__new__(kind)
    Exception.__init__(made, "404 Client Error\nfor url")
    return made


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (refusal(errors.RepositoryNotFoundError), "the hub has no repository owner/name that is open to everybody, or"),
        (refusal(errors.RevisionNotFoundError), "the hub has no repository owner/name that is open to everybody, or"),
        (refusal(errors.EntryNotFoundError), "owner/name of the hub has no config.json, so it is none of timm's; conn"),
        (ConnectionResetError("reset\nby peer"), r"config.json of hf-hub:owner/name cannot be fetched \(reset\); conn"),
    ],
)
def test_what_the_hub_refuses(hub: pytest.MonkeyPatch, error: Exception, words: str) -> None:
    hub.setattr(huggingface_hub, "hf_hub_download", answering(error))
    with pytest.raises(WeightsError, match=words) as caught:
        backbones.create("hf-hub:owner/name", "hub", 3)
    assert "\n" not in str(caught.value)


def test_a_hub_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(urllib.request, "urlopen", answering(urllib.error.URLError("Name or service not known")))
    with pytest.raises(WeightsError, match=r"the hub with hf-hub:owner/name is out of reach \(.*not known\); connect"):
        backbones.create("hf_hub:owner/name", "hub", 3)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(WeightsError, match="HF_HUB_OFFLINE is set and the cache has no hf-hub:owner/name; connect"):
        backbones.create("hf_hub:owner/name", "hub", 3)
    with pytest.raises(WeightsError, match="'a/b/c' is no name of a repository; give hf-hub:OWNER/NAME"):
        backbones.create("hf-hub:a/b/c", "hub", 3)


def test_a_repository_in_the_cache_needs_no_network(hub: pytest.MonkeyPatch, tmp_path: Path) -> None:
    folder, asked = saved(tmp_path / "snapshot"), list[tuple[Any, ...]]()

    def in_cache(repository: str, file: str, revision: str | None = None) -> str:
        asked.append((repository, file, revision))
        return str(folder / file)

    hub.setattr(huggingface_hub, "try_to_load_from_cache", in_cache)
    hub.setattr(urllib.request, "urlopen", answering(urllib.error.URLError("no network")))
    network = backbones.create("hf-hub:owner/name@v2", "hub", 3)
    assert asked[0] == ("owner/name", "config.json", "v2")
    assert (network.source.kind, network.source.location) == ("hub", "owner/name@v2")
    assert str(network.source).startswith("owner/name@v2 (licence: ")


def test_a_repository_is_fetched_file_by_file(hub: pytest.MonkeyPatch, tmp_path: Path) -> None:
    folder = saved(tmp_path / "remote")
    (folder / "model.safetensors").rename(folder / "weights.bin")
    local = tmp_path / "local"
    local.mkdir()

    def download(repository: str, file: str, revision: str | None = None) -> str:
        found = {"config.json": "config.json", "pytorch_model.bin": "weights.bin"}.get(file)
        if found is None:
            raise refusal(errors.EntryNotFoundError)
        return str(shutil.copy(folder / found, local / file))

    hub.setattr(huggingface_hub, "hf_hub_download", download)
    network = backbones.create("hf-hub:owner/name", "hub", 3)
    assert sorted(path.name for path in local.iterdir()) == ["config.json", "pytorch_model.bin"]
    assert network.source.location == "owner/name"
