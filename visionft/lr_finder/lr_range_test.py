"""The range test: a fit's first steps under a rate that rises from step to step, and its loss (arXiv 1506.01186)."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from visionft import methods
from visionft.advising.trials import Endless
from visionft.data import EvalPhotos, Manifest
from visionft.errors import UsageError
from visionft.lr_finder.lr_curve import RunningLoss, decay_of, rate_at
from visionft.machine.arithmetic import threads
from visionft.machine.memory import keep_freed_memory
from visionft.machine.progress import Advance
from visionft.methods.phases import phases
from visionft.methods.schedule import Schedule, Stretch
from visionft.planning.choices import Choice, put
from visionft.planning.memory_efficient import memory_efficient
from visionft.planning.plan import Plan, make_plan
from visionft.settings import FitSettings
from visionft.training.callbacks import Listener
from visionft.training.epochs import make_loader, make_state
from visionft.training.loop import train_loop
from visionft.training.solved_head import solve_head
from visionft.training.state import TrainState
from visionft.training.validation_cache import ValidationSource

UNWRITTEN = (Choice("data.cache", "none", "nothing is written"), Choice("optim.ema", 0.0, "nothing is averaged"))


@dataclass(frozen=True)
class Span:
    """Rates of a test.

    Attributes:
        steps: optimizer steps, at least 2.
        lowest: rate of the first.
        highest: rate of the last.
    """

    steps: int
    lowest: float
    highest: float


@dataclass(frozen=True)
class Curve:
    """What a test measured.

    Attributes:
        rates: `optim.lr` of each step that was taken.
        losses: mean training loss of each step's batch, before the step, in the task's unit; all are finite.
        diverged: whether the test ended because the loss diverged.
        settings: of the fit, resolved; its rates are the default's.
        default: why the default is what it is.
        phase: the phase that was tried, counted from 1, and how many the fit has.
        said: what planning said.
    """

    rates: tuple[float, ...]
    losses: tuple[float, ...]
    diverged: bool
    settings: FitSettings
    default: str
    phase: tuple[int, int]
    said: tuple[str, ...]


@dataclass(frozen=True)
class RisingStretch(Stretch):
    """A stretch whose rates all rise by one factor a step: those of levels and head keep their ratios."""

    span: Span = Span(2, 1e-7, 1.0)
    base: float = 1.0

    def factor(self, step: int) -> float:
        """Return the rate of a step over the stretch's own rate."""
        return rate_at(step, self.span.steps, self.span.lowest, self.span.highest) / self.base


class RangeTest(Listener):
    """Note the loss of each step, and end the training at the last one or where the loss diverges.

    Args:
        span: rates and steps.
        advance: receives (steps done, steps planned).
    """

    def __init__(self, span: Span, advance: Advance) -> None:
        self.span, self.advance = span, advance
        self.rates: list[float] = []
        self.losses: list[float] = []
        self.diverged = False
        self._running = RunningLoss(decay_of(span.steps))

    def stepped(self, state: TrainState, photos: int) -> None:
        """Read the loss of the step, which waits for the device; look whether it is the last."""
        loss, span = state.take_loss(), self.span
        self.diverged = self._running.diverges(loss)
        if math.isfinite(loss):
            self.rates.append(rate_at(state.step - 1, span.steps, span.lowest, span.highest))
            self.losses.append(loss)
        self.advance(state.step, span.steps)
        state.stop = self.diverged or state.step >= span.steps


def range_test(settings: FitSettings, manifest: Manifest, span: Span, *, advance: Advance) -> Curve:
    """Take a fit's first steps under a rising rate; nothing is written.

    What is tried is the phase that trains most, from where training begins: after the head was solved, if it is.

    Args:
        settings: as wanted; `optim.lr` is "auto".
        manifest: photos of the fit.
        span: rates and steps.
        advance: receives (steps done, steps planned).

    Raises:
        UsageError: every phase has a rate of its own.
        BackboneError, MemoryShortError: the backbone or this machine refuses the fit.
    """
    keep_freed_memory()
    said: list[str] = []
    plan = make_plan(put(settings, UNWRITTEN), manifest, said.append)
    loader = make_loader(plan, manifest)
    schedule = plan.schedule(loader.steps_per_epoch)
    number, stretch = tried(plan, schedule)
    rising = rising_schedule(schedule, stretch, span, float(plan.settings.optim.lr))
    test = RangeTest(span, advance)
    with threads(int(plan.settings.hardware.threads)), memory_efficient(plan.settings, plan.network):
        centres = solve_head(plan, manifest, said.append).centres if plan.solves_head else None
        state = make_state(plan, manifest, rising, loader, said.append)
        if centres is not None:
            state.objective.loss.begin(centres)
        state.begin(None, Path())
        train_loop(state, Endless(loader), _unread(state, plan, manifest), [test])
    loader.close()
    default = next((choice.reason for choice in plan.choices if choice.setting == "optim.lr"), "given")
    place = number + 1, len(schedule.stretches)
    rates, losses = tuple(test.rates), tuple(test.losses)
    return Curve(rates, losses, test.diverged, plan.settings, default, place, tuple(said))


def tried(plan: Plan, schedule: Schedule) -> tuple[int, Stretch]:
    """Return the phase that trains the most levels among those that `optim.lr` reaches, and its index.

    Raises:
        UsageError: there is none.
    """
    listed = phases(plan.settings.method, int(plan.settings.epochs), plan.solves_head)
    reached = [index for index, phase in enumerate(listed) if phase.lr == "auto"]
    if not reached:
        raise UsageError(
            "find-lr: every phase of --method.phases has an lr of its own, so --optim.lr moves nothing; "
            "leave their lr out"
        )
    index = min(reached, key=lambda index: (schedule.stretches[index].lowest, -schedule.stretches[index].steps))
    return index, schedule.stretches[index]


def rising_schedule(schedule: methods.Schedule, stretch: Stretch, span: Span, base: float) -> methods.Schedule:
    """Return a schedule of one rising stretch; what trains, and the ratios of the rates, are those of `stretch`.

    Args:
        schedule: of the fit.
        stretch: of it, whose peaks belong to the rate `base`.
        span: rates and steps.
        base: `optim.lr` of the fit.
    """
    rising = RisingStretch(0, span.steps, 0, stretch.lowest, stretch.peaks, span, base)
    return replace(schedule, steps_per_epoch=span.steps, stretches=(rising,))


def _unread(state: TrainState, plan: Plan, manifest: Manifest) -> ValidationSource:
    """Return what the loop asks for validation photos: it is left before its first validation."""
    none = manifest.rows("validation").take(np.arange(0))
    return ValidationSource(state, EvalPhotos(none, manifest.root, plan.preprocess), None, Path(), lambda _: None)
