"""Pretrain visionft_pico: match the features of mobilenetv2_100 on views of photos, without any label.

Its stem is its teacher's first stages, taken over and frozen; the transformer behind it learns to end as its teacher.

python examples/pico/pretrain.py PHOTOS... --teacher mobilenetv2_100.safetensors --out build/pico [--epochs 60]

Only train splits are read. Every epoch shows each photo once, in a view that its teacher saw as well; the teacher's
answer to a view, and what the stem makes of it, are computed once. A state is kept after every epoch: the same command
goes on after ^C or a kill, and ends at the same weights. `probe.py` measures the outcome.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from pathlib import Path

import numpy as np
import timm
import torch
from photos import Photos, decoded
from safetensors.torch import save_file
from teacher import GRID, Teacher
from timm.models.vision_transformer import VisionTransformer
from timm.utils.model_ema import ModelEmaV3
from torch import Tensor, nn
from torch.nn import functional as F

from visionft.backbones.pico import NAME, STAGES, TEACHER
from visionft.backbones.weights import load_file
from visionft.errors import VisionftError

BATCH, LR, WEIGHT_DECAY, WARMUP, AVERAGE = 64, 1.5e-3, 0.05, 0.05, 0.999
SNAPSHOT = 20
STEM = "patch_embed.backbone."


def inherited(teacher: Path) -> dict[str, Tensor]:
    """Return the student's weights of its stem: the teacher's first stages, by the names that they have in the student.

    Weight inheritance: arXiv 2309.12314.
    """
    whole = timm.create_model(TEACHER, num_classes=0)
    load_file(whole, teacher)
    del whole.blocks[STAGES:], whole.conv_head, whole.bn2
    return {f"{STEM}{name}": value for name, value in whole.state_dict().items()}


class Matching(nn.Module):
    """The student behind a projection to its teacher's answers: one for each cell of the view, one for the whole.

    It is given what its frozen stem makes of a view.
    """

    def __init__(self, student: VisionTransformer, width: int) -> None:
        super().__init__()
        self.student = student
        student.patch_embed.backbone = nn.Identity()
        inner = 4 * student.embed_dim
        self.projection = nn.Sequential(nn.Linear(student.embed_dim, inner), nn.GELU(), nn.Linear(inner, width))

    def forward(self, x: Tensor) -> Tensor:
        """Map a stem's tokens (B, N, C) to answers (B, GRID * GRID + 1, D); the last is to the whole view."""
        side = math.isqrt(x.shape[1])
        tokens = self.student.forward_features(x.transpose(1, 2).unflatten(2, (side, side)))
        grid = tokens.transpose(1, 2).unflatten(2, (side, side))
        cells = F.adaptive_avg_pool2d(grid, GRID).flatten(2).transpose(1, 2)
        answers: Tensor = self.projection(torch.cat([cells, tokens.mean(1, keepdim=True)], dim=1))
        return answers


def distance(found: Tensor, told: Tensor) -> Tensor:
    """Return 1 - cosine between answers (B, cells + 1, D): the whole view weighs as much as all of its cells."""
    apart = 1 - F.cosine_similarity(found, told, dim=2)
    return 0.5 * apart[:, :-1].mean() + 0.5 * apart[:, -1].mean()


