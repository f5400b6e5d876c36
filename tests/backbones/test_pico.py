"""visionft_pico: known to timm, small, its weights in the package and taken where no hub answers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import timm
import torch
from huggingface_hub import constants
from safetensors.torch import load_file
from torch.nn import functional as F

from visionft import backbones
from visionft.backbones import pico
from visionft.methods import edit
from visionft.settings import LoraMethod


@pytest.fixture
def no_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)


def test_it_is_small() -> None:
    network = backbones.create(pico.NAME, "none", 7)
    size = sum(parameter.numel() for parameter in network.backbone.parameters())
    assert (network.features, network.input_size, size) == (128, (128, 128), 1_158_208)
    assert network(torch.zeros(2, 3, 128, 128)).shape == (2, 7)
    assert edit(network, LoraMethod()) is not None
    assert pico.WEIGHTS.stat().st_size < 2_500_000


def test_its_licence_and_its_card_lie_beside_it() -> None:
    texts = [pico.WEIGHTS.with_name(name).read_text(encoding="utf-8") for name in ("LICENSE", "CARD.md")]
    licence, card = (" ".join(text.split()) for text in texts)
    for source in ("mobilenetv2_100", "Grocery Store Dataset", "lothing dataset"):
        assert source in licence
        assert source in card
    assert "Copyright (c) 2019 Marcus Klasson" in licence  # the MIT licence asks for it


@pytest.mark.usefixtures("no_hub")
def test_its_weights_come_with_the_package() -> None:
    network = backbones.create(pico.NAME, "hub", 7)
    assert (network.source.kind, network.source.licence) == ("package", "apache-2.0")
    assert str(network.source) == "visionft_pico, part of visionft (licence: apache-2.0)"
    assert network.source.sha256 == backbones.sha256(pico.WEIGHTS)

    state, kept = network.backbone.state_dict(), load_file(pico.WEIGHTS)
    assert state.keys() == kept.keys()
    assert all(torch.equal(state[name], value.to(state[name].dtype)) for name, value in kept.items())
    by_timm = timm.create_model(pico.NAME, pretrained=True, num_classes=0).eval()
    photo = torch.rand(1, 3, 128, 128)
    assert torch.equal(by_timm(photo), network.backbone(photo))


@pytest.mark.usefixtures("no_hub")
@torch.inference_mode()
def test_it_takes_other_sizes_and_knows_a_photo_again() -> None:
    photos = torch.randn(8, 3, 6, 6, generator=torch.Generator().manual_seed(0))
    ends = []
    for size in (128, 160):
        network = backbones.create(pico.NAME, "hub", 7, size=size)
        found = network.embed(F.interpolate(photos, (size, size), mode="bicubic"))
        ends.append(F.normalize(found - found.mean(0), dim=1))
    assert (ends[0] @ ends[1].T).argmax(1).tolist() == list(range(8))


def test_its_first_stages_are_its_teachers(shared: Path) -> None:
    teacher = load_file(shared / "weights" / f"{pico.TEACHER}.safetensors")
    kept = load_file(pico.WEIGHTS)
    stem = {name.removeprefix("patch_embed.backbone."): value for name, value in kept.items() if "backbone" in name}
    assert len(stem) > 100
    for name, value in stem.items():
        assert torch.equal(value, teacher[name].to(value.dtype)), name


@pytest.mark.slow
def test_a_fit_takes_it_where_no_hub_answers(shapes: Path, tmp_path: Path) -> None:
    words = ["fit", shapes, "--out", tmp_path / "run", "--method", "head", "--hardware.device", "cpu"]
    told = subprocess.run(
        [sys.executable, "-m", "visionft", *map(str, words)],
        env={**os.environ, "HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path / "empty")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 0, told.stderr
    assert "which brings its own; now visionft_pico is taken, which knows less" in told.stdout
    record = json.loads((tmp_path / "run" / "choices.json").read_text())
    assert (record["weights"]["name"], record["weights"]["kind"]) == ("visionft_pico", "package")
    assert json.loads((tmp_path / "run" / "result.json").read_text())["val"]["top1"] > 0.6
