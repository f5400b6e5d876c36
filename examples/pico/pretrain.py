"""Pretrain visionft_pico: match the features of mobilenetv2_100 on views of photos, without any label.

python examples/pico/pretrain.py PHOTOS... --teacher mobilenetv2_100.safetensors --out build/pico [--epochs 300]

Only train splits are read. Every epoch shows each photo once, in a view that its teacher saw as well; the teacher's
features of a view are computed once. A state is kept after every epoch: the same command goes on after ^C or a kill,
and ends at the same weights. `probe.py` measures the outcome.
"""

from __future__ import annotations

import argparse
import copy
import json
import math
import time
from pathlib import Path

import numpy as np
import torch
from photos import Photos, decoded
from safetensors.torch import save_file
from teacher import Teacher, Views
from timm.utils.model_ema import ModelEmaV3
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader

from visionft import backbones
from visionft.backbones import Network
from visionft.settings import PreprocessSettings

BACKBONE, BATCH, LR, WEIGHT_DECAY, WARMUP, AVERAGE = "visionft_pico", 128, 2e-3, 0.05, 0.05, 0.999
STATISTICS = 2_000


class Matching(nn.Module):
    """The student behind a projection to its teacher's features."""

    def __init__(self, student: Network, width: int) -> None:
        super().__init__()
        self.student = student
        self.projection = nn.Sequential(
            nn.Linear(student.features, 4 * student.features), nn.GELU(), nn.Linear(4 * student.features, width)
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map normalised views (B, 3, H, W) to features (B, D), D the teacher's."""
        projected: Tensor = self.projection(self.student.embed(x))
        return projected


class Pretraining:
    """A pretraining that goes on where it was left."""

    def __init__(self, photos: Photos, teacher: Teacher, out: Path, epochs: int, views: int, workers: int) -> None:
        self.photos, self.teacher, self.out = photos, teacher, out
        self.epochs, self.views, self.workers = epochs, views, workers
        torch.manual_seed(0)
        self.network = backbones.create(BACKBONE, "none", 1)
        self.preprocess = backbones.preprocess(self.network, PreprocessSettings())
        self.model = Matching(self.network, teacher.width).train()
        self.steps = max(1, len(photos) // BATCH)
        decay = [p for p in self.model.parameters() if p.ndim > 1]
        plain = [p for p in self.model.parameters() if p.ndim <= 1]
        groups = [{"params": decay, "weight_decay": WEIGHT_DECAY}, {"params": plain, "weight_decay": 0.0}]
        self.optimizer = torch.optim.AdamW(groups, lr=LR, fused=True)
        self.average = ModelEmaV3(self.model, decay=AVERAGE, use_warmup=True)
        first = teacher.of(0)[:STATISTICS].astype(np.float32)
        # Features behind a ReLU6 all point into one corner: centred and scaled, their directions tell photos apart.
        self.mean, self.scale = torch.from_numpy(first.mean(0)), torch.from_numpy(first.std(0) + 1e-3)
        self.epoch, self.rows = 0, list[dict[str, float]]()
        self._resume()

    @property
    def state(self) -> Path:
        """The file of the last finished epoch."""
        return self.out / "state.pt"

    def _resume(self) -> None:
        if not self.state.is_file():
            return
        kept = torch.load(self.state, weights_only=True)
        self.model.load_state_dict(kept["model"])
        self.average.module.load_state_dict(kept["average"])
        self.optimizer.load_state_dict(kept["optimizer"])
        self.epoch, self.rows = kept["epoch"], kept["rows"]

    def run(self, minutes: float) -> None:
        """Train until the last epoch, or until the minutes are over."""
        began = time.monotonic()
        while self.epoch < self.epochs and time.monotonic() - began < 60 * minutes:
            self._train_epoch()
            self._keep()
            print(json.dumps(self.rows[-1]), flush=True)
        weights = copy.deepcopy(self.average.module.student.backbone)
        save_file(
            {name: tensor.contiguous() for name, tensor in weights.state_dict().items()}, self.out / "pico.safetensors"
        )

    def _train_epoch(self) -> None:
        number, began, total = self.epoch % self.views, time.monotonic(), 0.0
        told = self.teacher.of(number)
        answered = time.monotonic()
        order = np.random.default_rng([1, self.epoch]).permutation(len(self.photos))
        dataset = Views(self.photos, self.teacher.seed, number, self.network.input_size[0], order)
        loader = DataLoader(dataset, BATCH, num_workers=self.workers, drop_last=len(order) >= BATCH)
        for step, (pixels, photos) in enumerate(loader):
            self._set_rate(self.epoch * self.steps + step)
            target = (torch.from_numpy(told[photos.numpy()].astype(np.float32)) - self.mean) / self.scale
            found = self.model(backbones.normalise(pixels, self.preprocess, "cpu"))
            loss = (1 - F.cosine_similarity(found, target, dim=1)).mean()
            self.optimizer.zero_grad(set_to_none=True)
            loss.backward()
            nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
            self.optimizer.step()
            self.average.update(self.model, step=self.epoch * self.steps + step)
            total += float(loss.detach())
        now = time.monotonic()
        self.epoch += 1
        self.rows.append(
            {
                "epoch": self.epoch,
                "loss": total / self.steps,
                "teacher_seconds": answered - began,
                "seconds": now - began,
            }
        )

    def _set_rate(self, step: int) -> None:
        whole = self.epochs * self.steps
        warm = max(1, round(WARMUP * whole))
        share = (
            (step + 1) / warm if step < warm else 0.5 * (1 + math.cos(math.pi * (step - warm) / max(1, whole - warm)))
        )
        for group in self.optimizer.param_groups:
            group["lr"] = LR * share

    def _keep(self) -> None:
        content = {
            "model": self.model.state_dict(),
            "average": self.average.module.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "epoch": self.epoch,
            "rows": self.rows,
        }
        temporary = self.state.with_suffix(".part")
        torch.save(content, temporary)
        temporary.replace(self.state)


def main() -> None:
    """Decode, ask the teacher, train."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", nargs="+", type=Path, help="folders of photos; their train splits are used")
    parser.add_argument("--teacher", type=Path, required=True, help="weights of mobilenetv2_100")
    parser.add_argument("--out", type=Path, required=True, help="a folder for state and weights")
    parser.add_argument("--epochs", type=int, default=300)
    parser.add_argument("--views", type=int, default=64, help="different views of each photo")
    parser.add_argument("--minutes", type=float, default=math.inf, help="stop after the epoch that goes beyond")
    parser.add_argument("--workers", type=int, default=2, help="processes that render views")
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    photos = decoded(given.photos, given.out)
    print(f"{len(photos):,} training photos")
    teacher = Teacher(given.teacher, photos, given.out, given.views, 0, given.workers)
    Pretraining(photos, teacher, given.out, given.epochs, given.views, given.workers).run(given.minutes)


if __name__ == "__main__":
    main()
