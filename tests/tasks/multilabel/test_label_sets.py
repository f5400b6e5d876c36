"""Sets of labels as text: read, refused, and written the same way again."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from visionft.tasks.multilabel.label_sets import LabelSet, matrix, texts_of


@pytest.mark.parametrize(
    ("text", "spelt"),
    [
        ("", ""),
        ("red", "red"),
        (" red | cotton ", "cotton|red"),
        ("?worn|red|red", "red|?worn"),
        ("? worn", "?worn"),
        ("Fruit/Apple|why?", "Fruit/Apple|why?"),
    ],
)
def test_a_set_has_one_spelling(text: str, spelt: str) -> None:
    assert str(LabelSet.parse(text)) == spelt
    assert LabelSet.parse(spelt) == LabelSet.parse(text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("red||cotton", "nothing stands beside"),
        ("red|", "nothing stands beside"),
        ("?", "nothing stands beside"),
        ("red|?red", "it both has 'red' and does not know it"),
        ("??red", "'\\?red' begins with '\\?'"),
    ],
)
def test_what_is_no_set_says_why(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        LabelSet.parse(text)


def test_entries_and_texts_are_each_others_reverse() -> None:
    texts = ["b|?c", "", "a|b|c", "?a|?b|?c", "b|?c"]
    column = pa.chunked_array([texts[:2], texts[2:]])
    entries = matrix(column, ("a", "b", "c"))
    assert entries.tolist() == [[0, 1, -1], [0, 0, 0], [1, 1, 1], [-1, -1, -1], [0, 1, -1]]
    assert entries.dtype == np.int8
    assert texts_of(entries, ("a", "b", "c")) == texts
    assert matrix(pa.chunked_array([], pa.string()), ("a",)).shape == (0, 1)
