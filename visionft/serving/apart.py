"""Large and laborious photos are made ready in a process of its own, which has bounds of time and memory.

A thread inside a decoder cannot be ended; a process can. It is started when the first such photo comes, makes one photo
ready at a time, and is replaced when it had to be ended.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, Pipe

import numpy as np
from numpy.typing import NDArray

from visionft import photos
from visionft.errors import PhotoError
from visionft.serving.engine import Front
from visionft.serving.weighing import BYTES_A_PIXEL

_START_SECONDS = 120.0
_OWN_BYTES = 1_500_000_000
"""What the process takes beside photos: mostly addresses that its libraries reserve and never touch."""
_NICE = 5
"""How much it gives way to the threads that answer small photos."""
_CODE = "from visionft.serving.apart import main; main()"


@dataclass(frozen=True)
class Parcel:
    """A photo on its way to the process: its file, or levels (H, W, 3) uint8 RGB that need no decoding."""

    data: bytes | NDArray[np.uint8]


class Apart:
    """The parent's side; for one thread at a time."""

    def __init__(self, front: bytes, max_pixels: int) -> None:
        """Hold what the process will need.

        Args:
            front: the first half of the bundle's graph.
            max_pixels: largest width times height of a photo; memory is bounded by it.
        """
        self._front, self._max_pixels = front, max_pixels
        self._process: subprocess.Popen[bytes] | None = None
        self._line: Connection | None = None

    def pixels(self, parcel: Parcel, seconds: float) -> NDArray[np.float32]:
        """Return the network's input (3, S, S) float32.

        Raises:
            PhotoError: the photo cannot be decoded, or takes more than `seconds` or the memory that there is for it.
        """
        line = self._started()
        head = {"seconds": seconds, "shape": None if isinstance(parcel.data, bytes) else parcel.data.shape}
        try:
            line.send_bytes(json.dumps(head).encode())
            line.send_bytes(parcel.data if isinstance(parcel.data, bytes) else parcel.data.tobytes())
            if not line.poll(seconds):
                self.close()
                raise PhotoError(f"takes more than {seconds:.2g} s to decode")
            told = json.loads(line.recv_bytes())
            if "reason" in told:
                raise PhotoError(told["reason"])
            return np.frombuffer(line.recv_bytes(), np.float32).reshape(told["shape"])
        except (EOFError, OSError):
            self.close()
            raise PhotoError(
                "ends the decoder (damaged, or too large for the memory that one photo may take)"
            ) from None

    def stop(self) -> None:
        """End the process, whatever it does, from any thread; whoever waits for its answer is told."""
        if (process := self._process) is not None:
            process.kill()

    def close(self) -> None:
        """End the process, and forget it."""
        process, line, self._process, self._line = self._process, self._line, None, None
        if line is not None:
            line.close()
        if process is not None:
            process.kill()
            process.wait()

    def _started(self) -> Connection:
        if self._line is None:
            ours, theirs = Pipe()
            with theirs:
                place = str(theirs.fileno())
                self._process = subprocess.Popen(
                    [sys.executable, "-P", "-c", _CODE, place], pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=_environment(),
                )  # fmt: skip
            self._line = ours
            with suppress(OSError):  # it ended at once: whoever waits for its answer hears of it
                ours.send_bytes(json.dumps({"max_pixels": self._max_pixels}).encode())
                ours.send_bytes(self._front)
                if ours.poll(_START_SECONDS):
                    ours.recv_bytes()
        return self._line


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "OMP_NUM_THREADS": "1"}


def main() -> None:
    """Make photos ready until the other side closes the line; the process's own side."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # ^C reaches the whole group, and the parent ends this one itself
    os.nice(_NICE)
    line = Connection(int(sys.argv[1]))
    max_pixels = int(json.loads(line.recv_bytes())["max_pixels"])
    _bound_memory(_OWN_BYTES + BYTES_A_PIXEL * max_pixels)
    front = Front(line.recv_bytes())
    line.send_bytes(b"ready")
    with suppress(EOFError):
        while True:
            head = json.loads(line.recv_bytes())
            # The system ends this process at a time at which the parent has given it up, or is no more.
            signal.setitimer(signal.ITIMER_REAL, float(head["seconds"]) + 1.0)
            _answer(line, front, head["shape"], line.recv_bytes(), max_pixels)
            signal.setitimer(signal.ITIMER_REAL, 0)


def _bound_memory(most: int) -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))


def _answer(line: Connection, front: Front, shape: list[int] | None, data: bytes, max_pixels: int) -> None:
    try:
        image = (
            photos.decode(data, max_pixels=max_pixels)
            if shape is None
            else np.frombuffer(data, np.uint8).reshape(shape)
        )
        pixels = front.pixels(image)
    except PhotoError as fault:
        line.send_bytes(json.dumps({"reason": fault.reason}).encode())
    except Exception:  # noqa: BLE001  # onnxruntime says in several types that there is no memory
        line.send_bytes(json.dumps({"reason": "needs more memory than one photo may take"}).encode())
    else:
        line.send_bytes(json.dumps({"shape": pixels.shape}).encode())
        line.send_bytes(pixels.tobytes())
