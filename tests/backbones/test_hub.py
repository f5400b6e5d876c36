"""The hub: cached weights need no network, and one that does not answer is one clear sentence, soon."""

import urllib.error
import urllib.request
from pathlib import Path

import huggingface_hub
import pytest
import timm
import torch
from huggingface_hub import constants
from safetensors.torch import save_file

from visionft import backbones
from visionft.backbones import hub
from visionft.backbones.model_names import registered
from visionft.errors import WeightsError

NAME = "test_vit"


@pytest.fixture
def empty_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(huggingface_hub, "try_to_load_from_cache", lambda *_: None)
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))


def refuse(*_: object, **__: object) -> None:
    raise urllib.error.URLError("Name or service not known")


@pytest.mark.usefixtures("empty_cache")
def test_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(urllib.request, "urlopen", refuse)
    with pytest.raises(WeightsError) as caught:
        backbones.create(NAME, "hub", 3)
    words = str(caught.value)
    assert words.startswith("the hub with the pretrained weights of test_vit is out of reach (")
    assert f"Name or service not known); {hub.WAY_OUT}" in words
    assert hub.WAY_OUT.endswith("or take --backbone visionft_pico, which brings its own")
    assert "\n" not in words


@pytest.mark.usefixtures("empty_cache")
def test_offline_by_choice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(WeightsError, match="HF_HUB_OFFLINE is set and the cache has no pretrained weights of"):
        backbones.create(NAME, "hub", 3)


@pytest.mark.usefixtures("empty_cache")
def test_a_download_that_breaks_off(monkeypatch: pytest.MonkeyPatch) -> None:
    def break_off(*_: object, **__: object) -> None:
        raise OSError("connection reset\nby peer")

    monkeypatch.setattr(hub, "_require_answer", lambda *_: None)
    monkeypatch.setattr(timm, "create_model", break_off)
    with pytest.raises(WeightsError, match=r"weights of test_vit cannot be loaded \(connection reset\); connect"):
        backbones.create(NAME, "hub", 3)


def test_a_backbone_without_weights_of_its_own() -> None:
    name = "vit_base_patch32_plus_256"
    assert not registered(name).has_weights
    with pytest.raises(WeightsError, match=f"timm has no pretrained weights for {name}; name another --backbone"):
        backbones.create(name, "hub", 3)


@pytest.mark.parametrize("size", [None, 96])
def test_cached_weights_need_no_network(size: int | None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    torch.manual_seed(0)
    state = timm.create_model(NAME).state_dict()
    save_file(state, tmp_path / "model.safetensors")

    def in_cache(repo: str, file: str) -> str | None:
        assert repo == "timm/test_vit.r160_in1k"
        return str(tmp_path / file) if file == "model.safetensors" else None

    monkeypatch.setattr(huggingface_hub, "try_to_load_from_cache", in_cache)
    monkeypatch.setattr(urllib.request, "urlopen", refuse)
    network = backbones.create(NAME, "hub", 3, size=size)
    loaded = network.backbone.state_dict()
    assert all(torch.equal(loaded[name], state[name]) for name in loaded if name != "pos_embed")
    assert (loaded["pos_embed"].shape == state["pos_embed"].shape) == (size is None)
    assert str(network.source) == "timm/test_vit.r160_in1k (licence: apache-2.0)"
    assert network.source.sha256 is not None
