"""How a table says which labels a photo has: `red|cotton` in one column, a list, or a column for each label."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from visionft.data.sources.table_columns import Named
from visionft.errors import DataError
from visionft.photos import printable
from visionft.tasks.multilabel.label_sets import SEPARATOR, UNKNOWN, UNSURE, LabelSet, texts_of
from visionft.wording.lists import some

YES, NO = frozenset({"1", "1.0", "true"}), frozenset({"0", "0.0", "false"})


class LabelCells:
    """Cells of several labels; an empty one holds none of them, or, in a label's own column, says that nobody knows."""

    def columns(self, given: str, names: Sequence[str]) -> tuple[str, ...]:
        """Return the columns of labels: the one that is named, or those between commas, a label each."""
        if given in names or "," not in given:
            return (given,)
        return tuple(name.strip() for name in given.split(",") if name.strip())

    def listed(self, path: Path, name: str, column: pa.ChunkedArray) -> pa.ChunkedArray:
        """Return lists of labels as text, null where there is no list; DataError where one holds no label."""
        return pa.chunked_array(
            [pa.array((_joined(path, name, row, at) for at, row in enumerate(column.to_pylist(), 1)), pa.string())]
        )

    def joined(self, values: Sequence[Any], at: int) -> str:
        """Return a list of labels from memory as text, `red|cotton`; DataError where one is no label."""
        wrong = [value for value in values if not _is_label(value)]
        if wrong:
            raise DataError(
                f"row {at} of photos has the label {printable(str(wrong[0]))!r} in a list, which is none: give texts "
                f"without {SEPARATOR!r}"
            )
        return SEPARATOR.join(values)

    def label(
        self, path: Path, named: Named, columns: Mapping[str, pa.ChunkedArray], given: str
    ) -> tuple[pa.ChunkedArray, tuple[str, ...]]:
        """Return each row's labels as text, never null, and notes.

        Raises:
            DataError: a cell says nothing of the kind; its line is named.
        """
        if given in columns:
            return _sets(path, named, given, columns[given]), ()
        return _of_columns(path, named, columns)


def _sets(path: Path, named: Named, name: str, column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return texts whose labels stand in order, `red|cotton` as `cotton|red`."""
    texts = pc.fill_null(column, "")
    distinct = texts.unique().to_pylist()
    if distinct and {text.lower() for text in distinct if text} <= YES | NO and any(distinct):
        raise DataError(
            f"the column {name!r} of {path} holds yes and no alone: a column that is a label is named with a comma "
            f"behind it, as in --data.label-column {name!r},"
        )
    spelt = {}
    for text in distinct:
        try:
            spelt[text] = str(LabelSet.parse(text))
        except ValueError as fault:
            place = named.place(pc.index(texts, text).as_py())
            raise DataError(
                f"{path} has the labels {printable(text)!r} ({place}), and {fault}: "
                f"write labels between {SEPARATOR!r}, and {UNSURE!r} before one that nobody knows"
            ) from fault
    return _mapped(texts, spelt)


def _of_columns(
    path: Path, named: Named, columns: Mapping[str, pa.ChunkedArray]
) -> tuple[pa.ChunkedArray, tuple[str, ...]]:
    odd = [name for name in columns if SEPARATOR in name or name.startswith(UNSURE)]
    if odd:
        raise DataError(f"the column {odd[0]!r} of {path} can be no label, with its {SEPARATOR!r} or {UNSURE!r}")
    entries = np.stack([_entries(path, named, name, column) for name, column in columns.items()], axis=1)
    patterns, row = np.unique(entries, axis=0, return_inverse=True)
    texts = pa.array(texts_of(patterns, [name.strip() for name in columns]), pa.string())
    never = [name for name, has in zip(columns, (entries == 1).any(axis=0), strict=True) if not has]
    notes = (f"no photo of {path.name} has the label {some(map(repr, never))}",) if never else ()
    return pa.chunked_array([texts.take(pa.array(row.reshape(-1)))]), notes


def _entries(path: Path, named: Named, name: str, column: pa.ChunkedArray) -> NDArray[np.int8]:
    """Return entries (n,) of the label of a column: 1 has it, 0 lacks it, -1 nobody knows."""
    texts = pc.utf8_lower(column)
    wrong = [text for text in texts.drop_null().unique().to_pylist() if text not in YES | NO]
    if wrong:
        place = pc.index(texts, wrong[0]).as_py()
        raise DataError(
            f"{path} has {printable(column[place].as_py())!r} in the column {name!r} of a label "
            f"({named.place(place)}): write 1 or true, 0 or false, and nothing where nobody knows"
        )
    has = pc.fill_null(pc.is_in(texts, value_set=pa.array(sorted(YES))), False).to_numpy()
    return np.where(pc.is_null(texts).to_numpy(), UNKNOWN, has).astype(np.int8)


def _mapped(texts: pa.ChunkedArray, spelt: Mapping[str, str]) -> pa.ChunkedArray:
    place = pc.index_in(texts, value_set=pa.array(list(spelt), pa.string()))
    return pa.chunked_array([pa.array(list(spelt.values()), pa.string()).take(place.combine_chunks())])


def _is_label(value: Any) -> bool:
    return isinstance(value, str) and SEPARATOR not in value and bool(value.strip())


def _joined(path: Path, name: str, row: Iterable[Any] | None, at: int) -> str | None:
    if row is None:
        return None
    parts = list(row)
    wrong = [part for part in parts if not _is_label(part)]
    if wrong:
        raise DataError(
            f"the column {name!r} of {path} has a list with {printable(str(wrong[0]))!r} (row {at:,}), which is no "
            f"label: give texts without {SEPARATOR!r}"
        )
    return SEPARATOR.join(parts)


CELLS = LabelCells()
