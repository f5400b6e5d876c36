"""One photo under two bundles, and the file of those whose answer changes."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from visionft.bundle.prediction_files import write_csv

Turn = Literal["right", "wrong", "right to wrong", "wrong to right"]

COLUMNS = (
    "path", "truth", "turn", "before", "before_probability", "before_unknown",
    "after", "after_probability", "after_unknown", "move",
)  # fmt: skip


@dataclass(frozen=True)
class Side:
    """One bundle's answer to a photo.

    Attributes:
        label: what is served.
        probability: calibrated, in [0, 1].
        unknown: whether the photo is likely no class.
        right: whether the label is right, where the truth is known and more labels than the truth itself are; None: it
            is right where it is the truth.
    """

    label: str
    probability: float
    unknown: bool
    right: bool | None = None

    def __str__(self) -> str:
        return f"{self.label} {self.probability:.1%}{' unknown' if self.unknown else ''}"


@dataclass(frozen=True)
class Compared:
    """One photo under both bundles.

    Attributes:
        path: the photo.
        truth: its class as its folder says; none where no folder of it is a class of either bundle.
        before: the first bundle's answer.
        after: the second's.
        move: share of probability that moved between classes, in [0, 1]: half the sum of the absolute differences over
            the classes of both, matched by name.
        judged: whether the truth, where it is known, tells of both answers if they are right.
    """

    path: str
    truth: str | None
    before: Side
    after: Side
    move: float
    judged: bool = True

    @property
    def relabelled(self) -> bool:
        """Whether the label is another."""
        return self.before.label != self.after.label

    @property
    def changed(self) -> bool:
        """Whether what is served is another answer: another label, or known on one side alone."""
        return self.relabelled or self.before.unknown != self.after.unknown

    @property
    def turn(self) -> Turn | None:
        """Whether the labels are right; none where the truth is not known, or does not tell."""
        if self.truth is None or not self.judged:
            return None
        was, is_ = (
            side.label == self.truth if side.right is None else side.right for side in (self.before, self.after)
        )
        if was == is_:
            return "right" if was else "wrong"
        return "right to wrong" if was else "wrong to right"

    def to_row(self) -> dict[str, Any]:
        """Return plain values by column."""
        before, after = ((side.label, side.probability, side.unknown) for side in (self.before, self.after))
        return dict(zip(COLUMNS, (self.path, self.truth, self.turn, *before, *after, self.move), strict=True))


@dataclass(frozen=True)
class ClassPair:
    """Photos that the first bundle answers with one class and the second with another."""

    before: str
    after: str
    photos: int
    right_to_wrong: int
    wrong_to_right: int


Rows = list[dict[str, Any]]


def _write_csv(rows: Rows, path: Path) -> None:
    write_csv(rows, COLUMNS, path)


def _write_jsonl(rows: Rows, path: Path) -> None:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")


def _write_parquet(rows: Rows, path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    kinds = {"probability": pa.float32(), "move": pa.float32(), "unknown": pa.bool_()}
    fields = [pa.field(name, kinds.get(name.rpartition("_")[2], pa.string())) for name in COLUMNS]
    pq.write_table(pa.Table.from_pylist(rows, schema=pa.schema(fields)), path)


WRITERS: dict[str, Callable[[Rows, Path], None]] = {
    ".csv": _write_csv,
    ".jsonl": _write_jsonl,
    ".parquet": _write_parquet,
}
