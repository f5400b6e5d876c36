"""Listen to a training, and stop it: `python examples/listener.py PHOTOS OUT`.

A listener hears of every step and every validation; a logger of Lightning's gets the figures through `LoggerListener`.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from lightning.fabric.loggers import CSVLogger

import visionft as vft

if TYPE_CHECKING:
    from visionft.training import Figures, TrainState

ENOUGH = 0.95


class GoodEnough(vft.Listener):
    """Ends the training after the first epoch whose top-1 on validation photos is enough."""

    def validated(self, state: TrainState, figures: Figures) -> None:
        """Look at the figures of an epoch."""
        print(f"heard of epoch {state.epoch}: top-1 {figures.top1:.1%}")
        state.stop = figures.top1 >= ENOUGH


def main(photos: str, out: str) -> None:
    """Fit with both listeners."""
    logs = vft.LoggerListener(CSVLogger(Path(out) / "logs", name="fit"), every=1)
    run = vft.fit(
        photos, out=Path(out) / "run", backbone="visionft_pico", epochs=3, augment={"views": None},
        listeners=[GoodEnough(), logs],
    )  # fmt: skip
    print(run)


if __name__ == "__main__":
    main(*sys.argv[1:3])
