"""The LightningModule: one optimizer step a batch, under the schedule."""

from __future__ import annotations

from typing import Any

import torch
from lightning import LightningModule
from torch import Tensor, nn
from torch.optim import AdamW

from visionft import backbones, methods
from visionft.backbones import Cut, Network
from visionft.backbones.rewrites.eval_mode_bn import freeze_norms
from visionft.errors import MemoryShortError
from visionft.preprocess import Preprocess
from visionft.settings import FitSettings
from visionft.training.distillation import Distillation
from visionft.training.ema import AveragedNetwork
from visionft.training.l2_sp import StartPull, without_decay
from visionft.training.losses import ClassificationLoss
from visionft.training.mixup import Targets, mix
from visionft.training.step_rng import seed_step

Batch = tuple[Tensor, Tensor, Tensor]


class Classifier(LightningModule):
    """Train a `Network` under a `Schedule`: what trains, and at which rate, follows from the step alone.

    One call of `training_step` is one optimizer step: the batch is cut into micro-batches here, so that running out of
    GPU memory halves them under the same effective batch.

    Args:
        network: backbone and head.
        preprocess: mean and std of the pixels.
        schedule: pure function of the step.
        settings: resolved, without "auto".
        class_weights: (C,) or none.
        distillation: what compares it with a teacher.

    Attributes:
        cut: where batches bring what crosses this cut, instead of photos.
        held_out_cut: the same for the batches of validation; a cut of `final_network`.
    """

    def __init__(
        self,
        network: Network,
        preprocess: Preprocess,
        schedule: methods.Schedule,
        settings: FitSettings,
        class_weights: Tensor | None = None,
        distillation: Distillation | None = None,
    ) -> None:
        super().__init__()
        self.automatic_optimization = False
        self.network = network
        self.preprocess = preprocess
        self.schedule = schedule
        self.settings = settings
        self.loss = ClassificationLoss(settings.optim.label_smoothing, class_weights)
        self.distillation = distillation
        self.depth_map = backbones.depth_map(network)
        self.groups = methods.groups(network, self.depth_map)
        self.averaged: AveragedNetwork | None = None
        self.pull: StartPull | None = None
        self.cut: Cut | None = None
        self.held_out_cut: Cut | None = None
        self.step = 0
        self.micro_batch = int(settings.optim.micro_batch)
        self._state: methods.State | None = None
        ask: Any = network.answer if distillation else network
        self._forward: Any = torch.compile(ask) if settings.hardware.compile else ask
        self._sums: list[Tensor] = []

    @property
    def fixed(self) -> frozenset[str]:
        """Names of the parameters that no step of the schedule trains."""
        roles = self.schedule.roles | {"head"}
        return frozenset(name for group in self.groups if group.role not in roles for name in group.parameters)

    @property
    def final_network(self) -> Network:
        """The weights that are validated and exported: averaged where averaging is on."""
        if self.averaged is None:
            return self.network
        assert isinstance(self.averaged.network, Network)
        return self.averaged.network

    def configure_optimizers(self) -> AdamW:
        """All groups from the start; their rates are set at each step."""
        groups = methods.parameter_groups(self.network, self.groups, self.settings.optim.weight_decay)
        groups = without_decay(groups) if self.settings.optim.l2_sp else groups
        return AdamW([*groups, *self._beside()], lr=0.0, fused=True)

    def _beside(self) -> list[dict[str, Any]]:
        """What trains with the head and is no part of the network."""
        parameters = list(self.distillation.parameters()) if self.distillation else []
        group = {"params": parameters, "name": "beside", "depth": self.depth_map.levels - 1, "role": "head"}
        return [{**group, "weight_decay": self.settings.optim.weight_decay, "lr": 0.0}] if parameters else []

    def train(self, mode: bool = True) -> Classifier:
        """Switch to training, except for what is frozen: Lightning calls this after every validation."""
        super().train(mode)
        if mode and self._state is not None:
            self._freeze(self._state)
        return self

    def training_step(self, batch: Batch, batch_idx: int) -> None:
        """Take one optimizer step on photos (B, H, W, 3) uint8, or on what crosses the cut, and labels (B,)."""
        seed_step(self.settings.seed, self.step)
        optimizer: Any = self.optimizers()
        self.enter_step(optimizer)
        pixels, labels, indices = batch
        x = pixels if self.cut else backbones.normalise(pixels, self.preprocess, self.device)
        mixed, targets = mix(x, labels, self.settings.augment, self.settings.seed, self.step)
        self._accumulate(mixed, targets, indices)
        self._clip(optimizer)
        optimizer.step()
        if self.pull is not None:
            self.pull.apply(optimizer.optimizer)
        optimizer.zero_grad(set_to_none=True)
        if self.averaged is not None:
            self.averaged.update(self.network, self.step)
        self.step += 1

    def enter_step(self, optimizer: Any) -> None:
        """Bring rates and frozen groups to the schedule's state at this step."""
        state = self.schedule.at(self.step)
        if self._state is None or self.step in self.schedule.changes:
            self._freeze(state)
            methods.drop_state(optimizer, [group for group in self.groups if not state.trains(group.depth, group.role)])
        self._state = state
        methods.set_rates(optimizer, state)

    def _freeze(self, state: methods.State) -> None:
        methods.apply(self.network, self.groups, state)
        if self.settings.optim.norm_statistics == "frozen":
            freeze_norms(self.network)

    def _accumulate(self, pixels: Tensor, targets: Targets, indices: Tensor) -> None:
        """Add up the gradients of the micro-batches, at half their size after each out-of-memory error."""
        while not self._fits(pixels, targets, indices):
            self._halve()

    def _fits(self, pixels: Tensor, targets: Targets, indices: Tensor) -> bool:
        """Tell whether the micro-batches had room; what a failed pass held is free again once this has returned."""
        try:
            total = torch.zeros((), device=self.device)
            pieces = (torch.split(tensor, self.micro_batch) for tensor in (pixels, indices))
            for x, i, y in zip(*pieces, targets.split(self.micro_batch), strict=True):
                loss = self._loss(x, i, y) / len(pixels)
                self.manual_backward(loss)
                total += loss.detach()
        except torch.OutOfMemoryError:
            return False
        self._sums.append(total)
        return True

    def _loss(self, x: Tensor, indices: Tensor, targets: Targets) -> Tensor:
        if self.distillation is None:
            plain: Tensor = self.loss(self.cut.suffix(x) if self.cut else self._forward(x), targets)
            return plain
        lesson = self.distillation.lesson(x, indices)
        logits, features = self._forward(self.distillation.student_view(x))
        total: Tensor = self.distillation(logits, features, lesson, self.loss(logits, targets))
        return total

    def _halve(self) -> None:
        if self.micro_batch == 1:
            raise MemoryShortError(
                "the GPU has no room for a single photo in training; choose a smaller --backbone or --preprocess.size"
            )
        self.zero_grad(set_to_none=True)
        torch.cuda.empty_cache()
        self.micro_batch //= 2
        self.print(
            f"out of GPU memory: going on with micro-batches of {self.micro_batch} under the same effective batch"
        )

    def _clip(self, optimizer: Any) -> None:
        if (scaler := scaler_of(self)) is not None:  # fp16: the norm is that of the true gradient
            scaler.unscale_(optimizer.optimizer)
        if self.settings.optim.clip > 0:
            nn.utils.clip_grad_norm_(self.network.parameters(), self.settings.optim.clip)

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        """Add a batch to the epoch's validation loss and top-1, on the weights that would be exported."""
        x, labels, _ = batch
        logits = self._validated(x).float()
        loss = nn.functional.cross_entropy(logits, labels, reduction="sum")
        hits = (logits.argmax(1) == labels).sum()
        self._validation.append(torch.stack([loss, hits.float(), torch.full_like(loss, len(labels))]))

    def _validated(self, x: Tensor) -> Tensor:
        if self.held_out_cut:
            return self.held_out_cut.suffix(x)
        logits: Tensor = self.final_network(backbones.normalise(x, self.preprocess, self.device))
        return logits

    def on_validation_epoch_start(self) -> None:
        """Begin the sums of one validation."""
        self._validation: list[Tensor] = []
        self.final_network.eval()

    def validation_figures(self) -> tuple[float, float]:
        """Return (mean log-loss, top-1 in [0, 1]) of the last validation."""
        loss, hits, n = torch.stack(self._validation).sum(0).tolist()
        return loss / n, hits / n

    def pending_losses(self) -> list[float]:
        """Return the training losses of the steps since the last row, for a checkpoint."""
        return torch.stack(self._sums).tolist() if self._sums else []

    def restore(self, step: int, micro_batch: int, pending_losses: list[float]) -> None:
        """Go on after `step` finished steps."""
        self.step, self.micro_batch = step, micro_batch
        self._sums = list(torch.tensor(pending_losses, device=self.device))

    def take_training_loss(self) -> float:
        """Return the mean training loss since the last call: one synchronisation with the device an epoch."""
        mean = torch.stack(self._sums).mean().item() if self._sums else float("nan")
        self._sums = []
        return mean


def scaler_of(module: LightningModule) -> Any:
    """Return what scales the loss of a module in fp16, or None in other arithmetic."""
    return getattr(module.trainer.precision_plugin, "scaler", None)
