"""The sample catalogue is what it claims to be: the same every time, read by shape and not by colour."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import nn

SCRIPT = Path(__file__).resolve().parents[2] / "examples" / "catalogue" / "render.py"
KINDS = ["backpack", "bottle", "chair", "headphones", "lamp", "mug", "shoe", "teapot", "umbrella", "watch"]
# What the demo promises: colour tells little, a small net from scratch falls short, transfer does not.
COLOUR_AT_MOST, SCRATCH_AT_MOST, TRANSFER_AT_LEAST = 0.40, 0.80, 0.90


def render(out: Path, *flags: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, str(SCRIPT), str(out), *flags], capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def few(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("few")
    answer = render(out, "--photos-per-sku", "2")
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout == f"{out}: 180 photos, 180 of them new\n"
    return out


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("whole")
    answer = render(out)
    assert answer.returncode == 0, answer.stderr
    return out


def photos(root: Path) -> list[Path]:
    return sorted(path for path in root.rglob("*") if path.is_file())


def labels(files: list[Path]) -> NDArray[np.int64]:
    return np.array([KINDS.index(path.parts[-3]) for path in files])


def held_out(files: list[Path]) -> NDArray[np.bool_]:
    """Three SKUs of each kind's nine are for the test."""
    return np.array([int(path.parts[-2][-2:]) <= 3 for path in files])


@pytest.mark.slow
def test_every_kind_has_nine_skus_of_two_views(few: Path) -> None:
    files = photos(few)

    assert {path.suffix for path in files} == {".jpg"}
    assert Counter(path.parts[-3] for path in files) == dict.fromkeys(KINDS, 18)
    assert set(Counter(path.parent for path in files).values()) == {2}


@pytest.mark.slow
def test_photos_are_rgb_jpegs_of_many_sizes_and_shapes(few: Path) -> None:
    sizes = []
    for path in photos(few):
        with Image.open(path) as photo:
            photo.load()
            assert (photo.format, photo.mode) == ("JPEG", "RGB")
            sizes.append(photo.size)
    long, short = np.max(sizes, axis=1), np.min(sizes, axis=1)

    assert long.min() >= 240
    assert long.max() <= 640
    # A pixel of rounding on either side of 3:4.
    assert (short >= 0.75 * long - 1).all()
    assert len(set(sizes)) > 90
    assert {np.sign(width - height) for width, height in sizes} == {-1, 0, 1}


@pytest.mark.slow
def test_a_second_call_renders_only_what_is_missing_or_broken_and_the_same_bytes(few: Path, tmp_path: Path) -> None:
    out = Path(shutil.copytree(few, tmp_path / "again"))
    gone, broken = out / "mug" / "mug-01", photos(out / "watch")[0]
    shutil.rmtree(gone)
    broken.write_bytes(b"no picture")

    assert render(out, "--photos-per-sku", "2").stdout == f"{out}: 180 photos, 3 of them new\n"
    assert [path.read_bytes() for path in photos(out)] == [path.read_bytes() for path in photos(few)]
    assert render(out, "--photos-per-sku", "2").stdout == f"{out}: 180 photos, 0 of them new\n"


@pytest.mark.slow
def test_another_seed_is_another_catalogue_even_in_the_same_folder(few: Path, tmp_path: Path) -> None:
    out = Path(shutil.copytree(few, tmp_path / "other"))

    assert render(out, "--photos-per-sku", "1", "--seed", "1").stdout == f"{out}: 90 photos, 90 of them new\n"


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        (["--photos-per-sku", "0"], "must be a whole number of at least 1, got '0'"),
        (["--photos-per-sku", "two"], "must be a whole number of at least 1, got 'two'"),
        (["--seed", "-1"], "must be a whole number of at least 0, got '-1'"),
    ],
)
def test_a_wrong_flag_is_one_sentence(tmp_path: Path, flags: list[str], sentence: str) -> None:
    answer = render(tmp_path / "out", *flags)

    assert answer.returncode == 2
    assert answer.stderr.splitlines()[-1].endswith(sentence)
    assert not (tmp_path / "out").exists()


def histogram(path: Path) -> NDArray[np.float64]:
    """Root of the joint 6x6x6 RGB histogram and of the three marginal ones of 32 bins, as one vector (312,)."""
    with Image.open(path) as photo:
        pixels = np.asarray(photo.resize((96, 96))).reshape(-1, 3)
    joint = np.histogramdd(pixels, bins=(6, 6, 6), range=[(0, 256)] * 3)[0].ravel()
    single = [np.histogram(pixels[:, channel], 32, (0, 256))[0] for channel in range(3)]
    return np.asarray(np.sqrt(np.concatenate([joint, *single]) / len(pixels)))


