"""Text in CSV files that a spreadsheet does not compute, and that comes back as it was.

A cell that begins with one of `=`, `+`, `-`, `@`, their full-width twins, a tab or an end of line is a formula for
spreadsheets, quoted or not (OWASP, "CSV injection"). An apostrophe before it makes it text.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa

_SIGNS = "[=+\\-@\t\r\n\uff1d\uff0b\uff0d\uff20]"
# Text that begins with apostrophes before a sign gets one more, so that taking one off always gives the text back.
_WRITTEN = f"^('*{_SIGNS})"
_READ = f"^'('*{_SIGNS})"
_WRITTEN_PATTERN, _READ_PATTERN = re.compile(_WRITTEN), re.compile(_READ)


def spreadsheet_safe(text: str) -> str:
    """Return the text as it is written into a CSV file: `=1+1` as `'=1+1`, nearly every other text as it is."""
    return _WRITTEN_PATTERN.sub(r"'\1", text)


def from_spreadsheet(text: str) -> str:
    """Return the text that `spreadsheet_safe` was given."""
    return _READ_PATTERN.sub(r"\1", text)


def spreadsheet_safe_table(table: pa.Table) -> pa.Table:
    """Return an Arrow table whose strings, and names of columns, are as `spreadsheet_safe` writes them."""
    written = _replaced(table, _WRITTEN, r"'\1")
    return written.rename_columns([spreadsheet_safe(name) for name in table.column_names])


def from_spreadsheet_table(table: pa.Table) -> pa.Table:
    """Return an Arrow table whose strings are those that `spreadsheet_safe_table` was given; names stay."""
    return _replaced(table, _READ, r"\1")


def _replaced(table: pa.Table, pattern: str, replacement: str) -> pa.Table:
    # pyarrow takes longer to import than a small predict takes to answer, and many readers of this room need none.
    import pyarrow as pa
    import pyarrow.compute as pc

    for place, field in enumerate(table.schema):
        if pa.types.is_string(field.type):
            column = pc.replace_substring_regex(table.column(place), pattern, replacement)
            table = table.set_column(place, field, column)
    return table
