"""Crop, pad or squash: what shapes are far from the input's, and that the mode which sees the products is taken."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import visionft as vft
from visionft import backbones, data
from visionft.backbones import Network
from visionft.data import Manifest
from visionft.planning import resize_mode
from visionft.planning.choices import Choice
from visionft.planning.plan import make_plan
from visionft.runs import layout
from visionft.runs.learning import learning_of
from visionft.settings import FitSettings, build

FLAGS: dict[str, Any] = {
    "backbone": "visionft_pico", "weights": "hub", "preprocess.size": 32, "method": "head", "hardware.workers": 0,
    "hardware.threads": 1, "hardware.device": "cpu",
}  # fmt: skip


def photos_of(place: Path, sizes: Sequence[tuple[int, int]]) -> Path:
    """Write photos of (height, width) to train on, half of two classes each, and return their manifest."""
    rows = []
    for number, (height, width) in enumerate([*sizes, (10, 10), (10, 10)]):
        Image.new("RGB", (width, height), (number, 0, 0)).save(place / f"{number}.png")
        rows.append(f"{number}.png,{'ab'[number % 2]},{'train' if number < len(sizes) else 'validation'}")
    (place / "photos.csv").write_text("\n".join(["path,label,split", *rows]) + "\n")
    return place / "photos.csv"


@pytest.fixture(scope="module")
def tall(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of 48 strips of 96 by 24 whose class, red or green, shows at one end alone."""
    root, random = tmp_path_factory.mktemp("tall") / "strips", np.random.default_rng(0)
    for number in range(48):
        pixels = random.integers(90, 160, (96, 24, 3)).astype(np.uint8)
        end = slice(2, 22) if random.random() < 0.5 else slice(74, 94)
        pixels[end, 2:22] = ((220, 30, 30), (30, 220, 30))[number % 2]
        if number % 3 == 0:
            pixels = pixels.swapaxes(0, 1)
        (root / ("red", "green")[number % 2]).mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(root / ("red", "green")[number % 2] / f"{number:02}.png")
    return root


def started(photos: Path, **flags: Any) -> tuple[FitSettings, Network, Manifest]:
    settings = build(photos, None, **{**FLAGS, **flags})
    manifest = data.prepare(photos, settings.data)
    network = backbones.create(settings.backbone, settings.weights, 2, size=settings.preprocess.sides)
    return settings, network, manifest


def chosen(photos: Path, said: list[str], **flags: Any) -> Choice:
    settings, network, manifest = started(photos, **flags)
    transform = backbones.preprocess(network, settings.preprocess)
    return resize_mode.choice(settings, network, transform, manifest, said.append)


@pytest.mark.parametrize(
    ("sizes", "size", "share"),
    [
        ([(90, 60)] * 8, (32, 32), 0.0),
        ([(79, 40)] * 8, (32, 32), 0.0),
        ([(80, 40), (40, 80)] * 4, (32, 32), 1.0),
        ([(80, 40), (40, 40), (9, 9), (9, 9)] * 2, (32, 32), 0.25),
        ([(80, 40)] * 8, (64, 32), 0.0),
        ([(40, 40)] * 8, (64, 32), 1.0),
    ],
)
def test_a_photo_is_far_by_the_shape_of_the_input(
    sizes: list[tuple[int, int]], size: tuple[int, int], share: float, tmp_path: Path
) -> None:
    place = photos_of(tmp_path, sizes)
    manifest = data.prepare(place, build(place, None).data)
    assert resize_mode.far_share(manifest, size) == share


