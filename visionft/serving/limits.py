"""How much a server takes on."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """Bounds of one server; what lies above them is refused in one sentence.

    Attributes:
        batch: most photos that go through the network together, from 1.
        batch_seconds: longest time that a photo which is ready waits for others to fill the batch.
        queue: most photos that are taken in and not answered yet, from 1.
        max_bytes: largest body of a request, unpacked.
        max_pixels: largest width times height of a photo.
        timeout: seconds from a request's first line to its answer.
    """

    batch: int
    batch_seconds: float
    queue: int
    max_bytes: int
    max_pixels: int
    timeout: float
