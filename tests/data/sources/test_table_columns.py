"""The columns that a table must have to name photos."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from visionft.data.sources.table_columns import ONE_CELL, PLACE, Named, label_keys, unread_splits, wanted
from visionft.errors import DataError
from visionft.settings import DataSettings

TABLE = Path("shop.csv")


def columns(names: list[str], **given: Any) -> dict[str, str]:
    return wanted(TABLE, names, DataSettings.model_validate(given))


def test_our_names_of_the_file_s_columns() -> None:
    assert columns(["path", "label", "price"]) == {"path": "path", "label": "label"}
    assert columns(["file", "brand", "split", "group"], path_column="file", label_column="brand") == {
        "path": "file", "label": "brand", "split": "split", "group": "group",
    }  # fmt: skip
    assert "group" not in columns(["path", "label", "group"], group_by="none")
    assert label_keys(["a", "b", "c"]) == ["label", "label 2", "label 3"]


@pytest.mark.parametrize(
    ("names", "given", "words"),
    [
        (["path", "labl"], {}, r"has no column 'label' \(it has path and labl\); did you mean 'labl'\?: rename one to"),
        (["img", "label"], {"path_column": "image"}, r"has no column 'image' .* name another with --data\.path-column"),
        (["path", "label"], {"group_by": "column"}, "has no column 'group', which --data.group-by column asks for"),
        (["path", "label", "label"], {}, "has more than one column 'label': keep one"),
        (["hat/a.jpg", "hat"], {}, r"has no header: .* names the photo 'hat/a\.jpg'; put a line .* such as path,label"),
        (["hat", "hat/a.jpg"], {}, r"has no header: .* such as label,path"),
    ],
)
def test_what_names_no_photos_is_one_sentence(names: list[str], given: dict[str, Any], words: str) -> None:
    with pytest.raises(DataError, match=f"^shop.csv {words}"):
        columns(names, **given)


def test_columns_that_seem_to_tell_splits_apart_are_noted() -> None:
    assert unread_splits(TABLE, ["path", "Subset", "fold"]) == tuple(
        f"the column '{name}' of shop.csv is not read: splits are read from a column 'split', with the values train, "
        "validation and test"
        for name in ("Subset", "fold")
    )
    assert unread_splits(TABLE, ["path", "split", "fold"]) == ()


def test_a_row_is_found_in_its_file() -> None:
    named = Named(pa.table({PLACE: pa.array([2, 1234], pa.int64())}), "line")
    assert [named.place(row) for row in (0, 1)] == ["line 2", "line 1,234"]


def test_one_cell_is_the_label_as_it_is() -> None:
    column = pa.chunked_array([["hat", None]])
    assert ONE_CELL.label(TABLE, Named(pa.table({}), "line"), {"brand": column}, "brand") == (column, ())
    assert ONE_CELL.listed(TABLE, "brand", column) is None
