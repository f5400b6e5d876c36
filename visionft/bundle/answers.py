"""Answers: what a model says of photos, as objects, as a table and as a file."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from html import escape
from pathlib import Path
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from visionft.bundle.writing import write_table
from visionft.errors import UsageError
from visionft.photos import Quarantined

SHOWN_ROWS = 20
"""Rows that printing shows: about a screen."""
COLUMNS = ("path", "label", "class_index", "probability", "known_score", "unknown", "problem")


@dataclass(frozen=True, eq=False)
class Answer:
    """What the model says of one photo.

    Attributes:
        label: name of the class.
        class_index: its index in the classes.
        probability: calibrated probability of the label, in [0, 1].
        probabilities: (C,) float32, calibrated.
        logits: (C,) float32, raw.
        embedding: (D,) float32 of Euclidean length 1.
        known_score: higher is more surely one of the classes.
        unknown: whether it is below the threshold.
    """

    label: str
    class_index: int
    probability: float
    probabilities: NDArray[np.float32]
    logits: NDArray[np.float32]
    embedding: NDArray[np.float32]
    known_score: float
    unknown: bool


@dataclass(frozen=True, eq=False)
class Prediction:
    """The answer to one photo file.

    Attributes:
        path: the photo, as the caller named it.
        label: name of the class.
        class_index: its index in the classes.
        probability: calibrated probability of the label, in [0, 1].
        probabilities: (C,) float32, calibrated.
        unknown: whether the photo is likely none of the classes; never where there is no threshold.
        known_score: higher is more surely one of the classes.
    """

    path: str
    label: str
    class_index: int
    probability: float
    probabilities: NDArray[np.float32]
    unknown: bool
    known_score: float

    @classmethod
    def of(cls, path: str | Path, answer: Answer) -> Prediction:
        """Build from a session's answer."""
        return cls(
            str(path),
            answer.label,
            answer.class_index,
            answer.probability,
            answer.probabilities,
            answer.unknown,
            answer.known_score,
        )

    def to_row(self) -> dict[str, Any]:
        """Return plain values by column, without the probabilities of all classes."""
        values = (self.path, self.label, self.class_index, self.probability, self.known_score, self.unknown, None)
        return dict(zip(COLUMNS, values, strict=True))


