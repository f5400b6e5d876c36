"""Labels as tables in memory hold them, as text."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from visionft.data.sources.memory_labels import Number, is_missing, label_text
from visionft.errors import DataError

NAMES = ["hat", "shoe"]


@pytest.mark.parametrize("value", [None, float("nan"), np.float32("nan"), pd.NA, pd.NaT])
def test_what_stands_for_nothing(value: Any) -> None:
    assert is_missing(value)
    assert label_text(value, None, "label", 0) is None
    assert not is_missing(0)
    assert not is_missing("")


@pytest.mark.parametrize(
    ("value", "names", "text"),
    [
        ("hat", None, "hat"),
        (np.str_("hat"), NAMES, "hat"),
        (3, None, "3"),
        (3.0, None, "3"),
        (2.5, None, "2.5"),
        (np.int64(7), None, "7"),
        (np.array(7), None, "7"),
        (True, None, "true"),
        (1, NAMES, "shoe"),
        (np.uint8(0), NAMES, "hat"),
        (1.0, NAMES, "shoe"),
        (-1, NAMES, None),
    ],
)
def test_a_label_is_text_and_a_number_that_of_its_name(value: Any, names: list[str] | None, text: str | None) -> None:
    assert label_text(value, names, "label", 0) == text


def test_text_that_was_a_number_is_known_to_be_one() -> None:
    assert isinstance(label_text(3, None, "label", 0), Number)
    assert not isinstance(label_text("3", None, "label", 0), Number)


def test_what_is_no_label_is_one_sentence_with_its_row() -> None:
    with pytest.raises(DataError, match="row 4 of photos has a label of type list; give text or a number"):
        label_text(["hat"], None, "label", 4)
    with pytest.raises(DataError, match="row 4 of photos has the class 2, and names for 0 to 1 alone"):
        label_text(2, NAMES, "label", 4)
