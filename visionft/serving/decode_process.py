"""Large and laborious photos are made ready in a process of its own, which has bounds of time and memory."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from visionft import photos
from visionft.errors import PhotoError
from visionft.machine.worker_process import EndedError, LateError, Message, Process, answer_all, opened
from visionft.serving.decode_cost import BYTES_A_PIXEL
from visionft.serving.engine import Front

_OWN_BYTES = 1_500_000_000
"""What the process takes beside photos: mostly addresses that its libraries reserve and never touch."""
_NO_MEMORY = "needs more memory than one photo may take"


@dataclass(frozen=True)
class Parcel:
    """A photo on its way to the process: its file, or levels (H, W, 3) uint8 RGB that need no decoding."""

    data: bytes | NDArray[np.uint8]


class DecodeProcess:
    """The process, from outside; for one thread at a time, but for `stop`."""

    def __init__(self, front: bytes, max_pixels: int) -> None:
        """Hold what it will need.

        Args:
            front: the first half of the bundle's graph.
            max_pixels: largest width times height of a photo; memory is bounded by it.
        """
        self.process = Process(__name__, ({"max_pixels": max_pixels}, front))

    def pixels(self, parcel: Parcel, seconds: float) -> NDArray[np.float32]:
        """Return the network's input (3, h, w) float32.

        Raises:
            PhotoError: the photo cannot be decoded, or takes more than `seconds` or the memory that there is for it.
        """
        data = parcel.data
        try:
            head, answer = (
                self.process.ask({"shape": None}, data, seconds)
                if isinstance(data, bytes)
                else self.process.ask({"shape": data.shape}, data.tobytes(), seconds)
            )
        except LateError:
            raise PhotoError(f"takes more than {seconds:.2g} s to decode") from None
        except EndedError:
            raise PhotoError(f"ends the decoder (damaged, or {_NO_MEMORY})") from None
        if "reason" in head:
            raise PhotoError(head["reason"])
        return np.frombuffer(answer, np.float32).reshape(head["shape"])


def main() -> None:
    """Make photos ready; what the process runs."""
    line, (first, model) = opened()
    most = int(first["max_pixels"])
    answer_all(line, partial(_answer, Front(model), most), _OWN_BYTES + BYTES_A_PIXEL * most)


def _answer(front: Front, max_pixels: int, head: dict[str, Any], data: bytes) -> Message:
    try:
        levels = np.frombuffer(data, np.uint8)
        whole = photos.decode(data, max_pixels=max_pixels) if head["shape"] is None else levels.reshape(head["shape"])
        pixels = front.pixels(whole)
    except PhotoError as fault:
        return {"reason": fault.reason}, b""
    except Exception:  # noqa: BLE001  # onnxruntime says in several types that there is no memory
        return {"reason": _NO_MEMORY}, b""
    return {"shape": pixels.shape}, pixels.tobytes()
