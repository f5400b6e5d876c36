"""What a run's photos say about its answers: calibration.json, and class_means.safetensors beside it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save_file

from visionft.metrics import KnownScale, Postprocess, Temperature, fit_temperature
from visionft.runs import layout
from visionft.runs.atomic_write import replacing, write_json
from visionft.runs.run_files import damaged, read_record, read_tensors

ACCEPTED = 0.95
"""Share of known photos that the threshold accepts unless another is asked for."""
SCORES_KEPT = 2_000
"""Scores of more validation photos are thinned evenly: a threshold then moves by a thousandth of the photos at most."""
MEANS = "class_means"


@dataclass(frozen=True, eq=False)
class Calibration:
    """How a run's logits become probabilities, and how surely its validation photos were known.

    Attributes:
        temperature: what logits are divided by, and the photos it was fitted on.
        scale: what the known score is measured by.
        known_scores: scores of validation photos in rising order.
    """

    temperature: Temperature
    scale: KnownScale
    known_scores: tuple[float, ...]

    @classmethod
    def fit(
        cls,
        logits: NDArray[np.float32],
        embeddings: NDArray[np.float32],
        labels: NDArray[np.int64],
        means: NDArray[np.float32],
    ) -> Calibration:
        """Fit to validation photos, and to nothing else.

        Args:
            logits: (n, C) raw.
            embeddings: (n, D) of length 1.
            labels: (n,) class indices.
            means: (C, D) mean directions of the training photos of each class.
        """
        temperature, scale = fit_temperature(logits, labels), KnownScale.of(logits, embeddings, means)
        ordered = np.sort(Postprocess(1.0, scale).known(logits, embeddings))
        if len(ordered) > SCORES_KEPT:
            ordered = ordered[np.linspace(0, len(ordered) - 1, SCORES_KEPT).round().astype(np.int64)]
        return cls(temperature, scale, tuple(float(score) for score in ordered))

    @classmethod
    def read(cls, folder: Path) -> Calibration:
        """Read what `write` wrote.

        Raises:
            RunError: a file is missing or damaged.
        """
        temperature, logit, cosine, scores = read_record(folder / layout.CALIBRATION, _figures)
        tensors = read_tensors(folder / layout.CLASS_MEANS)
        if MEANS not in tensors:
            raise damaged(folder / layout.CLASS_MEANS, f"it has no {MEANS}")
        return cls(temperature, KnownScale(tensors[MEANS].numpy(), logit, cosine), scores)

    def write(self, folder: Path) -> None:
        """Write both files."""
        assert self.scale.means is not None, "a run has class means, or no calibration"
        with replacing(folder / layout.CLASS_MEANS) as temporary:
            save_file({MEANS: self.scale.means}, temporary)
        found = self.temperature
        record = {
            "temperature": found.temperature,
            "photos": found.photos,
            "fitted": found.fitted,
            "logit": list(self.scale.logit),
            "cosine": list(self.scale.cosine),
            "known_scores": list(self.known_scores),
        }
        write_json(folder / layout.CALIBRATION, record)

    def answering(self, accepted: float | None = ACCEPTED) -> Postprocess:
        """Return the rule from logits to answers.

        The threshold is the score of a validation photo. A further photo like them falls below with a chance of at most
        1 - `accepted` (split conformal prediction, arXiv 1604.04173): it is as likely to take any place in their order.

        Args:
            accepted: share of known photos that pass, in (0, 1); None: no threshold. There is none either where the
                photos are too few for the share, 19 for 0.95.
        """
        threshold = None if accepted is None else conformal(self.known_scores, accepted)
        return Postprocess(self.temperature.temperature, self.scale, threshold)


def conformal(ordered: Sequence[float], accepted: float) -> float | None:
    """Return the k-th of n rising scores, k = (1 - accepted) (n + 1) rounded down; None where k is 0."""
    place = math.floor((1 - accepted) * (len(ordered) + 1) + 1e-9)  # (1 - 0.95) * 20 is 1, not a trifle less
    return ordered[place - 1] if place else None


def _figures(record: dict[str, Any]) -> tuple[Temperature, tuple[float, float], tuple[float, float], tuple[float, ...]]:
    temperature = Temperature(float(record["temperature"]), int(record["photos"]), bool(record["fitted"]))
    if not 0 < temperature.temperature < math.inf:
        raise ValueError(f"its temperature is {temperature.temperature}")
    logit, cosine = (_pair(record[name]) for name in ("logit", "cosine"))
    return temperature, logit, cosine, tuple(float(score) for score in record["known_scores"])


def _pair(values: Sequence[float]) -> tuple[float, float]:
    mean, spread = map(float, values)
    return mean, spread
