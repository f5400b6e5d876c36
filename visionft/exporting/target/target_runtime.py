"""The target at work: it answers photos in a process of its own."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

from visionft.errors import ParityError
from visionft.exporting.target import answer_in_target
from visionft.exporting.target.target_version import Target

Outputs = dict[str, NDArray[np.generic]]


@dataclass(frozen=True)
class Runtime:
    """An environment that holds the target.

    Attributes:
        target: what is installed there.
        python: its interpreter.
    """

    target: Target
    python: Path

    def answer(self, model: Path, batches: Sequence[NDArray[np.uint8]], adapter: Path | None = None) -> list[Outputs]:
        """Return every output of the model by name, for each batch of (N, H, W, 3) uint8 RGB.

        Args:
            model: the ONNX file.
            batches: what it is asked, one after the other.
            adapter: the file of the adapter that answers.

        Raises:
            ParityError: the target cannot run the model.
        """
        with TemporaryDirectory(prefix="visionft-target-") as folder:
            asked, answered = Path(folder) / "asked.npz", Path(folder) / "answered.npz"
            np.savez(asked, *batches)
            words = [
                self.python,
                "-I",
                answer_in_target.__file__,
                model,
                asked,
                answered,
                *([adapter] if adapter else []),
            ]
            done = subprocess.run([*map(str, words)], capture_output=True, text=True, check=False)
            if done.returncode:
                said = done.stderr.strip().splitlines() or [f"it ended with {done.returncode}"]
                raise ParityError(
                    f"{self.target} cannot run the exported model ({said[-1]}); nothing was written: give a later "
                    "--target, or another --precision"
                )
            with np.load(answered, allow_pickle=False) as found:
                return _by_batch(dict(found), len(batches))


def _by_batch(found: Outputs, count: int) -> list[Outputs]:
    batches: list[Outputs] = [{} for _ in range(count)]
    for key, value in found.items():
        number, _, name = key.partition("/")
        batches[int(number)][name] = value
    return batches
