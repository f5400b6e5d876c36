"""The same training under a user's own `lightning.Trainer`: a plain LightningModule."""

from __future__ import annotations

from typing import Any

from lightning import LightningModule
from torch import Tensor
from torch.optim import AdamW
from torch.optim.lr_scheduler import LambdaLR

from visionft import backbones, methods
from visionft.backbones import Network
from visionft.backbones.rewrites.eval_mode_bn import freeze_norms
from visionft.data import Batch
from visionft.errors import UsageError
from visionft.preprocess import Preprocess
from visionft.runs.criterion import Criterion
from visionft.runs.own_loss import criterion_of
from visionft.settings import FitSettings
from visionft.tasks.registry import spec_of
from visionft.training.objective import Objective


class Classifier(LightningModule):
    """Train a `Network` under a `Schedule` by Lightning's own rules.

    `fit` has a loop of its own (`visionft.training.loop`), which resumes bit for bit, remembers what is frozen and
    averages weights; this module is for those who bring a Trainer. Losses, schedule, freezing and mixing are the same.
    What a Trainer has flags or callbacks of its own for is left to it: the clipping of gradients, their accumulation
    over micro-batches, the average of weights (`optim.clip`, `micro_batch`, `ema`), early stopping, precision.
    Logged are `train_loss` (a step), `val_loss` and `val_top1` (an epoch).

    Args:
        network: backbone and head.
        preprocess: mean and std of the pixels.
        schedule: pure function of the step, such as `visionft.methods.schedule` makes.
        settings: resolved, without "auto".
        loss: of the task; none: as the settings say, without weights of classes.

    Raises:
        UsageError: L2-SP or distillation is asked for, or a task that is not measured batch by batch, which `fit` alone
            does.
    """

    def __init__(
        self,
        network: Network,
        preprocess: Preprocess,
        schedule: methods.Schedule,
        settings: FitSettings,
        loss: Criterion | None = None,
    ) -> None:
        super().__init__()
        criterion = loss or criterion_of(settings, None)
        if criterion.gathers:
            raise UsageError(
                f"the task {settings.task} is measured on all validation photos together, which your own Trainer shows "
                "batch by batch; use visionft.fit"
            )
        if settings.optim.l2_sp or settings.distill:
            raise UsageError(
                "optim.l2_sp and distill have no effect under your own Trainer; leave them out, or use visionft.fit"
            )
        self.objective = Objective(network, preprocess, settings, criterion)
        self.schedule, self.settings = schedule, settings
        self.depth_map = backbones.depth_map(network)
        self.groups = methods.groups(network, self.depth_map)
        self._freeze(0)

    @property
    def network(self) -> Network:
        """The network that is trained."""
        return self.objective.network

    def forward(self, pixels: Tensor) -> Tensor:
        """Return logits float [B, C] of photos uint8 [B, H, W, 3]."""
        logits: Tensor = self.network(self._normalised(pixels))
        return logits

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """Return the mean loss [] of photos uint8 [B, H, W, 3] with labels int64 [B] and their rows int64 [B]."""
        pixels, labels, indices = batch
        inputs, targets = self.objective.inputs(pixels, labels, self.global_step, None)
        loss: Tensor = self.objective(inputs, indices, targets) / len(labels)
        self.log("train_loss", loss, batch_size=len(labels))
        return loss

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        """Log the mean loss and the score of photos uint8 [B, H, W, 3] with labels int64 [B] and rows int64 [B]."""
        pixels, labels, _ = batch
        criterion = self.objective.loss
        figures = criterion.figures(criterion.sums(self(pixels).float(), labels).tolist())
        self.log("val_loss", figures.loss, batch_size=len(labels), prog_bar=True)
        self.log(spec_of(self.settings.task).score.column, figures.score, batch_size=len(labels), prog_bar=True)

    def configure_optimizers(self) -> Any:
        """Return AdamW over groups by depth and role, whose rates follow the schedule step by step."""
        groups = methods.parameter_groups(self.network, self.groups, self.settings.optim.weight_decay)
        optimizer = AdamW([{**group, "lr": 1.0} for group in groups], lr=1.0)
        rates = [self._rate(group["depth"], group["role"]) for group in groups]
        return {
            "optimizer": optimizer,
            "lr_scheduler": {"scheduler": LambdaLR(optimizer, rates), "interval": "step", "name": "lr"},
        }

    def _rate(self, depth: int, role: methods.Role) -> Any:
        return lambda step: self.schedule.at(step).lr(depth, role)

    def on_train_batch_start(self, batch: Any, batch_idx: int) -> None:
        """Freeze and thaw where the schedule's phases change."""
        if self.global_step in self.schedule.changes:
            self._freeze(self.global_step)

    def train(self, mode: bool = True) -> Classifier:
        """Switch to training, except for what is frozen: Lightning calls this after every validation."""
        super().train(mode)
        if mode:
            self._freeze(self.global_step)
        return self

    def _freeze(self, step: int) -> None:
        methods.apply(self.network, self.groups, self.schedule.at(step))
        if self.settings.optim.norm_statistics == "frozen":
            freeze_norms(self.network)

    def _normalised(self, pixels: Tensor) -> Tensor:
        return backbones.normalise(pixels, self.objective.preprocess, self.device)