@dataclass(frozen=True, eq=False)
class Predictions(Sequence[Prediction]):
    """Predictions in the order of the photos, and what could not be read.

    Attributes:
        rows: one prediction a readable photo.
        quarantine: the other files, each with its reason.
        classes: (C,) names that the probabilities stand for.
        top: labels shown and written of each photo, the most probable first; C at most.
        unfinished: epoch of the weights, where they are the best so far of a run that is not finished.
    """

    rows: tuple[Prediction, ...]
    quarantine: tuple[Quarantined, ...] = ()
    classes: tuple[str, ...] = ()
    top: int = 1
    unfinished: int | None = None

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[Prediction]:
        return iter(self.rows)

    @overload
    def __getitem__(self, index: int) -> Prediction: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Prediction, ...]: ...
    def __getitem__(self, index: int | slice) -> Prediction | tuple[Prediction, ...]:
        return self.rows[index]

    def with_top(self, top: int) -> Predictions:
        """Return the same predictions with `top` labels each, or all where there are fewer classes.

        Raises:
            UsageError: `top` is less than 1.
        """
        if top < 1:
            raise UsageError(f"top is {top}: give the number of labels for each photo, from 1 up")
        return replace(self, top=max(1, min(top, len(self.classes))))

    def best(self, row: Prediction) -> list[tuple[str, float]]:
        """Return the `top` labels of a prediction with their calibrated probabilities, its own label first."""
        order = [int(i) for i in np.argsort(-row.probabilities, kind="stable") if i != row.class_index]
        rest = [(self.classes[i], float(row.probabilities[i])) for i in order[: self.top - 1]]
        return [(row.label, row.probability), *rest]

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns: `COLUMNS`, then `label_2`, `probability_2` and so on up to `top`."""
        return COLUMNS + tuple(f"{name}_{k}" for k in range(2, self.top + 1) for name in ("label", "probability"))

    def to_rows(self) -> list[dict[str, Any]]:
        """Return one dict a file given, quarantined ones last with their reason under `problem`."""
        empty = dict.fromkeys(self.columns)
        problems = [{**empty, "path": item.path, "problem": item.reason} for item in self.quarantine]
        return [row.to_row() | self._further(row) for row in self.rows] + problems

    def _further(self, row: Prediction) -> dict[str, Any]:
        values = [value for pair in self.best(row)[1:] for value in pair]
        return dict(zip(self.columns[len(COLUMNS) :], values, strict=True))

    def write(self, path: str | Path) -> Path:
        """Write to .csv, .jsonl or .parquet; the last two hold the probabilities of all classes too.

        Raises:
            UsageError: another ending, or a place that cannot be written.
        """
        return write_table(self, path, WRITERS, "answers")

    def __str__(self) -> str:
        lines = [
            f"{row.path}  {self._labels(row)}{'  unknown' if row.unknown else ''}" for row in self.rows[:SHOWN_ROWS]
        ]
        lines += [f"... {len(self.rows) - SHOWN_ROWS:,} more"] if len(self.rows) > SHOWN_ROWS else []
        lines += [f"{item.path}  not read: {item.reason}" for item in self.quarantine[:SHOWN_ROWS]]
        return "\n".join([*lines, self._summary()])

    def _repr_html_(self) -> str:
        """Show the first rows in a notebook."""
        cells = [(row.path, row.label, f"{row.probability:.1%}") for row in self.rows[:SHOWN_ROWS]]
        cells += [(item.path, "not read", item.reason) for item in self.quarantine[:SHOWN_ROWS]]
        body = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in cells)
        head = "<tr><th>photo</th><th>label</th><th>probability</th></tr>"
        return f"<table>{head}{body}</table><p>{escape(self._summary())}</p>"

    def _labels(self, row: Prediction) -> str:
        return ", ".join(f"{label}  {probability:.1%}" for label, probability in self.best(row))

    def _summary(self) -> str:
        unread = f", {len(self.quarantine):,} not read" if self.quarantine else ""
        return f"{len(self.rows):,} photo{'' if len(self.rows) == 1 else 's'} answered{unread}{self._state()}"

    def _state(self) -> str:
        if self.unfinished is None:
            return ""
        return f", by a run that is not finished: its best weights so far are those of epoch {self.unfinished}"

    @property
    def mark(self) -> dict[str, Any]:
        """What JSON says of the weights of an unfinished run; nothing of a finished one's."""
        return {} if self.unfinished is None else {"unfinished": True, "epoch": self.unfinished}


def _probabilities(predictions: Predictions) -> Iterable[list[float] | None]:
    yield from (row.probabilities.tolist() for row in predictions.rows)
    yield from (None for _ in predictions.quarantine)


def _write_csv(predictions: Predictions, path: Path) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, predictions.columns)
        writer.writeheader()
        writer.writerows(predictions.to_rows())


def _write_jsonl(predictions: Predictions, path: Path) -> None:
    with path.open("w", encoding="utf-8") as file:
        for row, probabilities in zip(predictions.to_rows(), _probabilities(predictions), strict=True):
            file.write(json.dumps({**row, "probabilities": probabilities}, ensure_ascii=False) + "\n")


def _write_parquet(predictions: Predictions, path: Path) -> None:
    # pyarrow takes longer to import than a small predict takes to answer, and only this ending needs it.
    import pyarrow as pa
    import pyarrow.parquet as pq

    types = (pa.string(), pa.string(), pa.int64(), pa.float32(), pa.float32(), pa.bool_(), pa.string())
    fields = [pa.field(name, kind) for name, kind in zip(COLUMNS, types, strict=True)]
    further = [
        pa.string() if name.startswith("label") else pa.float32() for name in predictions.columns[len(COLUMNS) :]
    ]
    fields += [pa.field(*pair) for pair in zip(predictions.columns[len(COLUMNS) :], further, strict=True)]
    schema = pa.schema([*fields, pa.field("probabilities", pa.list_(pa.float32()))])
    rows = [
        {**row, "probabilities": p} for row, p in zip(predictions.to_rows(), _probabilities(predictions), strict=True)
    ]
    named = schema.with_metadata({"classes": json.dumps(predictions.classes, ensure_ascii=False)})
    pq.write_table(pa.Table.from_pylist(rows, schema=named), path)


WRITERS: dict[str, Callable[[Predictions, Path], None]] = {
    ".csv": _write_csv,
    ".jsonl": _write_jsonl,
    ".parquet": _write_parquet,
}
