"""From logits to a label of each head, with a temperature for each, fitted to validation and kept in a file."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from visionft.metrics import KnownScale, Postprocess, softmax
from visionft.metrics.temperature import fit_temperature
from visionft.runs import layout
from visionft.runs.atomic_write import write_json
from visionft.runs.run_files import read_record
from visionft.tasks.multihead.head_layout import Heads


@dataclass(frozen=True, eq=False)
class HeadPostprocess(Postprocess):
    """How the logits of several heads are read.

    Attributes:
        heads: their classes.
        temperatures: (H,) float32 above 0, what the logits of each are divided by.
    """

    heads: Heads = field(default_factory=lambda: Heads(()))
    temperatures: NDArray[np.float32] = field(default_factory=lambda: np.zeros(0, np.float32))

    @classmethod
    def by(cls, heads: Heads, temperatures: Mapping[str, float]) -> HeadPostprocess:
        """Return the rule with the temperatures of heads by their names; 1 of those that have none."""
        values = np.array([temperatures.get(name, 1.0) for name in heads.names], np.float32)
        return cls(1.0, KnownScale.plain(), None, heads, values)

    def probabilities(self, logits: NDArray[np.floating]) -> NDArray[np.float32]:
        """Return calibrated probabilities (n, K) of logits (n, K): those of each head sum to 1."""
        parts = zip(self.heads.parted(logits), self.temperatures, strict=True)
        return np.concatenate([softmax(part / temperature) for part, temperature in parts], axis=1).astype(np.float32)


@dataclass(frozen=True)
class HeadTemperatures:
    """What was fitted to validation photos.

    Attributes:
        heads: their classes.
        values: temperature of each head, by its name.
        kept: names of the heads whose temperature is an earlier run's.
    """

    heads: Heads
    values: dict[str, float]
    kept: tuple[str, ...] = ()

    @classmethod
    def fit(
        cls,
        heads: Heads,
        logits: NDArray[np.float32],
        labels: NDArray[np.integer],
        given: Mapping[str, float] | None = None,
    ) -> HeadTemperatures:
        """Fit a temperature for each head to the photos that know its label.

        Args:
            heads: their classes.
            logits: (n, K) raw.
            labels: (n, H) places among each head's classes, or -1.
            given: temperatures that are known already, by the heads' names.
        """
        values = dict(given or {})
        for name, part, own in zip(heads.names, heads.parted(logits), labels.T, strict=True):
            if name not in values:
                values[name] = fit_temperature(part[own >= 0], own[own >= 0]).temperature
        return cls(heads, {name: values[name] for name in heads.names}, tuple(given or ()))

    @classmethod
    def plain(cls, heads: Heads) -> HeadTemperatures:
        """Return those of a model that nothing was fitted for."""
        return cls(heads, dict.fromkeys(heads.names, 1.0))

    @classmethod
    def read(cls, folder: Path, heads: Heads) -> HeadTemperatures:
        """Read what `write` wrote; RunError where the file is missing or damaged."""

        def build(record: Mapping[str, Any]) -> HeadTemperatures:
            values = {name: float(record["temperatures"][name]) for name in heads.names}
            if not all(0 < value < math.inf for value in values.values()):
                raise ValueError("a temperature is none")
            return cls(heads, values, tuple(record.get("kept", ())))

        return read_record(folder / layout.CALIBRATION, build)

    def write(self, folder: Path) -> None:
        """Write calibration.json."""
        kept = {"kept": list(self.kept)} if self.kept else {}
        write_json(folder / layout.CALIBRATION, {"temperatures": self.values, **kept})

    def answering(self, accepted: float | None = None) -> HeadPostprocess:  # noqa: ARG002  # nothing is unknown
        """Return the rule from logits to answers."""
        return HeadPostprocess.by(self.heads, self.values)

    def sentence(self) -> str:
        """Say the temperatures."""
        told = ", ".join(
            f"{name} {value:.3f}{' (of the earlier run)' if name in self.kept else ''}"
            for name, value in self.values.items()
        )
        return f"calibration: temperatures of the heads, fitted to validation: {told}"
