"""The three gates of a shrunken model: accuracy, speed, size. All are measured, so that a refusal names every fault."""

from __future__ import annotations

import platform
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from visionft.bundle.quantization_record import FlipsRecord, SpeedRecord
from visionft.errors import PrecisionError
from visionft.metrics import Flips

LEAST_RATIO = 1.1
"""Below that, a second arithmetic in the shelf costs more than it saves."""
SLOWER: Literal["slower"] = "slower"
VNNI = ("avx512_vnni", "avx_vnni")


@dataclass(frozen=True)
class Gates:
    """What was measured of a shrunken model, and what it must reach.

    Attributes:
        precision: `fp16` or `int8`.
        recipe: in words.
        flips: on validation photos beside the trained model, by how photos were given.
        speeds: of the network half, beside fp32's.
        bytes: of the whole file.
        bytes_fp32: of the one in fp32.
        max_loss: points of top-1 that may be lost.
    """

    precision: str
    recipe: str
    flips: tuple[FlipsRecord, ...]
    speeds: tuple[SpeedRecord, ...]
    bytes: int
    bytes_fp32: int
    max_loss: float

    def require(self, allowed: Sequence[str] = (), notes: Iterable[str] = ()) -> None:
        """Pass, or say which gates failed, with figures.

        Args:
            allowed: gates that may fail: `slower`.
            notes: what else the reader should know.

        Raises:
            PrecisionError: a gate failed that may not.
        """
        slow = None if SLOWER in allowed else self.slow()
        faults = [fault for fault in (self.inaccurate(), slow, self.large()) if fault]
        if not faults:
            return
        raise PrecisionError(
            f"{self.precision} ({self.recipe}) is not worth it here: {'; '.join([*faults, *notes])}; "
            f"nothing was written: {self._advice(slow if len(faults) == 1 else None)}"
        )

    def inaccurate(self) -> str | None:
        """Say how much accuracy may be lost, if that is too much."""
        worst = max(self.flips, key=lambda flips: flips.upper)
        if worst.upper < self.max_loss / 100:
            return None
        found = (
            f"accuracy: {worst.lost} of {worst.n:,} validation photos went from right to wrong and {worst.gained} from "
            f"wrong to right, so up to {worst.upper * 100:.2f} points of top-1 are lost and {self.max_loss:g} may be"
        )
        needed = Flips(worst.lost, worst.gained, worst.n).photos_needed(self.max_loss / 100)
        return found if needed is None else f"{found} ({needed:,} photos with the same shares would be enough)"

    def slow(self) -> str | None:
        """Say how fast it is, if at no batch size it is surely faster."""
        if any(speed.ratio >= LEAST_RATIO and speed.low > 1 for speed in self.speeds):
            return None
        ratios = " and ".join(
            f"{speed.ratio:.2f} ({speed.low:.2f} to {speed.high:.2f}) at batch {speed.batch}" for speed in self.speeds
        )
        return f"speed: {ratios} times as fast as fp32 on this machine, and {LEAST_RATIO} is wanted"

    def large(self) -> str | None:
        """Say how large it is, if no smaller than in fp32."""
        if self.bytes < self.bytes_fp32:
            return None
        return f"size: {self.bytes:,} bytes, and fp32 has {self.bytes_fp32:,}"

    def _advice(self, slow: str | None) -> str:
        if slow is not None:
            return "give --precision fp32, or --allow slower if the size is what counts"
        return "give --precision fp32, or another --precision or --max-loss"


def saturation(flags: str | None = None, architecture: str | None = None) -> str | None:
    """Warn where int8 products saturate: x86 without VNNI adds them in 16 bits.

    Args:
        flags: of the processor, separated by spaces; None: this machine's.
        architecture: such as `x86_64`; None: this machine's.
    """
    if (architecture or platform.machine()).lower() not in ("x86_64", "amd64", "i686"):
        return None
    known = _flags() if flags is None else flags
    if not known or set(VNNI) & set(known.split()):
        return None
    return (
        "this processor has no VNNI, so sums of int8 products can saturate here: it answers less well and no faster "
        "than one that has"
    )


def processor() -> str:
    """Return the name of this machine's processor."""
    return _line("model name") or platform.processor() or platform.machine()


def _flags() -> str:
    return _line("flags")


def _line(key: str) -> str:
    path = Path("/proc/cpuinfo")
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    return next((line.partition(":")[2].strip() for line in lines if line.startswith(key)), "")
