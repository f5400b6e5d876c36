"""The columns that a table must have to name photos, and its rows as text with their places in the file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Protocol

import pyarrow as pa

from visionft.errors import DataError
from visionft.photos.account import ENDINGS
from visionft.settings import DataSettings
from visionft.wording.did_you_mean import did_you_mean
from visionft.wording.lists import some

PLACE = "place"
"""Column of the numbers by which a row is found in its file."""
_SPLITTING = frozenset(
    "split splits set subset partition phase fold is_train is_val is_valid is_validation is_test".split()  # noqa: SIM905
)
"""Names, in lower case, of columns by which people tell splits apart."""


@dataclass(frozen=True, eq=False)
class Named:
    """What a file names, before anything is made of it.

    Attributes:
        table: (n) rows; `path` and `label`, `split` and `group` where the file has them, all strings, null where the
            file has nothing; and `PLACE`, int64.
        noun: of what is counted in `PLACE`, from 1: `line` or `row`.
        notes: Sentences to be said aloud.
        labels: The file's names of the columns that hold labels; `label`, `label 2` and so on are those of the table.
    """

    table: pa.Table
    noun: str
    notes: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()

    def place(self, row: int) -> str:
        """Return where a row is: `line 7`."""
        return f"{self.noun} {self.table[PLACE][row].as_py():,}"


class Cells(Protocol):
    """How the cells of a table say what the label of a photo is. Each task brings its own."""

    def columns(self, given: str, names: Sequence[str]) -> tuple[str, ...]:
        """Return the columns of labels that the setting names, of a table with columns of these names."""
        ...

    def listed(self, path: Path, name: str, column: pa.ChunkedArray) -> pa.ChunkedArray | None:
        """Return a column of lists as text, null where there is no list; None where no label is a list."""
        ...

    def joined(self, values: Sequence[Any], at: int) -> str | None:
        """Return a list of labels from memory, of the row `at`, as text; None where no label is a list.

        Raises:
            DataError: a value is no label.
        """
        ...

    def label(
        self, path: Path, named: Named, columns: Mapping[str, pa.ChunkedArray], given: str
    ) -> tuple[pa.ChunkedArray, tuple[str, ...]]:
        """Return the label (n,) of each row as text, null where it has none, and notes.

        Args:
            path: the file.
            named: its rows, of which `place` tells the line.
            columns: texts (n,) by the file's name of the column, null where a cell is empty.
            given: the setting.

        Raises:
            DataError: a cell is none of a label; its line is named.
        """
        ...


class OneCell:
    """One column, whose cell is the label; a row whose cell is empty has none."""

    def columns(self, given: str, names: Sequence[str]) -> tuple[str, ...]:  # noqa: ARG002
        """Return the one column."""
        return (given,)

    def listed(self, path: Path, name: str, column: pa.ChunkedArray) -> None:  # noqa: ARG002
        """Return None: a list is no label."""
        return

    def joined(self, values: Sequence[Any], at: int) -> None:  # noqa: ARG002
        """Return None: a list is no label."""
        return

    def label(
        self,
        path: Path,  # noqa: ARG002
        named: Named,  # noqa: ARG002
        columns: Mapping[str, pa.ChunkedArray],
        given: str,
    ) -> tuple[pa.ChunkedArray, tuple[str, ...]]:
        """Return the column as it is."""
        return columns[given], ()


ONE_CELL = OneCell()


def label_keys(columns: Sequence[str]) -> list[str]:
    """Return our names of the columns of labels: `label`, `label 2` and so on."""
    return ["label" if at == 0 else f"label {at + 1}" for at in range(len(columns))]


def wanted(path: Path, names: list[str], settings: DataSettings, cells: Cells = ONE_CELL) -> dict[str, str]:
    """Return our name -> the file's, for the columns that are to be read.

    Raises:
        DataError: a column is missing, or is there twice.
    """
    labels = cells.columns(settings.label_column, names)
    columns = {"path": settings.path_column, **dict(zip(label_keys(labels), labels, strict=True))}
    for ours, column in columns.items():
        if column not in names:
            _refuse_rows(path, names, settings)
            raise DataError(
                f"{path} has no column {column!r} (it has {some(names)}){did_you_mean(column, names)}: rename one to "
                f"{column!r}, or (fit, advise, audit and index) name another with --data.{ours.split()[0]}-column"
            )
    if "split" in names:
        columns["split"] = "split"
    if settings.group_by == "column" and "group" not in names:
        raise DataError(
            f"{path} has no column 'group', which --data.group-by column asks for{did_you_mean('group', names)}"
        )
    if "group" in names and settings.group_by not in ("none", "parent"):
        columns["group"] = "group"
    repeated = [name for name in columns.values() if names.count(name) > 1]
    if repeated:
        raise DataError(f"{path} has more than one column {repeated[0]!r}: keep one")
    return columns


def unread_splits(path: Path, names: list[str]) -> tuple[str, ...]:
    """Return a note for each column that seems to tell splits apart, where none is called `split`, as ours is."""
    if "split" in names:
        return ()
    return tuple(
        f"the column {name!r} of {path.name} is not read: splits are read from a column 'split', with the values "
        "train, validation and test"
        for name in dict.fromkeys(names)
        if name.lower() in _SPLITTING
    )


def _refuse_rows(path: Path, names: list[str], settings: DataSettings) -> None:
    """Raise DataError where the names of the columns are those of a photo and its class: the header is missing."""
    photos = [place for place, name in enumerate(names) if PurePosixPath(name).suffix.lower() in ENDINGS]
    if photos:
        pair = [settings.path_column, settings.label_column]
        header = ",".join(pair if photos[0] == 0 else reversed(pair))
        raise DataError(
            f"{path} has no header: its first line names the photo {names[photos[0]]!r}; put a line with the names of "
            f"its columns above it, such as {header}"
        )
