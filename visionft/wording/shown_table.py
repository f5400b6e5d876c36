"""A small table that shows itself: printed, in a notebook, and as a table of Arrow or pandas."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, overload

from visionft.errors import MissingExtraError
from visionft.wording.safe_text import printable

if TYPE_CHECKING:
    import pyarrow as pa

SHOWN_ROWS = 60
"""Rows that are printed, about two screens; the table itself has them all."""


@dataclass(frozen=True, repr=False)
class Table(Sequence[dict[str, Any]]):
    """Rows under names; a row is a dict from the names to values.

    Attributes:
        columns: the names; two columns may share one, as a class may be called like a column beside it.
        values: a tuple a row, with a value for each column.
    """

    columns: tuple[str, ...]
    values: tuple[tuple[Any, ...], ...]

    @classmethod
    def of(cls, table: pa.Table) -> Table:
        """Return the same of a table of Arrow."""
        columns = [column.to_pylist() for column in table.columns]
        return cls(tuple(table.column_names), tuple(zip(*columns, strict=True)))

    def __len__(self) -> int:
        return len(self.values)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return (dict(zip(self.columns, row, strict=True)) for row in self.values)

    @overload
    def __getitem__(self, index: int) -> dict[str, Any]: ...
    @overload
    def __getitem__(self, index: slice) -> Table: ...
    def __getitem__(self, index: int | slice) -> dict[str, Any] | Table:
        if isinstance(index, slice):
            return Table(self.columns, self.values[index])
        return dict(zip(self.columns, self.values[index], strict=True))

    def to_arrow(self) -> pa.Table:
        """Return it as a table of Arrow."""
        import pyarrow as pa

        columns = zip(*self.values, strict=True) if self.values else [[] for _ in self.columns]
        return pa.Table.from_arrays([pa.array(list(column)) for column in columns], list(self.columns))

    def to_pandas(self) -> Any:
        """Return it as a DataFrame; MissingExtraError where pandas is not installed."""
        return as_pandas(self.to_arrow())

    def __str__(self) -> str:
        shown = [self.columns, *self._cells()]
        widths = [max(map(len, column)) for column in zip(*shown, strict=True)]
        lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in shown]
        return "\n".join([*lines, *self._rest()])

    __repr__ = __str__

    def _cells(self) -> list[tuple[str, ...]]:
        return [tuple(map(_cell, row)) for row in self.values[:SHOWN_ROWS]]

    def _rest(self) -> list[str]:
        left = len(self.values) - SHOWN_ROWS
        return [f"... {left:,} more"] if left > 0 else []

    def _repr_html_(self) -> str:
        head = "".join(f"<th>{escape(printable(name))}</th>" for name in self.columns)
        body = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in self._cells())
        return f"<table><tr>{head}</tr>{body}</table>{''.join(f'<p>{line}</p>' for line in self._rest())}"


def as_pandas(table: pa.Table) -> Any:
    """Return a table of Arrow as a DataFrame of pandas, which visionft itself does without.

    Raises:
        MissingExtraError: pandas is not installed.
    """
    if find_spec("pandas") is None:
        raise MissingExtraError(
            "to_pandas needs pandas, not installed here: install it with `pip install pandas`, or take to_arrow"
        )
    return table.to_pandas()


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    return "" if value is None else printable(str(value))
