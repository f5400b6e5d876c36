"""All that changes while a network is trained: weights, their average, the optimizer, the step."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from lightning.fabric import Fabric
from torch import Tensor, nn
from torch.optim import AdamW

from visionft import backbones, methods
from visionft.backbones import Network
from visionft.backbones.rewrites.eval_mode_bn import freeze_norms
from visionft.machine.progress import Say
from visionft.runs.history import Epoch
from visionft.settings import FitSettings, OptimSettings
from visionft.training.checkpoint import Checkpoint
from visionft.training.ema import AveragedNetwork
from visionft.training.l2_sp import L2SP, without_decay
from visionft.training.objective import Objective
from visionft.training.ranks import ALONE, Ranks


class TrainState:
    """A network under a schedule at one step; what trains, and at which rate, follows from the step alone.

    Args:
        fabric: device and precision.
        objective: holds the network.
        schedule: pure function of the step.
        say: prints one line.
        ranks: the processes that train it together.

    Attributes:
        step: optimizer steps done.
        photos: of the last step, over all processes.
        micro_batch: photos a forward pass; halved where the device has no room.
        averaged: exponential moving average of the weights, where it is on.
        l2_sp: pull towards the start, where it is on.
        stop: set by a listener: the loop is to be left.
        written: set by what wrote a checkpoint: its file, until the listeners were told.
    """

    def __init__(
        self,
        fabric: Fabric,
        objective: Objective,
        schedule: methods.Schedule,
        say: Say = print,
        ranks: Ranks = ALONE,
    ) -> None:
        self.fabric, self.objective, self.schedule, self.say = fabric, objective.to(fabric.device), schedule, say
        self.ranks = ranks
        self.depth_map = backbones.depth_map(self.network)
        self.groups = methods.groups(self.network, self.depth_map)
        self.optimizer = self._optimizer()
        self._stepping: Any = fabric.setup_optimizers(self.optimizer)
        if self.settings.hardware.channels_last:
            self.network.to(memory_format=torch.channels_last)
        self.averaged: AveragedNetwork | None = None
        self.l2_sp: L2SP | None = None
        self.step, self.photos, self.micro_batch = 0, 0, int(self.settings.optim.micro_batch)
        self.stop = False
        self.written: Path | None = None
        self._losses: list[Tensor] = []
        self._trains: methods.State | None = None

    @property
    def network(self) -> Network:
        """The network that is trained."""
        return self.objective.network

    @property
    def parameters(self) -> list[nn.Parameter]:
        """What the optimizer moves, in its order: the network's parameters, and what trains beside it."""
        return [parameter for group in self.optimizer.param_groups for parameter in group["params"]]

    @property
    def settings(self) -> FitSettings:
        """Resolved, without "auto"."""
        return self.objective.settings

    @property
    def device(self) -> torch.device:
        """Where the network is."""
        return self.fabric.device

    @property
    def epoch(self) -> int:
        """Whole epochs done."""
        return self.step // self.schedule.steps_per_epoch

    @property
    def final_network(self) -> Network:
        """The weights that are validated and exported: averaged where averaging is on."""
        if self.averaged is None:
            return self.network
        assert isinstance(self.averaged.network, Network)
        return self.averaged.network

    @property
    def scaler(self) -> torch.amp.GradScaler | None:
        """What scales the loss in fp16; none in other arithmetic."""
        found: torch.amp.GradScaler | None = getattr(self.fabric.strategy.precision, "scaler", None)
        return found

    def begin(self, checkpoint: Checkpoint | None, start: Path) -> None:
        """Come into the state where training begins, or goes on after a checkpoint.

        Args:
            checkpoint: the last one, or none.
            start: file of the weights that training started from, which L2-SP reads after a checkpoint.
        """
        if checkpoint:
            self.network.load_state_dict(checkpoint.network)
        if self.settings.optim.ema:
            self.averaged = AveragedNetwork(self.network, float(self.settings.optim.ema), self._never_trained())
            if checkpoint and checkpoint.averaged:
                self.averaged.load_state_dict(checkpoint.averaged)
        if self.settings.optim.l2_sp:
            pulled = [group for group in self.groups if group.role in self.schedule.roles]
            self.l2_sp = L2SP(self.network, pulled, self.settings.optim.l2_sp)
            if checkpoint:
                self.l2_sp.load(start)
        if checkpoint:
            self._restore(checkpoint)
        self.enter_step()

    def _restore(self, checkpoint: Checkpoint) -> None:
        self.optimizer.load_state_dict(checkpoint.optimizer)
        if self.scaler is not None and checkpoint.scaler:
            self.scaler.load_state_dict(checkpoint.scaler)
        if self.objective.distillation:
            self.objective.distillation.load_state_dict(checkpoint.beside)
        if checkpoint.loss:  # buffers stay as the caller gave them
            trained = {name: checkpoint.loss[name] for name, _ in self.objective.loss.named_parameters()}
            self.objective.loss.load_state_dict(trained, strict=False)
        self.step, self.micro_batch = checkpoint.step, checkpoint.micro_batch
        self._losses = list(torch.tensor(checkpoint.pending_loss, device=self.device))

    def checkpoint(self, history: list[Epoch]) -> Checkpoint:
        """Return the state after the last finished step, with the rows of the finished epochs."""
        distillation, scaler = self.objective.distillation, self.scaler
        return Checkpoint(
            self.step,
            dict(self.network.state_dict()),
            self.averaged.state_dict() if self.averaged else None,
            self.optimizer.state_dict(),
            self.micro_batch,
            history,
            torch.stack(self._losses).tolist() if self._losses else [],
            dict(distillation.state_dict()) if distillation else {},
            dict(scaler.state_dict()) if scaler else {},
            {name: parameter.detach() for name, parameter in self.objective.loss.named_parameters()},
        )

    def enter_step(self) -> None:
        """Bring rates and frozen groups to the schedule's state at this step."""
        state = self.schedule.at(self.step)
        if self._trains is None or self.step in self.schedule.changes:
            self._freeze(state)
            frozen = [group for group in self.groups if not state.trains(group.depth, group.role)]
            methods.drop_state(self.optimizer, frozen)
        self._trains = state
        methods.set_rates(self.optimizer, state)

    def take_optimizer_step(self) -> None:
        """Let the optimizer move the weights, through the scaler where there is one."""
        self._stepping.step()

    def train_mode(self) -> None:
        """Go back to training after a validation; what is frozen stays in `eval()`."""
        self.objective.train()
        if self._trains is not None:
            self._freeze(self._trains)

    def add_loss(self, loss: Tensor) -> None:
        """Keep the mean loss of a step, float32 [], where it is: it is read once an epoch."""
        self._losses.append(loss)

    def take_loss(self) -> float:
        """Return the mean training loss since the last call: one synchronisation with the device an epoch."""
        mean = torch.stack(self._losses).mean().item() if self._losses else float("nan")
        self._losses = []
        return mean

    def _freeze(self, state: methods.State) -> None:
        methods.apply(self.network, self.groups, state)
        if self.settings.optim.norm_statistics == "frozen":
            freeze_norms(self.network)

    def _never_trained(self) -> frozenset[str]:
        roles = self.schedule.roles | {"head"}
        return frozenset(name for group in self.groups if group.role not in roles for name in group.parameters)

    def _optimizer(self) -> AdamW:
        """Return AdamW over all groups; their rates are set at each step."""
        optim = self.settings.optim
        groups = methods.parameter_groups(self.network, self.groups, optim.weight_decay)
        groups = without_decay(groups) if optim.l2_sp else groups
        trained = [self.objective.distillation, self.objective.loss]
        return AdamW([*groups, *beside(trained, self.depth_map.levels, optim)], lr=0.0, fused=True)


def beside(modules: Sequence[nn.Module | None], levels: int, optim: OptimSettings) -> list[dict[str, Any]]:
    """Return the optimizer's group of what trains with the head and is no part of the network."""
    parameters = [parameter for module in modules if module is not None for parameter in module.parameters()]
    group = {"params": parameters, "name": "beside", "depth": levels - 1, "role": "head"}
    return [{**group, "weight_decay": optim.weight_decay, "lr": 0.0}] if parameters else []
