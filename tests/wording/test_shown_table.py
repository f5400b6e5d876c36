"""A small table that shows itself."""

from __future__ import annotations

import pyarrow as pa
import pytest

from visionft.errors import MissingExtraError
from visionft.wording import shown_table
from visionft.wording.shown_table import Table

TABLE = Table(("epoch", "loss", "name"), ((0, None, "a\nb"), (1, 0.123456, "c")))


def test_it_prints_in_columns() -> None:
    assert str(TABLE) == repr(TABLE) == "epoch  loss    name\n0              a\\nb\n1      0.1235  c"


def test_rows_are_dicts_and_a_part_is_a_table() -> None:
    assert len(TABLE) == 2
    assert TABLE[1] == {"epoch": 1, "loss": 0.123456, "name": "c"}
    assert next(iter(TABLE))["loss"] is None
    assert TABLE[1:] == Table(TABLE.columns, TABLE.values[1:])


def test_arrow_and_pandas_have_the_same() -> None:
    arrow = TABLE.to_arrow()
    assert Table.of(arrow) == TABLE
    assert TABLE.to_pandas()["epoch"].tolist() == [0, 1]
    assert Table(("a",), ()).to_arrow().num_rows == 0
    assert Table.of(pa.table({"a": pa.array([], pa.int64())})) == Table(("a",), ())


def test_two_columns_may_share_a_name() -> None:
    twice = Table(("truth", "truth"), (("hat", 3),))
    assert twice.to_arrow().column_names == ["truth", "truth"]
    assert "hat    3" in str(twice)


def test_long_tables_are_cut_where_they_are_shown() -> None:
    long = Table(("n",), tuple((number,) for number in range(shown_table.SHOWN_ROWS + 5)))
    assert str(long).splitlines()[-1] == "... 5 more"
    assert long._repr_html_().endswith("<p>... 5 more</p>")
    assert long.to_arrow().num_rows == shown_table.SHOWN_ROWS + 5


def test_markup_is_text() -> None:
    assert "<td>&lt;b&gt;</td>" in Table(("<i>",), (("<b>",),))._repr_html_()
    assert "<th>&lt;i&gt;</th>" in Table(("<i>",), (("<b>",),))._repr_html_()


def test_without_pandas_one_sentence_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shown_table, "find_spec", {}.get)
    with pytest.raises(MissingExtraError, match="to_pandas needs pandas, not installed here: install it with `pip"):
        TABLE.to_pandas()
