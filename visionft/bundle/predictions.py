"""Answers: what a model says of photos, as objects, as a table and as a file."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from html import escape
from itertools import zip_longest
from pathlib import Path
from typing import Any, ClassVar, overload

import numpy as np

from visionft.bundle.prediction_files import write_csv, write_table
from visionft.bundle.prediction_rows import TYPES, Prediction, Row, Unanswered
from visionft.errors import UsageError
from visionft.photos import Account, Quarantined
from visionft.wording.lists import count
from visionft.wording.shown_table import as_pandas

SHOWN_ROWS = 20
"""Rows that printing shows: about a screen."""


@dataclass(frozen=True, eq=False, repr=False)
class Predictions(Sequence[Row]):
    """An answer, or the reason why there is none, for everything that was asked about and in its order.

    Attributes:
        rows: one for each photo; a photo given twice has two. A folder or pattern stands in its place as the photos in
            it, sorted, with what was passed over among them.
        classes: (C,) names that the probabilities stand for.
        top: labels shown and written of each photo, the most probable first; C at most.
        unfinished: epoch of the weights, where they are the best so far of a run that is not finished.
    """

    rows: tuple[Row, ...]
    classes: tuple[str, ...] = ()
    top: int = 1
    unfinished: int | None = None
    headings: ClassVar[tuple[str, ...]] = ("photo", "label", "probability")
    """Of the table in a notebook."""
    types: ClassVar[Mapping[str, str]] = TYPES
    """Columns that stand before the further labels, with their kinds by Arrow's names."""

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows)

    @overload
    def __getitem__(self, index: int) -> Row: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Row, ...]: ...
    def __getitem__(self, index: int | slice) -> Row | tuple[Row, ...]:
        return self.rows[index]

    @property
    def answered(self) -> tuple[Prediction, ...]:
        """The answers alone."""
        return tuple(row for row in self.rows if not isinstance(row, Unanswered))

    @property
    def unanswered(self) -> tuple[Unanswered, ...]:
        """What could not be read alone."""
        return tuple(row for row in self.rows if isinstance(row, Unanswered))

    @property
    def quarantine(self) -> tuple[Quarantined, ...]:
        """What could not be read, as everywhere: each with its reason."""
        return tuple(Quarantined(row.path, row.problem) for row in self.unanswered)

    @property
    def account(self) -> Account:
        """How many photos were asked about, how many were answered, and why the others were not."""
        left_out = self.quarantine
        return Account(len(self.rows), len(self.rows) - len(left_out), left_out)

    def with_top(self, top: int) -> Predictions:
        """Return the same predictions with `top` labels each, or all where there are fewer classes.

        Raises:
            UsageError: `top` is less than 1.
        """
        if top < 1:
            raise UsageError(f"top is {top}: give the number of labels for each photo, from 1 up")
        return replace(self, top=max(1, min(top, len(self.classes))))

    def with_min_confidence(self, min_confidence: float) -> Predictions:
        """Return the same predictions, each as deep in its taxonomy as it has this probability; here there is none.

        Raises:
            UsageError: answers come at one level, or it is no probability above 0.5.
        """
        raise UsageError(f"min_confidence is {min_confidence:g}, and these answers come at one level: leave it out")

    def best(self, row: Row) -> list[tuple[str, float]]:
        """Return the `top` labels of a row with their calibrated probabilities, its own label first; none if unread."""
        if isinstance(row, Unanswered):
            return []
        order = [int(i) for i in np.argsort(-row.probabilities, kind="stable") if i != row.class_index]
        rest = [(self.classes[i], float(row.probabilities[i])) for i in order[: self.top - 1]]
        return [(row.label, row.probability), *rest]

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns: those of `types`, then `label_2`, `probability_2` and so on up to `top`."""
        return tuple(self.types) + tuple(
            f"{name}_{k}" for k in range(2, self.top + 1) for name in ("label", "probability")
        )

    def to_rows(self) -> list[dict[str, Any]]:
        """Return one dict a row; what could not be read has its reason under `problem`, and None elsewhere."""
        return [row.to_row() | self._further(row) for row in self.rows]

    def _further(self, row: Row) -> dict[str, Any]:
        values = [value for pair in self.best(row)[1:] for value in pair]
        return dict(zip_longest(self.columns[len(self.types) :], values))

    def full_rows(self) -> list[dict[str, Any]]:
        """Return what the longer formats hold: the rows with the probabilities of all classes."""
        kept = [None if row.probabilities is None else row.probabilities.tolist() for row in self.rows]
        return [{**row, "probabilities": values} for row, values in zip(self.to_rows(), kept, strict=True)]

    def to_arrow(self) -> Any:
        """Return a table of Arrow, a row a photo, with the probabilities of all classes in the last column."""
        import pyarrow as pa

        return pa.Table.from_pylist(self.full_rows(), schema=self.schema())

    def to_pandas(self) -> Any:
        """Return the same as a DataFrame of pandas; MissingExtraError where that is not installed."""
        return as_pandas(self.to_arrow())

    def schema(self) -> Any:
        """Return the columns' types in Arrow's terms."""
        # pyarrow takes longer to import than a small predict takes to answer, and only one ending needs it.
        import pyarrow as pa

        fields = [pa.field(name, getattr(pa, self.types[name])()) for name in self.types]
        further = self.columns[len(self.types) :]
        fields += [pa.field(name, pa.string() if name.startswith("label") else pa.float32()) for name in further]
        schema = pa.schema([*fields, pa.field("probabilities", pa.list_(pa.float32()))])
        return schema.with_metadata({"classes": json.dumps(self.classes, ensure_ascii=False)})

    def cells(self, row: Row) -> tuple[str, ...]:
        """Return a row as a notebook shows it."""
        if isinstance(row, Unanswered):
            return row.path, "not read", row.problem
        return row.path, row.label, f"{row.probability:.1%}"

    def write(self, path: str | Path) -> Path:
        """Write to .csv, .jsonl or .parquet; the last two hold the probabilities of all classes too.

        Raises:
            UsageError: another ending, or a place that cannot be written.
        """
        return write_table(self, path, WRITERS, "answers")

    def __str__(self) -> str:
        shown, rest = self.rows[:SHOWN_ROWS], self.rows[SHOWN_ROWS:]
        lines = [self._line(row) for row in shown]
        unread = [row for row in rest if isinstance(row, Unanswered)][:SHOWN_ROWS]
        lines += [f"... {len(rest):,} more{', among them' if unread else ''}"] if rest else []
        return "\n".join([*lines, *(self._line(row) for row in unread), self._summary()])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        """Show the first rows in a notebook."""
        shown, rest = self.rows[:SHOWN_ROWS], self.rows[SHOWN_ROWS:]
        unread = [row for row in rest if isinstance(row, Unanswered)][:SHOWN_ROWS]
        body = "".join(
            f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in self.cells(row))}</tr>" for row in (*shown, *unread)
        )
        head = f"<tr>{''.join(f'<th>{name}</th>' for name in self.headings)}</tr>"
        return f"<table>{head}{body}</table><p>{escape(self._summary())}</p>"

    def _line(self, row: Row) -> str:
        if isinstance(row, Unanswered):
            return f"{row.path}  not read: {row.problem}"
        labels = ", ".join(f"{label}  {probability:.1%}" for label, probability in self.best(row))
        return f"{row.path}  {labels}{'  unknown' if row.unknown else ''}"

    def _summary(self) -> str:
        account = self.account
        unread = f", {len(account.left_out):,} of {account.asked:,} not read" if account.left_out else ""
        return f"{count(account.measured, 'photo')} answered{unread}{self._state()}"

    def _state(self) -> str:
        if self.unfinished is None:
            return ""
        return f", by a run that is not finished: its best weights so far are those of epoch {self.unfinished}"

    @property
    def mark(self) -> dict[str, Any]:
        """What JSON says of the weights of an unfinished run; nothing of a finished one's."""
        return {} if self.unfinished is None else {"unfinished": True, "epoch": self.unfinished}


def _write_csv(predictions: Predictions, path: Path) -> None:
    write_csv(predictions.to_rows(), predictions.columns, path)


def _write_jsonl(predictions: Predictions, path: Path) -> None:
    with path.open("w", encoding="utf-8") as file:
        for row in predictions.full_rows():
            file.write(json.dumps(row, ensure_ascii=False) + "\n")


def _write_parquet(predictions: Predictions, path: Path) -> None:
    import pyarrow.parquet as pq

    pq.write_table(predictions.to_arrow(), path)


WRITERS: dict[str, Callable[[Predictions, Path], None]] = {
    ".csv": _write_csv,
    ".jsonl": _write_jsonl,
    ".parquet": _write_parquet,
}
