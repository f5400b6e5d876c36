"""Before and after: what a run makes of the classes that the run it goes on from knew already."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
from numpy.typing import NDArray

from visionft.backbones import forward_batches
from visionft.data import EvalPhotos, Rows, eval_batches
from visionft.evaluation.evaluate import BATCH
from visionft.evaluation.evaluation import Evaluation
from visionft.machine.arithmetic import full_precision
from visionft.machine.memory import ON_PROCESSOR, memory_shortage_said
from visionft.photos import Account, printable, spreadsheet_safe_table
from visionft.runs import Run
from visionft.runs.atomic_write import make_folder, replacing, write_json
from visionft.runs.class_changes import succeed
from visionft.runs.learning import learning_of
from visionft.wording.lists import count

FILES = ("before_after.json", "before_after.csv")
SHOWN = 10


@dataclass(frozen=True)
class Change:
    """One class that both runs know.

    Attributes:
        name: its present name.
        old_name: what the earlier run called it.
        support: photos of the class.
        before: share of them that the earlier run answers rightly, in [0, 1]; none without photos.
        after: the same of the new run.
    """

    name: str
    old_name: str
    support: int
    before: float | None
    after: float | None

    @property
    def change(self) -> float:
        """Points of recall gained, in [-1, 1]; 0 without photos."""
        return 0.0 if self.before is None or self.after is None else self.after - self.before


@dataclass(frozen=True)
class BeforeAfter:
    """Two runs on the same photos, of the classes that both know. Each answers among all classes of its own.

    Attributes:
        before_run: folder of the earlier run.
        after_run: folder of the new run.
        split: of the new run.
        n: photos.
        before: top-1 of the earlier run, in [0, 1]; none without photos.
        after: top-1 of the new run.
        classes: in the order of the new run's classes.
        account: of the photos of these classes that were asked for.
    """

    before_run: Path
    after_run: Path
    split: str
    n: int
    before: float | None
    after: float | None
    classes: tuple[Change, ...]
    account: Account | None = None

    def write(self, folder: Path) -> Path:
        """Write before_after.json and before_after.csv into a folder."""
        make_folder(folder)
        rows = [{**asdict(row), "change": row.change} for row in self.classes]
        table = pa.table({name: [row[name] for row in rows] for name in rows[0]})
        with replacing(folder / FILES[1]) as temporary:
            pyarrow.csv.write_csv(spreadsheet_safe_table(table), temporary)
        write_json(folder / FILES[0], self.to_json())  # last: where it is, nothing is missing
        return folder

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        account = self.account.to_json() if self.account else None
        runs = {"before_run": str(self.before_run), "after_run": str(self.after_run)}
        return {**asdict(self), **runs, "account": account}

    def changed_most(self) -> list[Change]:
        """Return the classes by how much their recall changed, of equals the largest first."""
        return sorted(self.classes, key=lambda row: (-abs(row.change), -row.support))

    def __str__(self) -> str:
        of = f"{self.split} photos of {count(len(self.classes), 'class', 'classes')} that {self.before_run} knows too"
        if not self.n:
            return f"before and after: there are no {of}"
        lines = [f"before and after, {self.n:,} {of}: top-1 {_share(self.before)} before, {_share(self.after)} after"]
        shown = self.changed_most()[:SHOWN]
        width = max(len(row.name) for row in shown)
        lines += [
            f"  {'':{width}}  photos  before   after",
            *(f"  {x.name:{width}}  {x.support:>6,}  {_share(x.before):>6}  {_share(x.after):>6}" for x in shown),
        ]
        left = len(self.classes) - len(shown)
        lines += [f"  {self.account}"] if self.account and self.account.left_out else []
        return "\n".join([*lines, *([f"  {left:,} more changed less: see {FILES[1]}"] if left else [])])

    def _repr_html_(self) -> str:
        head = "".join(f"<th>{word}</th>" for word in ("class", "photos", "before", "after"))
        cells = [(escape(row.name), row.support, _share(row.before), _share(row.after)) for row in self.classes]
        body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in cells)
        return f"<p>{escape(str(self).splitlines()[0])}</p><table><tr>{head}</tr>{body}</table>"


@memory_shortage_said("the comparison", ON_PROCESSOR)
def before_after(run: Run, parent: Run, after: Evaluation) -> BeforeAfter | None:
    """Let the earlier run answer the photos of an evaluation whose classes it knows, or return none if it knows none.

    Args:
        run: the new run.
        parent: the run that it went on from.
        after: the new run on one of its own splits.
    """
    kept = succeed(parent.classes, run.classes, run.settings.classes.rename).kept
    if not kept:
        return None
    manifest = run.manifest()
    asked = manifest.rows(after.split)
    rows = asked.take(_measured(asked, after))
    old_index = np.full(len(run.classes), -1, np.int64)
    for old, new in kept:
        old_index[run.classes.index(new)] = parent.classes.index(old)
    known = np.flatnonzero(old_index[rows.labels] >= 0)
    labels = rows.labels[known]
    was_right = _right(parent, run, rows.take(known), old_index[labels])
    is_right = np.asarray(after.predictions["correct"].to_numpy(), bool)[known]
    account = _account(asked, after, old_index)
    changes = (
        Change(new, old, int(own.sum()), _mean(was_right[own]), _mean(is_right[own]))
        for old, new in kept
        for own in (labels == run.classes.index(new),)
    )
    return BeforeAfter(
        parent.path, run.path, after.split, len(known), _mean(was_right), _mean(is_right), tuple(changes), account
    )


def _measured(rows: Rows, after: Evaluation) -> NDArray[np.int64]:
    """Return the places of the photos that were measured, which are in the same order."""
    held = pc.is_in(rows.paths.values, value_set=after.predictions["path"])
    return np.flatnonzero(held.to_numpy(zero_copy_only=False))


def _account(asked: Rows, after: Evaluation, old_index: NDArray[np.int64]) -> Account:
    """Return the account of the photos whose classes both runs know."""
    of_both = asked.take(np.flatnonzero(old_index[asked.labels] >= 0))
    known = set(map(printable, of_both.paths))
    left_out = tuple(item for item in after.account.left_out if item.path in known)
    names = {after.metrics.classes[label] for label in np.unique(of_both.labels)}
    lost = tuple(name for name in after.account.lost_classes if name in names)
    return Account(len(known), len(known) - len(left_out), left_out, lost)


@full_precision()
def _right(parent: Run, run: Run, rows: Rows, labels: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Tell (n,) which photos the earlier run answers rightly, in fp32, by labels (n,) that are of its own classes."""
    device = run.device
    dataset = EvalPhotos(rows, run.manifest().root, parent.preprocess)
    workers = int(run.settings.hardware.workers) if len(rows) > BATCH else 0
    batches = eval_batches(dataset, BATCH, workers)
    network = parent.network().to(device)
    logits = forward_batches(network, batches, parent.preprocess, device=device, want=("logits",))["logits"]
    told = learning_of(parent.task).table(rows.paths, logits, labels, parent.classes, parent.answering())
    return np.asarray(told["correct"].to_numpy(), bool)


def _mean(right: NDArray[np.bool_]) -> float | None:
    return float(right.mean()) if len(right) else None


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.1%}"
