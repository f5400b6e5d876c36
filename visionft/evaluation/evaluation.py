"""The outcome of an evaluation: figures, and an answer for each photo."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
from numpy.typing import NDArray

from visionft.classes import Classes
from visionft.evaluation.retention import Retention
from visionft.metrics import Metrics, evaluate_logits, softmax
from visionft.photos import Quarantined
from visionft.runs.unfinished import sentence
from visionft.runs.writing import make_folder, replacing, write_json

FILES = frozenset({"metrics.json", "predictions.csv", "predictions.parquet", "confusion.csv"})


@dataclass(frozen=True)
class Evaluation:
    """Figures and answers on held-out photos.

    Attributes:
        subject: the run's or bundle's folder.
        split: name of the split, or of the folder evaluated.
        metrics: all figures.
        predictions: one row a photo: path, truth, label, probability, truth_probability, correct.
        quarantine: photos that could not be used, with reasons.
        retention: what the features still know of earlier photos, if that was asked for; it is written on its own.
        unfinished: epoch of the weights, where they are the best so far of a run that is not finished.
    """

    subject: Path
    split: str
    metrics: Metrics
    predictions: pa.Table
    quarantine: tuple[Quarantined, ...]
    retention: Retention | None = None
    unfinished: int | None = None

    @classmethod
    def of(
        cls,
        subject: Path,
        split: str,
        classes: Classes,
        paths: Sequence[object],
        logits: NDArray[np.float32],
        labels: NDArray[np.int64],
        quarantine: tuple[Quarantined, ...],
        temperature: float = 1.0,
    ) -> Evaluation:
        """Compute the figures from raw logits (N, C), the temperature that calibrates them and labels (N,)."""
        probabilities = softmax(logits / temperature)
        answers, n = probabilities.argmax(1), np.arange(len(labels))
        names = np.array(classes.names, dtype=object)
        table = pa.table(
            {
                "path": [str(path) for path in paths],
                "truth": names[labels],
                "label": names[answers],
                "probability": probabilities[n, answers].astype(np.float32),
                "truth_probability": probabilities[n, labels].astype(np.float32),
                "correct": answers == labels,
            }
        )
        metrics = evaluate_logits(logits, labels, list(classes), temperature=temperature)
        return cls(subject, split, metrics, table, quarantine)

    def write(self, folder: Path) -> Path:
        """Write metrics.json, predictions.csv, predictions.parquet and confusion.csv into a folder."""
        make_folder(folder)
        write_json(folder / "metrics.json", self.to_json())
        confusion = self.metrics.confusion
        counts = pa.table(
            {
                "truth": list(self.metrics.classes),
                **{name: confusion[:, i] for i, name in enumerate(self.metrics.classes)},
            }
        )
        for name, table in (("predictions.csv", self.predictions), ("confusion.csv", counts)):
            with replacing(folder / name) as temporary:
                pyarrow.csv.write_csv(table, temporary)
        with replacing(folder / "predictions.parquet") as temporary:
            pyarrow.parquet.write_table(self.predictions, temporary)
        return folder

    def to_json(self) -> dict[str, Any]:
        """Return the figures with what they are of."""
        quarantine = [{"path": entry.path, "reason": entry.reason} for entry in self.quarantine]
        figures = {"subject": str(self.subject), "split": self.split, **self.metrics.to_json()}
        return {**figures, "quarantine": quarantine, **self.mark}

    @property
    def mark(self) -> dict[str, Any]:
        """What JSON says of the weights of an unfinished run; nothing of a finished one's."""
        return {} if self.unfinished is None else {"unfinished": True, "epoch": self.unfinished}

    def __str__(self) -> str:
        lines = [f"{self.subject} on {self.split}: {self.metrics}"]
        lines += [] if self.unfinished is None else [sentence(self.subject, self.unfinished)]
        return "\n".join([*lines, *([str(self.retention)] if self.retention else [])])

    def _repr_html_(self) -> str:
        kept = f"<p>{self.retention}</p>" if self.retention else ""
        return f"<p>{self.subject} on {self.split}</p>{self.metrics._repr_html_()}{kept}"
