"""A trained model that cost no training: rendered photos, a real network with random statistics."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import nn

from visionft import backbones
from visionft.backbones import Network
from visionft.classes import Classes
from visionft.data import Manifest, prepare
from visionft.metrics import Postprocess, Temperature, class_means, unit
from visionft.photos import read
from visionft.preprocess import Preprocess
from visionft.runs.calibration_file import Calibration
from visionft.settings import DataSettings, FitSettings, PreprocessSettings

NAMES = ("Boots", "Fruit/Äpfel", "hat, red")
SHAPES = ((90, 120), (120, 90), (64, 64), (201, 77))


def rendered(seed: int, height: int, width: int) -> NDArray[np.uint8]:
    """Render a photo-like picture: soft light, a shape, fine texture."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width] / max(height, width)
    waves = [np.sin(x * rng.uniform(2, 30) + y * rng.uniform(2, 30) + rng.uniform(0, 6)) for _ in range(3)]
    disc = ((x - rng.uniform(0.3, 0.7)) ** 2 + (y - rng.uniform(0.2, 0.5)) ** 2 < rng.uniform(0.01, 0.05))[..., None]
    picture = 128 + 70 * np.stack(waves, -1) + disc * rng.uniform(-90, 90, 3) + rng.normal(0, 6, (height, width, 3))
    return picture.clip(0, 255).astype(np.uint8)


def render_photos(root: Path, each: int = 6, names: Sequence[str] = NAMES) -> Path:
    """Write a few photos a class of several sizes, some as PNG, as splits train and validation."""
    for split in ("train", "validation"):
        for c, name in enumerate(names):
            folder = root / split / name
            folder.mkdir(parents=True)
            for i in range(each):
                seed = 1000 * c + i + (500 if split == "train" else 0)
                picture = Image.fromarray(rendered(seed, *SHAPES[i % len(SHAPES)]))
                picture.save(folder / (f"{i}.png" if i % 3 == 2 else f"{i}.jpg"))
    return root


def livened(network: Network, seed: int = 0) -> Network:
    """Randomise what timm starts at zero or one, and give the new head weights: else every answer is the same."""
    torch.manual_seed(seed)
    with torch.no_grad():
        for module in network.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.weight.uniform_(0.6, 1.4)
                module.bias.normal_(0, 0.1)
                module.running_mean.normal_(0, 0.1)
                module.running_var.uniform_(0.6, 1.4)
        for name, parameter in network.named_parameters():
            if name.endswith(("gamma", "gamma_1", "gamma_2")):
                parameter.uniform_(0.3, 0.8)
    return tell_apart(network)


def tell_apart(network: Network) -> Network:
    """Give the linear head weights under which photos have different answers, none of them sure."""
    with torch.no_grad():
        photos = np.stack([rendered(seed, *network.input_size) for seed in range(32)])
        features = network.embed((torch.from_numpy(photos).permute(0, 3, 1, 2) / 255 - 0.5) / 0.25)
        network.head.weight.normal_()
        logits = features @ network.head.weight.T
        network.head.weight.mul_(2 / logits.std(0)[:, None])
        network.head.bias.copy_(-(network.head.weight @ features.mean(0)))
    return network.eval()


@dataclass
class FakeRun:
    """What export needs of a run, without training."""

    path: Path
    photos: Path
    trained: Network
    transform: Preprocess | None = None
    names: tuple[str, ...] = NAMES
    calibration: Calibration | None = None
    result: dict[str, Any] = field(
        default_factory=lambda: {"val": {"top1": 0.75, "n": 18, "confusion": [[1]]}, "seconds": 1.0}
    )
    environment: dict[str, Any] = field(
        default_factory=lambda: {"python": "3.11", "command": ["visionft", "fit", "/home/me/photos"]}
    )
    origin: dict[str, Any] | None = None
    teacher: dict[str, Any] | None = None
    weights_source: dict[str, Any] = field(
        default_factory=lambda: {
            "name": "test_efficientnet",
            "kind": "file",
            "licence": "apache-2.0",
            "location": "/home/me/w.safetensors",
            "sha256": None,
        }
    )

    @property
    def settings(self) -> FitSettings:
        return FitSettings(photos=self.photos, backbone=self.trained.name)

    @property
    def classes(self) -> Classes:
        return Classes.of(self.names)

    @property
    def preprocess(self) -> Preprocess:
        return self.transform or backbones.preprocess(self.trained, PreprocessSettings())

    def answering(self, accepted: float | None) -> Postprocess:
        return Postprocess.plain() if self.calibration is None else self.calibration.answering(accepted)

    def calibrated(self, temperature: float = 0.7) -> FakeRun:
        """Return the same run fitted to its validation photos, but for the temperature, which is given."""
        rows = self.manifest().rows("validation")
        images = [read(self.photos / path) for path in rows.paths]
        pixels = torch.from_numpy(np.stack([self.preprocess.tensor(image) for image in images]))
        with torch.inference_mode():
            features = self.trained.embed(pixels)
            logits, embeddings = self.trained.head(features).numpy(), unit(features.numpy())
        means = class_means(embeddings, rows.labels, len(self.names))
        fitted = Calibration.fit(logits, embeddings, rows.labels, means)
        return replace(self, calibration=replace(fitted, temperature=Temperature(temperature, 100, fitted=True)))

    def network(self) -> Network:
        return self.trained

    def manifest(self) -> Manifest:
        return prepare(self.photos, DataSettings())


def fake_run(place: Path, backbone: str = "test_efficientnet", size: int | None = 64, **changes: Any) -> FakeRun:
    """Return a run of a small network over rendered photos."""
    (place / "run").mkdir()
    photos = render_photos(place / "photos")
    torch.manual_seed(0)  # the same network whichever tests drew numbers before
    network = livened(backbones.create(backbone, "none", len(NAMES), size=size))
    return FakeRun(place / "run", photos, network, **changes).calibrated()
