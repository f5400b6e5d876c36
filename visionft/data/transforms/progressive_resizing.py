"""The side of the training crops, epoch by epoch (progressive resizing, arXiv 2104.00298)."""

from __future__ import annotations

from dataclasses import dataclass

STEP = 16  # pixels: what backbones stride by, so that no size leaves an edge unseen


def scaled(size: tuple[int, int], side: int) -> tuple[int, int]:
    """Return a size (H, W) whose shorter side is `side` pixels, of the same ratio or the nearest that networks take.

    Where `side` is a whole number of patches the other one is too, of the commonest patch.
    """
    if side == min(size):
        return size
    step = STEP if side % STEP == 0 else 1
    height, width = (max(side, round(edge * side / (min(size) * step)) * step) for edge in size)
    return height, width


@dataclass(frozen=True)
class Sides:
    """Crops that grow in a line from the first epoch to the last; early epochs see less and take less time.

    Attributes:
        first: side in the first epoch, in pixels.
        last: side in the last epoch, in pixels.
        epochs: of the whole run, all phases together.
    """

    first: int
    last: int
    epochs: int

    def at(self, epoch: int) -> int:
        """Return the side in an epoch, counted from 0; between the ends a multiple of 16."""
        if epoch >= self.epochs - 1 or self.first == self.last:
            return self.last
        side = self.first + (self.last - self.first) * max(0, epoch) / (self.epochs - 1)
        return max(self.first, min(self.last, round(side / STEP) * STEP))

    def work(self, epoch: float) -> float:
        """Return the pixels that are trained on before a moment, in epochs from the start, in units of the last's."""
        whole = int(epoch)
        shares = [(self.at(i) / self.last) ** 2 for i in range(whole + 1)]
        return sum(shares[:-1]) + (epoch - whole) * shares[-1]
