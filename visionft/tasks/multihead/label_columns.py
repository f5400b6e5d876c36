"""How a table says the labels of a photo: a column for each head, empty where nobody knows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from visionft.classes import normalise
from visionft.data.sources.table_columns import Named
from visionft.errors import DataError
from visionft.photos import printable
from visionft.tasks.multihead.head_layout import BETWEEN, EQUALS
from visionft.tasks.multihead.spec import SPEC

RESERVED = ("path", "problem")
"""Columns of answers that no head can have the name of."""
BESIDE = ("probability", "truth", "label", "truth_probability")
"""What stands behind a head's name in columns beside its own."""


class HeadCells:
    """Cells of one class each."""

    def columns(self, given: str, names: Sequence[str]) -> tuple[str, ...]:
        """Return the columns between commas, a head each."""
        if given in names or "," not in given:
            return (given,)
        return tuple(dict.fromkeys(name.strip() for name in given.split(",") if name.strip()))

    def listed(self, path: Path, name: str, column: pa.ChunkedArray) -> None:  # noqa: ARG002
        """Return None: a list is no label."""
        return

    def joined(self, values: Sequence[Any], at: int) -> None:  # noqa: ARG002
        """Return None: a list is no label."""
        return

    def label(
        self,
        path: Path,
        named: Named,
        columns: Mapping[str, pa.ChunkedArray],
        given: str,  # noqa: ARG002
    ) -> tuple[pa.ChunkedArray, tuple[str, ...]]:
        """Return each row's labels as text, `colour=red|type=shirt`, null where no head is known, and notes.

        Raises:
            DataError: a column can be no head, or a cell names several labels; its line is named.
        """
        _refuse_odd_columns(path, list(columns))
        for name, column in columns.items():
            _refuse_several(path, named, name, column)
        ordered = sorted(columns, key=lambda name: normalise(name) + EQUALS)
        parts = [_part(f"{normalise(name)}{EQUALS}", columns[name]) for name in ordered]
        label = pc.utf8_rtrim(pc.binary_join_element_wise(*parts, ""), characters=BETWEEN)
        known = _known(list(columns.values()))
        return pc.if_else(pc.equal(label, ""), pa.scalar(None, pa.string()), label), _notes(path, columns, known)


def _part(head: str, column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return texts (n,) such as `colour=red|`, empty where a cell is."""
    return pc.fill_null(pc.binary_join_element_wise(head, column, BETWEEN, ""), "")


def _known(columns: Sequence[pa.ChunkedArray]) -> list[int]:
    return [len(column) - column.null_count for column in columns]


def _notes(path: Path, columns: Mapping[str, pa.ChunkedArray], known: Sequence[int]) -> tuple[str, ...]:
    """Say how many cells of each column are empty, where some are."""
    empty = [
        f"{len(column) - there:,} of {name}"
        for (name, column), there in zip(columns.items(), known, strict=True)
        if there < len(column)
    ]
    return (f"labels of {path.name} that nobody knows, as their cells are empty: {', '.join(empty)}",) if empty else ()


def _refuse_odd_columns(path: Path, names: Sequence[str]) -> None:
    if odd := [name for name in names if EQUALS in name or BETWEEN in name]:
        raise DataError(
            f"the column {printable(odd[0])!r} of {path} can be no head, with its {EQUALS!r} or {BETWEEN!r}: rename it"
        )
    taken = [*RESERVED, *(f"{name}_{what}" for name in names for what in BESIDE)]
    if odd := [name for name in names if name in taken]:
        raise DataError(
            f"the column {printable(odd[0])!r} of {path} can be no head, as answers have a column of that name: "
            "rename it"
        )


def _refuse_several(path: Path, named: Named, name: str, column: pa.ChunkedArray) -> None:
    several = pc.fill_null(pc.match_substring(column, BETWEEN), False)
    if pc.any(several).as_py():
        at = pc.index(several, True).as_py()
        raise DataError(
            f"{path} has {printable(column[at].as_py())!r} in the column {name!r} ({named.place(at)}), and a head of "
            f"the task {SPEC.name} gives one label: write one, leave the cell empty where nobody knows, or learn that "
            "column by itself with --task multilabel"
        )


CELLS = HeadCells()
