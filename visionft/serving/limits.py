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
        max_request_pixels: most pixels of all photos of a request together; as many may wait in the queue of large
            photos.
        max_held_bytes: most bytes of all requests' bodies together; None: four times `max_bytes`.
        max_photo_seconds: most seconds that one large or laborious photo may take to decode and to resize.
    """

    batch: int
    batch_seconds: float
    queue: int
    max_bytes: int
    max_pixels: int
    timeout: float
    max_request_pixels: int = 500_000_000
    max_held_bytes: int | None = None
    max_photo_seconds: float = 10.0

    @property
    def held_bytes(self) -> int:
        """Most bytes of all bodies together: room for one of the largest, packed and unpacked and cut into files."""
        return 4 * self.max_bytes if self.max_held_bytes is None else self.max_held_bytes