@pytest.mark.slow
@pytest.mark.parametrize("strength", [1.0, 10.0, 100.0])
def test_colour_histograms_do_not_tell_the_kind(few: Path, strength: float) -> None:
    files = photos(few)
    features, kind, test = np.stack([histogram(path) for path in files]), labels(files), held_out(files)
    learner = LogisticRegression(C=strength, max_iter=5000).fit(features[~test], kind[~test])

    # It learns the training photos well beyond chance, so that failing on the others means something.
    assert learner.score(features[~test], kind[~test]) > 0.3
    assert learner.score(features[test], kind[test]) < COLOUR_AT_MOST


def small_net() -> nn.Sequential:
    def layer(inputs: int, outputs: int) -> list[nn.Module]:
        return [nn.Conv2d(inputs, outputs, 3, padding=1), nn.BatchNorm2d(outputs), nn.ReLU(), nn.MaxPool2d(2)]

    stack = [*layer(3, 16), *layer(16, 32), *layer(32, 64), *layer(64, 128)]
    return nn.Sequential(*stack, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(128, len(KINDS)))


def cropped(path: Path, resized: int, side: int) -> NDArray[np.uint8]:
    """Resize the short side to `resized`, cut the middle: (side, side, 3)."""
    with Image.open(path) as photo:
        scale = resized / min(photo.size)
        small = photo.resize((round(photo.width * scale), round(photo.height * scale)), Image.Resampling.BICUBIC)
    left, top = (small.width - side) // 2, (small.height - side) // 2
    return np.asarray(small.crop((left, top, left + side, top + side)))


def train(net: nn.Module, photos: torch.Tensor, kind: torch.Tensor, epochs: int) -> None:
    steps = epochs * -(-len(photos) // 32)
    optimizer = torch.optim.AdamW(net.parameters(), weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 3e-3, total_steps=steps)
    for _ in range(epochs):
        for batch in torch.randperm(len(photos)).split(32):
            mirrored = torch.rand(len(batch), 1, 1, 1) < 0.5
            views = torch.where(mirrored, photos[batch].flip(3), photos[batch])
            shift = torch.randint(-6, 7, (2,)).tolist()
            loss = nn.functional.cross_entropy(net(views.roll(shift, (2, 3))), kind[batch], label_smoothing=0.1)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()


@pytest.mark.slow
def test_a_small_net_from_scratch_falls_short(whole: Path) -> None:
    torch.manual_seed(0)
    files = photos(whole)
    pixels = torch.from_numpy(np.stack([cropped(path, 88, 80) for path in files]))
    inputs, kind, test = pixels.permute(0, 3, 1, 2) / 127.5 - 1, torch.from_numpy(labels(files)), held_out(files)
    net = small_net()
    train(net, inputs[~test], kind[~test], epochs=30)
    with torch.inference_mode():
        right = (net.eval()(inputs).argmax(1) == kind).numpy()

    # It learns, and more than colour does; what it learns is not yet what the products look like.
    assert right[~test].mean() > 0.5
    assert right[test].mean() < SCRATCH_AT_MOST


@pytest.mark.slow
def test_transferred_features_do_tell_the_kind(whole: Path, shared: Path) -> None:
    timm, load = pytest.importorskip("timm"), pytest.importorskip("safetensors.torch").load_file
    backbone = timm.create_model("mobilenetv2_100", pretrained=False, num_classes=0).eval()
    backbone.load_state_dict(load(shared / "weights" / "mobilenetv2_100.safetensors"), strict=False)
    files = photos(whole)
    mean, std = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
    with torch.inference_mode():
        inputs = [torch.from_numpy((cropped(path, 256, 224) / 255 - mean) / std).permute(2, 0, 1) for path in files]
        features = torch.cat([backbone(torch.stack(part).float()) for part in batched(inputs, 32)]).numpy()
    kind, test = labels(files), held_out(files)
    learner = make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=5000))

    assert len(files) == 399
    assert learner.fit(features[~test], kind[~test]).score(features[test], kind[test]) > TRANSFER_AT_LEAST


@pytest.mark.slow
def test_the_backbone_of_the_package_does_on_a_machine_without_a_hub(whole: Path, tmp_path: Path) -> None:
    """What `make demo` does where no hub answers."""
    offline = {**os.environ, "HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path / "empty")}

    def visionft(*words: object) -> dict[str, Any]:
        command = [sys.executable, "-m", "visionft", *map(str, words), "--json"]
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=offline)
        assert done.returncode == 0, done.stderr
        return dict(json.loads(done.stdout.splitlines()[-1]))

    run, bundle = tmp_path / "run", tmp_path / "bundle"
    fitted = visionft("fit", whole, "--data.depth", 1, "--data.group-by", "parent", "--out", run)
    exported = visionft("export", run, "--out", bundle)

    assert fitted["test_top1"] > TRANSFER_AT_LEAST
    assert exported["agreement"] == 1.0
    assert exported["max_probability_difference"] < 1e-3


def batched(items: list[torch.Tensor], size: int) -> list[list[torch.Tensor]]:
    return [items[start : start + size] for start in range(0, len(items), size)]
