"""A folder of answers as its reader has it: how many there are, which photos have none, and the tables."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from visionft.bundle.prediction_rows import Unanswered
from visionft.bundle.prediction_shards import Shards
from visionft.photos import Account, Quarantined
from visionft.wording.lists import count
from visionft.wording.shown_table import as_pandas

SHOWN_ROWS = 20
"""Photos without an answer that printing shows."""


@dataclass(frozen=True, repr=False)
class PredictionFolder:
    """Answers that lie in a folder, a row for every photo that was asked about.

    Attributes:
        path: the folder; `part-00000.parquet` and so on are the answers, in the order of asking.
        asked: how many photos were asked about.
        unanswered: those that could not be read.
    """

    path: Path
    asked: int
    unanswered: tuple[Unanswered, ...]

    @classmethod
    def of(cls, shards: Shards) -> PredictionFolder:
        """Read what became of the photos of a folder whose files are all there."""
        import pyarrow.parquet as pq

        unread: list[Unanswered] = []
        for number in shards.numbers:
            table = pq.read_table(shards.place(number), columns=["path", "problem"], partitioning=None)
            problems = table["problem"].to_pylist()
            if any(problem is not None for problem in problems):
                rows = zip(shards.items(number), problems, strict=True)
                unread += [Unanswered(item.name, problem, item.named) for item, problem in rows if problem is not None]
        return cls(shards.folder, shards.photos.number, tuple(unread))

    def __len__(self) -> int:
        return self.asked

    @property
    def files(self) -> tuple[Path, ...]:
        """The files of the answers, in order."""
        shards = Shards.open(self.path)
        return tuple(map(shards.place, shards.numbers))

    @property
    def account(self) -> Account:
        """How many photos were asked about, how many were answered, and why the others were not."""
        left_out = tuple(Quarantined(row.path, row.problem) for row in self.unanswered)
        return Account(self.asked, self.asked - len(left_out), left_out)

    def tables(self) -> Iterator[Any]:
        """Yield the answers as tables of Arrow, a file each, in order; `index` is the place of asking, from 0."""
        import pyarrow.parquet as pq

        for file in self.files:
            yield pq.read_table(file, partitioning=None)

    def to_arrow(self) -> Any:
        """Return all answers as one table of Arrow, in memory."""
        import pyarrow as pa

        return pa.concat_tables(self.tables()) if self.asked else pa.table({})

    def to_pandas(self) -> Any:
        """Return the same as a DataFrame of pandas; MissingExtraError where that is not installed."""
        return as_pandas(self.to_arrow())

    def __str__(self) -> str:
        shown = [f"{row.path}  not read: {row.problem}" for row in self.unanswered[:SHOWN_ROWS]]
        account, files = self.account, len(self.files)
        unread = f", {len(account.left_out):,} of {account.asked:,} not read" if account.left_out else ""
        said = f"{count(account.measured, 'photo')} answered{unread}"
        return "\n".join([*shown, f"{said}, in {count(files, 'file')} of {self.path}"])

    __repr__ = __str__
