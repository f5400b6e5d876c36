"""Run by the target's own interpreter, which has onnxruntime and numpy and nothing of visionft.

python asking.py MODEL ASKED.npz ANSWERED.npz [ADAPTER]
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import onnxruntime as ort


def main(model: str, asked: str, answered: str, adapter: str | None = None) -> None:
    """Answer every array of the first file into the second, as `number/output`."""
    options, running = ort.SessionOptions(), ort.RunOptions()
    options.log_severity_level = 3  # else a base for adapters warns of each of their inputs
    session = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    if adapter is not None:
        loaded = ort.LoraAdapter()  # the options do not keep it alive
        loaded.Load(adapter)
        running.add_active_adapter(loaded)
    names = [value.name for value in session.get_outputs()]
    found: dict[str, Any] = {}
    with np.load(asked) as batches:
        for i, key in enumerate(batches.files):
            values = session.run(names, {"image": batches[key]}, running)
            found |= {f"{i}/{name}": _plain(value) for name, value in zip(names, values, strict=True)}
    np.savez(answered, **found)


def _plain(values: Any) -> Any:
    """Return names as text of a fixed width, which is stored without pickle."""
    return values.astype(np.str_) if values.dtype == object else values


if __name__ == "__main__":
    main(*sys.argv[1:])
