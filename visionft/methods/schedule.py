"""What trains when, and at which rate: a pure function of settings, facts and step.

Nothing here remembers anything: a resumed run asks for the state of its step and gets the state it had. Each phase
warms its rates up from zero in a line and lets them fall along a cosine (arXiv 1608.03983).
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

from visionft.errors import UsageError
from visionft.methods.param_roles import BACKBONE_ROLES, Role, roles_trained
from visionft.methods.phases import phases as phases_of
from visionft.settings import AnyMethod, LoraMethod, OptimSettings, Phase, QloraMethod


@dataclass(frozen=True)
class Facts:
    """What a schedule must know beside the settings.

    Attributes:
        levels: L of the depth map, head included.
        steps_per_epoch: optimizer steps, at least 1.
        epochs: passes after the head is solved.
        head_solved: whether the head was solved before the first step.
    """

    levels: int
    steps_per_epoch: int
    epochs: int
    head_solved: bool = False


@dataclass(frozen=True)
class State:
    """What trains at one step.

    Attributes:
        lowest: the lowest level that trains; L where nothing does.
        rates: learning rate of each level, 0 below `lowest`.
        roles: of the backbone, that train at and above `lowest`; a head always trains there.
        ratio: rate of the role `added_b` over that of its level.
    """

    lowest: int
    rates: tuple[float, ...]
    roles: frozenset[Role] = BACKBONE_ROLES
    ratio: float = 1.0

    def trains(self, depth: int, role: Role) -> bool:
        """Whether parameters of this depth and role change at this step."""
        return depth >= self.lowest and (role == "head" or role in self.roles)

    def lr(self, depth: int, role: Role) -> float:
        """Return the learning rate of this depth and role; 0 where nothing trains."""
        if not self.trains(depth, role):
            return 0.0
        return self.rates[depth] * (self.ratio if role == "added_b" else 1.0)


@dataclass(frozen=True)
class Stretch:
    """A phase in steps: `start` to `start + steps`, the first `warmup` of them rising to the peaks of each level."""

    start: int
    steps: int
    warmup: int
    lowest: int
    peaks: tuple[float, ...]

    def factor(self, step: int) -> float:
        """Return the share of the peak at a step of this stretch, in (0, 1]; a first step at rate 0 would be wasted."""
        k = step - self.start
        if k < self.warmup:
            return (k + 1) / (self.warmup + 1)
        return 0.5 * (1 + math.cos(math.pi * (k - self.warmup) / (self.steps - self.warmup)))


@dataclass(frozen=True)
class Schedule:
    """The stretches in order, which roles of the backbone they train, and the ratio of `State`."""

    levels: int
    steps_per_epoch: int
    stretches: tuple[Stretch, ...]
    roles: frozenset[Role] = BACKBONE_ROLES
    ratio: float = 1.0

    @property
    def total_steps(self) -> int:
        """Optimizer steps of all phases."""
        return sum(stretch.steps for stretch in self.stretches)

    @property
    def epochs(self) -> int:
        """Epochs of all phases."""
        return self.total_steps // self.steps_per_epoch

    @cached_property
    def changes(self) -> tuple[int, ...]:
        """Steps after the first at which other levels train than at the step before."""
        pairs = zip(self.stretches, self.stretches[1:], strict=False)
        return tuple(after.start for before, after in pairs if before.lowest != after.lowest)

    def phase(self, step: int) -> int:
        """Return the index of the phase that a step is in; past the end, the last one's."""
        if step < 0:
            raise ValueError(f"steps are counted from 0, {step} was given")
        return max(0, bisect_right(self._starts, step) - 1)

    def at(self, step: int) -> State:
        """Return what trains at a step, counted from 0; past the end everything stays as in the last step."""
        index = self.phase(step)
        if not self.stretches:
            return State(self.levels, (0.0,) * self.levels, self.roles, self.ratio)
        stretch = self.stretches[index]
        factor = stretch.factor(min(step, self.total_steps - 1))
        return State(stretch.lowest, tuple(peak * factor for peak in stretch.peaks), self.roles, self.ratio)

    @cached_property
    def _starts(self) -> tuple[int, ...]:
        return tuple(stretch.start for stretch in self.stretches)


def schedule(method: AnyMethod, optim: OptimSettings, facts: Facts) -> Schedule:
    """Build the schedule of a method.

    Args:
        method: with or without "auto" phases.
        optim: rates and layer decay resolved.
        facts: depth map and steps of this run.

    Raises:
        UsageError: a rate is still "auto".
    """
    phases = phases_of(method, facts.epochs, facts.head_solved)
    built = from_phases(phases, optim, facts, roles_trained(method))
    return replace(built, ratio=method.lr_ratio) if isinstance(method, LoraMethod | QloraMethod) else built


def from_phases(
    phases: Sequence[Phase], optim: OptimSettings, facts: Facts, roles: frozenset[Role] = BACKBONE_ROLES
) -> Schedule:
    """Build the schedule of explicit phases, of which only `roles` of the backbone train."""
    stretches: list[Stretch] = []
    start = 0
    for phase in phases:
        steps = phase.epochs * facts.steps_per_epoch
        lowest = lowest_trained(phase.unfreeze, facts.levels)
        peaks = _peaks(phase, lowest, optim, facts.levels)
        stretches.append(Stretch(start, steps, int(optim.warmup * steps), lowest, peaks))
        start += steps
    return Schedule(facts.levels, facts.steps_per_epoch, tuple(stretches), roles)


def lowest_trained(unfreeze: float, levels: int) -> int:
    """Return the lowest level that trains when a share of the backbone's levels is unfrozen from the top.

    The share is rounded to whole levels; any share above 0 unfreezes at least one.
    """
    backbone = levels - 1
    return backbone - max(int(unfreeze * backbone + 0.5), int(unfreeze > 0))


def _peaks(phase: Phase, lowest: int, optim: OptimSettings, levels: int) -> tuple[float, ...]:
    """Return lr * decay**(top - depth) for the backbone and the head's own rate on top; 0 below `lowest`."""
    run, head = _resolved(optim.lr, "optim.lr"), _resolved(optim.head_lr, "optim.head_lr")
    decay = _resolved(optim.layer_decay if phase.layer_decay == "auto" else phase.layer_decay, "optim.layer_decay")
    base = run if phase.lr == "auto" else phase.lr
    top = levels - 2
    if phase.lr != "auto":  # a phase's rate is its top's: the head alone, or the backbone and the head in proportion
        head = phase.lr if lowest == levels - 1 else head * phase.lr / run
    return (*(base * decay ** (top - depth) if depth >= lowest else 0.0 for depth in range(levels - 1)), head)


def _resolved(value: float | Literal["auto"], name: str) -> float:
    if value == "auto":
        raise UsageError(f"{name} is still auto; resolve it before the schedule is built")
    return value