@pytest.mark.parametrize(
    ("sizes", "flags", "mode", "reason"),
    [
        ([(90, 60)] * 8, {}, "crop", "0% of the photos are at least 2 times as long .*; from 10% on, the modes are"),
        ([(90, 30)] * 8, {"preprocess.crop_pct": 0.9}, "crop", "--preprocess.crop-pct is given"),
        ([(90, 30)] * 8, {"weights": "none"}, "crop", "100% of the photos .* nothing is pretrained to compare"),
    ],
)
def test_nothing_is_compared_where_it_could_not_matter(
    sizes: list[tuple[int, int]], flags: dict[str, Any], mode: str, reason: str, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(resize_mode, "compare", lambda *_: pytest.fail("compared"))
    said: list[str] = []
    made = chosen(photos_of(tmp_path, sizes), said, **flags)
    assert (made.setting, made.value, said) == ("preprocess.mode", mode, [])
    assert re.search(reason, made.reason)


def test_features_that_cannot_be_compared_leave_the_crop(
    tall: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VISIONFT_CACHE", str(tmp_path))
    monkeypatch.setattr(
        resize_mode, "_features", lambda _, network, photos, __: np.full((len(photos), network.features), np.nan)
    )
    made = chosen(tall, [])
    assert made.value == "crop"
    assert "cannot tell which mode is better" in made.reason


def test_the_mode_that_sees_the_products_is_planned(
    tall: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VISIONFT_CACHE", str(tmp_path))
    settings, network, manifest = started(tall)
    said: list[str] = []
    plan = make_plan(settings, manifest, said.append)
    mode = plan.settings.preprocess.mode
    assert plan.preprocess.resize == {"pad": "longest", "squash": "squash"}[mode]
    [line] = [line for line in said if line.startswith(f"preprocess.mode: {mode}; 100% of the photos")]
    assert re.search(r"on \d+ validation photos: crop [\d.]+%, pad 100.0%, squash 100.0%$", line)
    assert any(choice.setting == "preprocess.mode" and choice.reason in line for choice in plan.choices)
    for name, value in plan.network.state_dict().items():  # it comes back from the comparison as it went
        assert torch.equal(network.state_dict()[name], value)
        assert value.stride() == network.state_dict()[name].stride()
    monkeypatch.setattr(resize_mode, "compare", lambda *_: pytest.fail("compared again"))
    assert make_plan(settings, manifest, said.append).settings.preprocess.mode == mode


@pytest.mark.slow
def test_the_mode_is_taken_from_the_fit_to_the_bundle(tall: Path, tmp_path: Path) -> None:
    said: list[str] = []
    run = vft.fit(tall, out=tmp_path / "run", say=said.append, **FLAGS)
    assert run.settings.preprocess.mode in ("pad", "squash")
    assert run.preprocess.resize == {"pad": "longest", "squash": "squash"}[run.settings.preprocess.mode]
    [line] = [line for line in said if line.startswith("preprocess.mode: ")]
    for mode in resize_mode.MODES:
        assert f"{mode} " in line
    choices = {one["setting"]: one for one in json.loads((run.path / layout.CHOICES).read_text())["choices"]}
    assert choices["preprocess.mode"]["reason"] in line
    assert run.result["val"]["top1"] == 1.0
    assert vft.export(run).agreement == 1.0
    cropped = vft.fit(tall, out=tmp_path / "crop", say=said.append, **FLAGS, **{"preprocess.mode": "crop"})
    assert cropped.result["val"]["top1"] < 1.0


def test_of_many_photos_some_are_compared(tall: Path) -> None:
    rows = data.prepare(tall, build(tall, None).data).rows("train")
    some = resize_mode._some(rows, learning_of("regression"), 0, 8)
    assert len(some) == 8
    assert set(some.paths) < set(rows.paths)
    assert resize_mode._some(rows, learning_of("regression"), 0, len(rows)) is rows


def test_no_label_of_any_column_is_missed() -> None:
    labels = np.array([[0, -1], [0, 0], [1, -1], [0, 0], [2, 1]])
    assert resize_mode.covering(labels, np.array([1, 3])).tolist() == [0, 1, 2, 3, 4]
    assert resize_mode.covering(labels, np.array([2, 4])).tolist() == [0, 1, 2, 4]
    assert resize_mode.covering(np.array([3, 3, 7]), np.array([1])).tolist() == [1, 2]
    assert resize_mode.covering(np.array([0.5, 2.0]), np.array([1])).tolist() == [1]


def test_what_takes_too_many_photos_is_not_compared(
    tall: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VISIONFT_CACHE", str(tmp_path))
    monkeypatch.setattr(resize_mode, "compare", lambda *_: pytest.fail("compared"))
    monkeypatch.setattr(resize_mode, "MOST", {"train": 8, "validation": 1})  # of each class 16 photos are drawn
    made = chosen(tall, [])
    assert made.value == "crop"
    assert re.search(r"with some of every class \d+ would be compared, which is too many$", made.reason)


def test_a_head_of_several_is_solved_with_every_class_of_it(
    tall: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VISIONFT_CACHE", str(tmp_path))
    monkeypatch.setattr(resize_mode, "MOST", {"train": 8, "validation": 4})
    photos = sorted(tall.rglob("*.png"))
    rare = {photos[0]: "new", photos[1]: "worn", photos[24]: "new", photos[25]: "worn", photos[2]: "mended"}
    lines = [
        f"{photo},{photo.parent.name},{rare.get(photo, '')},{'validation' if at % 24 in (1, 0) and at > 1 else 'train'}"
        for at, photo in enumerate(photos)
    ]
    (tmp_path / "photos.csv").write_text("\n".join(["path,colour,state,split", *lines]) + "\n")
    said: list[str] = []
    settings = build(tmp_path / "photos.csv", None, **FLAGS, task="multihead", **{"data.label_column": "colour,state"})
    plan = make_plan(settings, data.prepare(settings.photos, settings.data, task="multihead"), said.append)
    assert plan.settings.preprocess.mode in resize_mode.MODES
    assert any("crop, pad" in line or "crop " in line for line in said if line.startswith("preprocess.mode: "))


@pytest.mark.slow
@pytest.mark.parametrize("task", ["regression", "multilabel", "hierarchical", "retrieval", "multihead"])
def test_every_task_compares_by_its_own_score(task: str, tall: Path, tmp_path: Path) -> None:
    labels = {
        "regression": {"red": "1.5", "green": "-3"},
        "multilabel": {"red": "warm;mark", "green": "mark"},
        "hierarchical": {"red": "mark/red", "green": "mark/green"},
        "retrieval": {"red": "red", "green": "green"},
        "multihead": {"red": "red,warm", "green": "green,cold"},
    }[task]
    head = "path,label,feel" if task == "multihead" else "path,label"
    flags = {**FLAGS, **({"data.label_column": "label,feel"} if task == "multihead" else {})}
    rows = [f"{photo},{labels[photo.parent.name]}" for photo in sorted(tall.rglob("*.png"))]
    (tmp_path / "photos.csv").write_text("\n".join([head, *rows]) + "\n")
    said: list[str] = []
    run = vft.fit(tmp_path / "photos.csv", out=tmp_path / "run", task=task, say=said.append, **flags)
    assert run.settings.preprocess.mode in ("pad", "squash")
    assert any(line.startswith("preprocess.mode: ") and "squash" in line for line in said)
