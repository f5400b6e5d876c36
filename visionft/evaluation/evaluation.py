"""The outcome of an evaluation: figures, and an answer for each photo."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
from numpy.typing import NDArray

from visionft.classes import Classes
from visionft.data import Column, Rows
from visionft.errors import RunError, UsageError
from visionft.evaluation.own_metrics import MetricFunction, OwnFigure, own_figures
from visionft.evaluation.products import Grouping, ProductFigures, product_figures
from visionft.evaluation.retention import Retention
from visionft.evaluation.seen_photos import TRAIN, Seen
from visionft.evaluation.wrong_answers import worst
from visionft.metrics import Postprocess, Slice, slices
from visionft.metrics.shots import Shots, shots
from visionft.photos import Account, Quarantined, printable, spreadsheet_safe_table
from visionft.runs.atomic_write import make_folder, replacing, write_json
from visionft.runs.learning import learning_of
from visionft.runs.run_files import read_json
from visionft.runs.unfinished import sentence
from visionft.tasks.registry import DEFAULT, spec_of
from visionft.wording.lists import count
from visionft.wording.shown_table import Table
from visionft.wording.told import headline

FILES = frozenset({"metrics.json", "predictions.csv", "predictions.parquet", "confusion.csv"})
PRODUCTS = "products.csv"
"""Beside them where products were asked for."""


@dataclass(frozen=True)
class Measured:
    """What is measured: photos, and what became of those that were asked for.

    Attributes:
        name: of the split, or of the folder.
        rows: the photos.
        root: the folder that their paths are relative to.
        account: of the photos that were asked for.
        quarantine: everything that was passed over when these photos, or those of the run, were read.
        notes: sentences to be said aloud.
        classes: that the labels stand for; none: those of the run.
    """

    name: str
    rows: Rows
    root: Path
    account: Account
    quarantine: tuple[Quarantined, ...] = ()
    notes: tuple[str, ...] = ()
    classes: Classes | None = None


@dataclass(frozen=True, repr=False)
class Evaluation:
    """Figures and answers on held-out photos.

    Attributes:
        subject: the run's or bundle's folder.
        split: name of the split, or of the folder evaluated.
        metrics: all figures: of classification a `visionft.Metrics`.
        predictions: one row a photo: path, truth, label, probability, truth_probability, correct.
        quarantine: everything that was passed over when the photos were read, with reasons.
        account: photos asked for, measured, and left out.
        seen: photos that the run knows already, and the figures without them; None where that cannot be known, as of a
            bundle, or says nothing, as of the run's own training photos.
        notes: what else was odd about the photos.
        retention: what the features still know of earlier photos, if that was asked for; it is written on its own.
        written: the folder that holds all of it; None: it was not written.
        unfinished: epoch of the weights, where they are the best so far of a run that is not finished.
        root: the folder that the photos' paths are relative to.
        digests: (n,) SHA-256 of the photos' bytes.
        slices: accuracy by the values of columns, where that was asked for, the most suspicious first.
        report: the page that shows all of it; None: there is none.
        task: what is answered.
        truth: labels of the n photos: class indices (n,), numbers (n,), or entries (n, C) of 1, 0 and -1 for unknown.
        answers: of the same photos, what a metric is computed from: probabilities (n, C), or numbers (n,).
        own: figures of the caller's own by name, where some were asked for.
        products: one answer a product, beside those of the photos, where that was asked for.
        shots: accuracy of classes with many, some and few training photos, where those are unbalanced.
    """

    subject: Path
    split: str
    metrics: Any
    predictions: pa.Table
    quarantine: tuple[Quarantined, ...]
    account: Account
    seen: Seen | None = None
    notes: tuple[str, ...] = ()
    retention: Retention | None = None
    written: Path | None = None
    unfinished: int | None = None
    root: Path | None = None
    digests: Column | None = None
    slices: tuple[Slice, ...] | None = None
    report: Path | None = None
    task: str = DEFAULT
    truth: NDArray[Any] | None = field(default=None, repr=False, compare=False)
    answers: NDArray[np.float32] | None = field(default=None, repr=False, compare=False)
    own: Mapping[str, OwnFigure] = field(default_factory=dict)
    products: ProductFigures | None = field(default=None, repr=False, compare=False)
    shots: tuple[Shots, ...] = ()

    @classmethod
    def of(
        cls,
        subject: Path,
        measured: Measured,
        classes: Classes,
        logits: NDArray[np.float32],
        answering: Postprocess | None = None,
        known: NDArray[np.int8] | None = None,
        *,
        apart: bool = True,
        task: str = DEFAULT,
        products: Grouping | None = None,
        training: Mapping[str, int] | None = None,
    ) -> Evaluation:
        """Compute the figures from raw logits (N, C) and the rule by which they are read.

        Args:
            subject: as the attribute.
            measured: the N photos.
            classes: names in the order of the logits.
            logits: (N, C) raw.
            answering: from logits to answers; none: as nothing was fitted.
            known: (N,) as of `known_photos`; None: that is not known.
            apart: whether figures without known photos are worth having.
            task: what is answered.
            products: what tells the product of each photo; none: photos are measured alone.
            training: training photos by class; none: that is not known.
        """
        learning, labels = learning_of(task), measured.rows.labels
        answering = answering or Postprocess.plain()
        table = learning.table(measured.rows.paths, logits, labels, classes, answering)
        metrics = learning.measure(logits, labels, classes, answering)
        account, seen = measured.account, None
        if known is not None:
            account = replace(account, seen=int((known == TRAIN).sum()))
            new, figures = known == 0, None
            if apart and new.any() and not new.all():
                figures = learning.measure(logits[new], labels[new], classes, answering)
            seen = Seen.of(known, figures) if apart else None
        found = cls(
            subject, measured.name, metrics, table, measured.quarantine, account, seen, measured.notes, task=task
        )
        if products is not None:
            paths = list(measured.rows.paths)
            names = products(paths, list(measured.rows.digests))
            found = replace(found, products=product_figures(names, paths, logits, labels, classes, answering, task))
        if training is not None:
            found = replace(found, shots=shots(found.metrics.per_class, training))
        scores = learning.scores(logits, answering)
        return replace(found, root=measured.root, digests=measured.rows.digests, truth=labels, answers=scores)

    def files(self) -> dict[str, tuple[str, str | None]]:
        """Return path and SHA-256 of the photos by their printable paths."""
        paths = self.predictions["path"].to_pylist()
        digests: Sequence[str | None] = [None] * len(paths) if self.digests is None else self.digests
        return {printable(path): (path, digest) for path, digest in zip(paths, digests, strict=True)}

    def with_metrics(self, metrics: Mapping[str, MetricFunction]) -> Evaluation:
        """Return the same with figures of the caller's own.

        Args:
            metrics: functions by name, of `truth` and `answers`, that return a number.

        Raises:
            UsageError: one fails, or returns no finite number.
        """
        assert self.truth is not None, "every evaluation is made with labels"
        assert self.answers is not None, "and with answers"
        compared = spec_of(self.task).projects
        return replace(self, own={**self.own, **own_figures(metrics, self.truth, self.answers, compared=compared)})

    def sliced(self, columns: Mapping[str, Sequence[str]]) -> Evaluation:
        """Return the same with the accuracy by the values of columns: (n,) values by the column's name."""
        names = self.metrics.classes
        place = {name: index for index, name in enumerate(names)}
        labels = np.array([place[name] for name in self.predictions["truth"].to_pylist()], np.int64)
        right = np.asarray(self.predictions["correct"].to_numpy(), bool)
        return replace(self, slices=slices(columns, labels, right, names))

    def confusion(self) -> Table:
        """Return how often each true class, a row, was answered as each class, a column: C rows of counts.

        Raises:
            UsageError: the task answers with something else than classes.
        """
        found = learning_of(self.task).tables(self.metrics).get("confusion.csv")
        if found is None:
            raise UsageError(f"confusion() counts classes, and the task {self.task} has none; worst() has the answers")
        return Table.of(found)

    def worst(self, most: int = 20) -> Table:
        """Return the wrong answers, the most certain first; of numbers those that are furthest off.

        Args:
            most: rows at most.

        Raises:
            UsageError: `most` is less than 1.
        """
        return worst(self.predictions, most)

    def write(self, folder: Path) -> Path:
        """Write metrics.json, predictions.csv, predictions.parquet, and of classes confusion.csv, into a folder.

        Where products were asked for, products.csv is beside them.
        """
        make_folder(folder)
        further = learning_of(self.task).tables(self.metrics)
        if self.products:
            further |= {PRODUCTS: self.products.table}
        elif _had_products(folder):  # those of an earlier evaluation would be taken for this one's
            (folder / PRODUCTS).unlink(missing_ok=True)
        for name, table in {"predictions.csv": self.predictions, **further}.items():
            with replacing(folder / name) as temporary:
                pyarrow.csv.write_csv(spreadsheet_safe_table(table), temporary)
        with replacing(folder / "predictions.parquet") as temporary:
            pyarrow.parquet.write_table(self.predictions, temporary)
        write_json(folder / "metrics.json", self.to_json())  # last: where it stands, nothing is measured again
        return folder

    def to_json(self) -> dict[str, Any]:
        """Return the figures with what they are of."""
        return {
            "subject": str(self.subject),
            "split": self.split,
            **self.metrics.to_json(),
            **self._account(),
            "quarantine": [entry.to_json() for entry in self.quarantine],
            "notes": list(self.notes),
            **self._slices(),
            **self._own(),
            **({"products": self.products.to_json()} if self.products else {}),
            **self._shots(),
            **self.mark,
        }

    @property
    def mark(self) -> dict[str, Any]:
        """What JSON says of the weights of an unfinished run; nothing of a finished one's."""
        return {} if self.unfinished is None else {"unfinished": True, "epoch": self.unfinished}

    def summary(self) -> dict[str, Any]:
        """Return the figures, the account and what was seen, as the command line's JSON line holds them."""
        kept = {"retention": self.retention.to_json()} if self.retention else {}
        kept |= {"products": self.products.summary()} if self.products else {}
        kept |= self._shots()
        return {**self.metrics.summary(), **self._account(), **kept, **self._slices(), **self._own(), **self.mark}

    def _slices(self) -> dict[str, Any]:
        return {} if self.slices is None else {"slices": [one.to_json() for one in self.slices]}

    def _shots(self) -> dict[str, Any]:
        return {"shots": [one.to_json() for one in self.shots]} if self.shots else {}

    def _own(self) -> dict[str, Any]:
        return {"own_metrics": {name: one.to_json() for name, one in self.own.items()}} if self.own else {}

    def _account(self) -> dict[str, Any]:
        return {"account": self.account.to_json(), "seen": self.seen.to_json() if self.seen else None}

    def said_of(self, what: str) -> str:
        """Return the report under a headline about `what`, which says what figures lack or what flatters them."""
        return "\n".join([self._figures(what), *self._below()])

    def brief_of(self, what: str) -> str:
        """Return the main figure under the same headline, and below it what is not as always."""
        usual = {str(self.account)} if not self.account.left_out else set()
        usual |= {str(self.seen)} if self.seen and not self.seen.known else set()
        return "\n".join([headline(self._figures(what)), *(line for line in self._below() if line not in usual)])

    def _figures(self, what: str) -> str:
        loud = f", {self.account.headline}" if self.account.headline else ""
        loud += f", {self.seen.known:,} of them known to the run" if self.seen and self.seen.known else ""
        return f"{what}{loud}: {self.metrics}"

    def _below(self) -> list[str]:
        where = f"; all of them are in {self.written / 'metrics.json'}" if self.written else ""
        lines = [f"{self.account}{where if self.account.left_out else ''}"]
        lines += [str(self.seen)] if self.seen else []
        lines += [] if self.unfinished is None else [sentence(self.subject, self.unfinished)]
        lines += [f"accuracy by training photos of a class: {', '.join(map(str, self.shots))}"] if self.shots else []
        lines += self.products.lines() if self.products else []
        lines += [] if self.slices is None else said_of_slices(self.slices)
        lines += [f"{printable(name)}: {figure}" for name, figure in self.own.items()]
        lines += [f"note: {note}" for note in self.notes]
        return [*lines, *([f"report: {self.report}"] if self.report else [])]

    def __str__(self) -> str:
        said = self.said_of(f"{self.subject} on {self.split}")
        return "\n".join([said, *([str(self.retention)] if self.retention else [])])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        kept = f"<p>{escape(str(self.retention))}</p>" if self.retention else ""
        below = "<br>".join(escape(line) for line in [self.account.headline, *self._below()] if line)
        return f"<p>{escape(f'{self.subject} on {self.split}')}</p>{self.metrics._repr_html_()}<p>{below}</p>{kept}"


def _had_products(folder: Path) -> bool:
    """Tell whether an evaluation of products lies in a folder; a file of that name alone may be anybody's."""
    try:
        return "products" in read_json(folder / "metrics.json")
    except RunError:
        return False


def said_of_slices(found: Sequence[Slice]) -> list[str]:
    """Say which slices are worse by more than chance, or that none is, and how many were looked at."""
    looks = f"{count(len(found), 'slice')} looked at"
    if not found:
        return ["slices: no value of these columns has 5 photos, and 5 beside it"]
    named = [one for one in found if one.named]
    if not named:
        return [f"slices: {looks}, none is worse than its classes lead to expect by more than chance"]
    return [f"slices: {looks}, {len(named):,} worse than their classes lead to expect:", *(f"  {one}" for one in named)]