class Pretraining:
    """A pretraining that goes on where it was left."""

    def __init__(self, photos: Photos, teacher: Teacher, given: argparse.Namespace) -> None:
        self.photos, self.teacher, self.out = photos, teacher, given.out
        self.epochs, self.views = given.epochs, given.views
        torch.manual_seed(0)
        student = timm.create_model(NAME)
        if given.start:
            load_file(student, given.start)
        self.stem = inherited(given.teacher)
        self.device = teacher.device
        self.model = Matching(student, teacher.dimensions).to(self.device).train()
        self.steps = max(1, len(photos) // BATCH)
        decay = [p for p in self.model.parameters() if p.ndim > 1]
        plain = [p for p in self.model.parameters() if p.ndim <= 1]
        groups = [{"params": decay, "weight_decay": WEIGHT_DECAY}, {"params": plain, "weight_decay": 0.0}]
        self.optimizer = torch.optim.AdamW(groups, lr=LR, fused=True)
        self.average = ModelEmaV3(self.model, decay=AVERAGE, use_warmup=True)
        self.epoch, self.rows = 0, list[dict[str, float]]()
        self._resume()

    @property
    def state(self) -> Path:
        """The file of the last finished epoch."""
        return self.out / "state.pt"

    def _resume(self) -> None:
        if not self.state.is_file():
            return
        kept = torch.load(self.state, map_location=self.device, weights_only=True)
        self.model.load_state_dict(kept["model"])
        self.average.module.load_state_dict(kept["average"])
        self.optimizer.load_state_dict(kept["optimizer"])
        self.epoch, self.rows = kept["epoch"], kept["rows"]

    def run(self, minutes: float) -> None:
        """Train until the last epoch, or until the minutes are over: one epoch at least."""
        began = time.monotonic()
        if not self.epoch:
            self._save(self.out / "pico-0000.safetensors")
        while self.epoch < self.epochs:
            self._train_epoch()
            self._keep()
            if self.epoch % SNAPSHOT == 0:
                self._save(self.out / f"pico-{self.epoch:04}.safetensors")
            print(json.dumps(self.rows[-1]), flush=True)
            if time.monotonic() - began > 60 * minutes:
                break
        self._save(self.out / "pico.safetensors")

    def _save(self, path: Path) -> None:
        """Write matrices in fp16; vectors, a twentieth of all, in full: some variances of the stem are tiny."""
        weights = self.stem | self.average.module.student.state_dict()
        matrices = {name: value.cpu().half().contiguous() for name, value in weights.items() if value.ndim > 1}
        save_file({name: value.cpu() for name, value in weights.items()} | matrices, path)

    def _train_epoch(self) -> None:
        number, began, total = self.epoch % self.views, time.monotonic(), 0.0
        seen, told = self.teacher.tokens.of(number), self.teacher.answers.of(number)
        answered = time.monotonic()
        order = np.random.default_rng([1, self.epoch]).permutation(len(self.photos))
        for step, photos in enumerate(np.array_split(order, self.steps)):
            self._set_rate(self.epoch * self.steps + step)
            tokens, cells = (torch.from_numpy(each[photos]).to(self.device).float() for each in (seen, told))
            # bf16 is no faster for matrices this small on a processor that has it
            with torch.autocast(self.device, torch.bfloat16, enabled=self.device == "cuda"):
                found = self.model(tokens)
            loss = distance(found.float(), torch.cat([cells, cells.mean(1, keepdim=True)], dim=1))
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
    parser.add_argument("--also", nargs="*", type=Path, default=[], help="folders of pictures, such as scenes.py's")
    parser.add_argument("--teacher", type=Path, required=True, help="weights of mobilenetv2_100")
    parser.add_argument("--out", type=Path, required=True, help="a folder for state and weights")
    parser.add_argument("--start", type=Path, help="weights of an earlier pretraining to begin from")
    parser.add_argument("--epochs", type=int, default=60)
    parser.add_argument("--views", type=int, default=16, help="different views of each photo")
    parser.add_argument("--minutes", type=float, default=math.inf, help="stop after the epoch that goes beyond")
    parser.add_argument("--workers", type=int, default=2, help="processes that render views")
    given = parser.parse_args()
    if given.epochs < 1 or given.views < 1:
        parser.error(f"--epochs {given.epochs} --views {given.views}: give whole numbers from 1")
    given.out.mkdir(parents=True, exist_ok=True)
    try:
        photos = decoded(given.photos, given.out, given.also)
        print(f"{len(photos):,} training photos")
        teacher = Teacher(given.teacher, photos, given.out, given.views, 0, given.workers)
        training = Pretraining(photos, teacher, given)
    except VisionftError as error:
        parser.error(str(error))
    training.run(given.minutes)


if __name__ == "__main__":
    main()
