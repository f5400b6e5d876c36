"""From a batch to its loss: the network's answers against labels, and a teacher's answers where there is one."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from visionft import backbones
from visionft.backbones import Cut, Network
from visionft.preprocess import Preprocess
from visionft.runs.criterion import Criterion, Targets
from visionft.settings import FitSettings
from visionft.training.distillation import Distillation
from visionft.training.mixup import mix


class Objective(nn.Module):
    """What is made small: a sum over photos, so that micro-batches add up to their batch.

    Args:
        network: backbone and head.
        preprocess: mean and std of the pixels.
        settings: resolved, without "auto".
        loss: of the task.
        distillation: what compares the network with a teacher.
    """

    def __init__(
        self,
        network: Network,
        preprocess: Preprocess,
        settings: FitSettings,
        loss: Criterion,
        distillation: Distillation | None = None,
    ) -> None:
        super().__init__()
        self.network, self.preprocess, self.settings, self.distillation = network, preprocess, settings, distillation
        self.loss = loss
        ask: Any = network.answer if distillation else network
        self._ask: Any = torch.compile(ask) if settings.hardware.compile else ask

    def inputs(self, x: Tensor, labels: Tensor, step: int, cut: Cut | None) -> tuple[Tensor, Targets]:
        """Return what the network is given for a whole batch, mixed where the settings say so, and its targets.

        Args:
            x: uint8 [B, H, W, 3] photos; or what crosses `cut`, [B, ...].
            labels: [B], int64 of classes.
            step: decides how photos are mixed, with the seed.
            cut: where the frozen part of the network ends, if the batch begins there.
        """
        x = x if cut else backbones.normalise(x, self.preprocess, labels.device)
        return mix(x, labels, self.settings.augment, self.settings.seed, step)

    def forward(self, x: Tensor, indices: Tensor, targets: Targets, cut: Cut | None = None) -> Tensor:
        """Return the loss summed over photos, float32 [].

        Args:
            x: of `inputs`, or a part of it along B.
            indices: int64 [B], rows of the photos in the training split.
            targets: of the same photos.
            cut: as in `inputs`.
        """
        if self.distillation is None:
            plain: Tensor = self.loss(cut.suffix(x) if cut else self._ask(x), targets)
            return plain
        taught = self.distillation.outputs(x, indices)
        logits, features = self._ask(self.distillation.student_view(x))
        total: Tensor = self.distillation(logits, features, taught, self.loss(logits, targets))
        return total
