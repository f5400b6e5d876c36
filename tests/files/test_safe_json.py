"""JSON within bounds: plain values or one phrase, and never more memory than the bounds allow."""

from __future__ import annotations

import json
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from visionft.files.safe_json import DEEPEST, MOST_VALUES, parse_object, read_object
from visionft.files.safe_open import UnreadableError

FAULTS = [
    (b"", "it cannot be read as JSON"),
    (b"{", "it cannot be read as JSON"),
    (b"\xff\xfe", "it cannot be read as JSON"),
    (b"\xef\xbb\xbf{}", "it cannot be read as JSON"),
    (b"{} {}", "it cannot be read as JSON"),
    (b"[]", "it holds no JSON object"),
    (b"7", "it holds no JSON object"),
    (b'{"a": ' + b"7" * 5_000 + b"}", "it holds a number of 5,000 digits"),
    (b'{"a": -' + b"7" * 40 + b"}", "it holds a number of 41 digits"),
    (b'{"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", f"it is nested more than {DEEPEST} deep"),
    (b'{"a": ' * 70 + b"0" + b"}" * 70, f"it is nested more than {DEEPEST} deep"),
    (b"[" * 10_000_000, f"it holds more than {MOST_VALUES:,} values"),
    (b'{"a": 1, "b": {"a": 2, "a": 3}}', "it holds a key twice"),
    (b'{"a": "\\ud800"}', "it holds half of a letter (a lone surrogate)"),
    (b'{"\\uDFff": 1}', "it holds half of a letter (a lone surrogate)"),
]


@pytest.mark.parametrize(("content", "words"), FAULTS, ids=range(len(FAULTS)))
def test_faults(tmp_path: Path, content: bytes, words: str) -> None:
    (tmp_path / "a.json").write_bytes(content)
    with pytest.raises(UnreadableError) as caught:
        read_object(tmp_path / "a.json")
    assert caught.value.reason == words


def test_a_pair_of_surrogates_is_one_letter() -> None:
    assert parse_object(b'{"a": "\\ud83d\\ude00"}') == {"a": "\U0001f600"}


def test_just_within_the_bounds() -> None:
    deep = b'{"a": ' * DEEPEST + b"0" + b"}" * DEEPEST
    assert json.loads(deep) == parse_object(deep)
    assert parse_object(b'{"a": ' + b"7" * 40 + b"}") == {"a": int("7" * 40)}


@pytest.mark.slow
def test_memory_stays_within_a_stated_bound() -> None:
    content = b'{"a": [' + b"[]," * (MOST_VALUES // 2 - 5) + b"0]}"
    tracemalloc.start()
    try:
        parse_object(content)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 120 * MOST_VALUES


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**20), 10**20) | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@pytest.mark.slow
@settings(max_examples=200)
@given(st.dictionaries(st.text(), VALUES))
def test_what_json_writes_comes_back(record: dict[str, Any]) -> None:
    assert parse_object(json.dumps(record, ensure_ascii=False).encode()) == record


@settings(max_examples=300)
@given(st.binary(max_size=200))
def test_no_bytes_raise_anything_else(content: bytes) -> None:
    try:
        found = parse_object(content)
    except UnreadableError:
        return
    assert found == json.loads(content)
