"""Long JSON is parsed in a process of its own: Python's parser holds every thread of the process that it works in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from typing import Any

import numpy as np

from visionft.bundle import names as n
from visionft.machine.worker_process import EndedError, LateError, Message, Process, answer_all, opened
from visionft.serving.limits import Limits
from visionft.serving.server.http_error import RefusalError
from visionft.serving.server.infer import Asked, read_infer
from visionft.serving.server.request_body import Body

_MOST_BYTES = 3_000_000_000
"""Memory and addresses of the process; what the bounds of JSON let pass takes a quarter of it."""


class Parser:
    """The process, from outside; for one thread at a time, but for `stop`."""

    def __init__(self, limits: Limits, outputs: Sequence[str] = n.OUTPUTS) -> None:
        """Hold what it will need; it starts with the first question."""
        self.outputs = tuple(outputs)
        self.process = Process(__name__, (asdict(limits), b""))

    def read(self, body: Body, header_length: str | None, seconds: float) -> Asked:
        """Read a body as `read_infer` does.

        Raises:
            RefusalError: 400 or 413 for whatever is wrong with it, 504 if it takes more than `seconds`.
        """
        try:
            head, levels = self.process.ask({"length": header_length, "known": self.outputs}, body, seconds)
        except LateError:
            raise RefusalError(504, f"the JSON was not read within {seconds:.2g} s: send it again, or less") from None
        except EndedError:
            raise RefusalError(
                413, "the JSON needs more memory than one request may take: send its data as bytes"
            ) from None
        if "sentence" in head:
            raise RefusalError(head["status"], head["sentence"])
        images = np.frombuffer(levels, np.uint8).reshape(head["shape"])
        outputs = tuple((name, binary) for name, binary in head["outputs"])
        return Asked(head["id"], images, outputs, head["parameters"])


def main() -> None:
    """Parse bodies; what the process runs."""
    line, (limits, _) = opened()
    answer_all(line, partial(_answer, Limits(**limits)), _MOST_BYTES)


def _answer(limits: Limits, head: dict[str, Any], data: bytes) -> Message:
    try:
        asked = read_infer(data, head["length"], limits, head["known"])
    except RefusalError as refusal:
        return {"status": refusal.status, "sentence": refusal.sentence}, b""
    about = {"id": asked.id, "shape": asked.images.shape, "outputs": asked.outputs, "parameters": asked.parameters}
    return about, asked.images.tobytes()
