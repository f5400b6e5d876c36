"""How long it will take, said after the first steps, and a bar on the way."""

from __future__ import annotations

import time

from visionft.data import TrainLoader
from visionft.machine.progress import Advance, Say
from visionft.training.callbacks import Listener
from visionft.training.state import TrainState
from visionft.wording.lists import count

WARM_UP = 2  # steps that allocate and start workers
TIMED = 6  # steps whose rate is taken for all


class Eta(Listener):
    """Say the expected time once, and move the bar after each step.

    Args:
        loader: of the training photos; where their views grow, later steps take longer.
        advance: receives (photos trained, photos in all).
        say: prints one line.
    """

    def __init__(self, loader: TrainLoader, advance: Advance, say: Say) -> None:
        self.loader = loader
        self.advance = advance
        self.say = say
        self._steps = 0
        self._began = 0.0

    def stepped(self, state: TrainState, photos: int) -> None:
        """Count a step."""
        self._steps += 1
        total = state.schedule.total_steps
        self.advance(state.step * photos, total * photos)
        if self._steps == WARM_UP:
            self._began = time.monotonic()
        if self._steps == WARM_UP + TIMED:
            left = (time.monotonic() - self._began) / TIMED * self._left(state.step, total)
            self.say(
                f"training: {total} steps in {count(state.schedule.epochs, 'epoch')}, about {spoken(left)} from now"
            )

    def _left(self, step: int, total: int) -> float:
        """Return what is left, in steps like the present one."""
        sides, an_epoch = self.loader.dataset.augment.sides, self.loader.steps_per_epoch
        if sides is None:
            return total - step
        work = sides.work(total / an_epoch) - sides.work(step / an_epoch)
        return work * an_epoch * (sides.last / sides.at(step // an_epoch)) ** 2


def spoken(seconds: float) -> str:
    """Return a span of time in the unit that a person would use."""
    if seconds < 90:
        return f"{seconds:.0f} seconds"
    return f"{seconds / 60:.0f} minutes" if seconds < 5400 else f"{seconds / 3600:.1f} hours"
