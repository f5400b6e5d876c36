"""What is the same for every peer: photos, weights, scoring, the clock, and what is printed."""

from __future__ import annotations

import argparse
import json
import resource
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import Any

import timm
import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.utils.data import DataLoader
from torchvision import transforms as T
from torchvision.datasets import ImageFolder

SCALE = (0.35, 1.0)  # of the area that a random crop keeps


class Clock:
    """Seconds of work, without what is measured in between."""

    def __init__(self) -> None:
        self._began, self._out = time.perf_counter(), 0.0

    def seconds(self) -> float:
        """Return the seconds so far."""
        return time.perf_counter() - self._began - self._out

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """Leave the block out."""
        began = time.perf_counter()
        yield
        self._out += time.perf_counter() - began


class Job:
    """What every peer does."""

    def __init__(self, given: argparse.Namespace) -> None:
        self.given, self.clock, self.rows = given, Clock(), list[dict[str, Any]]()
        self.validation = "validation" if (given.data / "validation").is_dir() else "val"
        self.config = timm.data.resolve_data_config({}, model=timm.create_model(given.arch, pretrained=False))

    @property
    def frozen(self) -> bool:
        """Whether the head alone is trained."""
        return bool(self.given.what == "frozen")

    @cached_property
    def classes(self) -> list[str]:
        """The classes in the order of their folders."""
        return sorted(place.name for place in (self.given.data / "train").iterdir() if place.is_dir())

    def model(self) -> Any:
        """Return the pretrained network with a new head."""
        torch.manual_seed(self.given.seed)
        model = timm.create_model(self.given.arch, pretrained=False, num_classes=len(self.classes))
        own = model.state_dict()
        kept = {k: v for k, v in load_file(self.given.weights).items() if k in own and own[k].shape == v.shape}
        missing = model.load_state_dict(kept, strict=False).missing_keys
        if len(missing) > len(list(model.get_classifier().parameters())):
            raise SystemExit(f"{self.given.weights} lacks {missing}")
        return model

    def freeze(self, model: Any) -> None:
        """Leave gradients to the head alone."""
        for parameter in model.parameters():
            parameter.requires_grad_(False)
        for parameter in model.get_classifier().parameters():
            parameter.requires_grad_(True)

    def transform(self, split: str) -> Callable[..., Tensor]:
        """Return the random crop and flip of training, or the weights' own evaluation."""
        norm = [T.ToTensor(), T.Normalize(self.config["mean"], self.config["std"])]
        size = self.given.size
        if split == "train":
            return T.Compose([T.RandomResizedCrop(size, scale=SCALE), T.RandomHorizontalFlip(), *norm])
        mode = T.InterpolationMode(self.config["interpolation"])
        return T.Compose([T.Resize(round(size / self.config["crop_pct"]), mode), T.CenterCrop(size), *norm])

    def photos(self, split: str) -> ImageFolder:
        """Return a split as torchvision reads it."""
        name = self.validation if split == "validation" else split
        return ImageFolder(self.given.data / name, self.transform(split), allow_empty=True)

    def loader(self, split: str) -> DataLoader[Any]:
        """Return batches of a split."""
        train = split == "train"
        return DataLoader(
            self.photos(split), self.given.batch if train else 64, shuffle=train, drop_last=train,
            num_workers=self.given.workers, persistent_workers=train and self.given.workers > 0,
        )  # fmt: skip

    @torch.inference_mode()
    def accuracy(self, model: nn.Module, split: str) -> float:
        """Return the top-1 of a split, and leave the modules' modes as they were."""
        modes = {module: module.training for module in model.modules()}
        model.eval()
        hits = total = 0
        for x, y in self.loader(split):
            hits += int((model(x).argmax(1) == y).sum())
            total += len(y)
        for module, training in modes.items():
            module.training = training
        return hits / total

    def epoch(self, top1: float) -> None:
        """Print what stands after an epoch."""
        self.rows.append({"seconds": round(self.clock.seconds(), 1), "val_top1": round(top1, 4)})
        print(json.dumps(self.rows[-1]), flush=True)

    def finish(self, model: nn.Module) -> None:
        """Print the last line."""
        seconds, epochs = self.clock.seconds(), len(self.rows)
        own, beneath = (resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
        told = {
            "fit_seconds": round(seconds, 1), "epochs": self.rows, "test_top1": round(self.accuracy(model, "test"), 4),
            "images_per_second": round(len(self.photos("train")) * epochs / seconds, 1),
            "peak_memory_mb": round(max(own, beneath) / 1024),
        }  # fmt: skip
        print(json.dumps(told), flush=True)
