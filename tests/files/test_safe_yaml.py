"""YAML within bounds: every odd file is read as it is meant, or is one sentence with its line and column."""

from __future__ import annotations

import os
import re
import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from visionft.errors import SettingsError
from visionft.files.safe_yaml import MAX_BYTES, MAX_DEPTH, parse_yaml, read_yaml

BILLION = "\n".join(f"x{i}: &x{i} [{','.join([f'*x{i - 1}'] * 9) if i else '1'}]" for i in range(10))
MERGED = "\n".join(f"x{i}: &x{i} {{<<: [{','.join([f'*x{i - 1}'] * 9) if i else '{a: 1}'}]}}" for i in range(10))
CHAIN = "x0: &x0 {a: 1}\n" + "\n".join(f"x{i}: &x{i} {{b: *x{i - 1}}}" for i in range(1, 60))

READ: dict[str, Any] = {
    "seed: 2024-13-45": {"seed": "2024-13-45"},
    "photos: 2024-01-02": {"photos": "2024-01-02"},
    "no: yes\n01: 2\nnull: 3\non: 4": {"no": True, "01": 2, "null": 3, "on": 4},
    "a: &x {q: 1}\nb: *x": {"a": {"q": 1}, "b": {"q": 1}},
    "a: &x {q: 1, r: 1}\nb: {<<: *x, r: 2}": {"a": {"q": 1, "r": 1}, "b": {"q": 1, "r": 2}},
    "a: 1_000\nb: 0x1F\nc: 1e-3\nd: ~": {"a": 1000, "b": 31, "c": "1e-3", "d": None},
    "\ufeffa: 1": {"a": 1},
    "": None,
    "- 1\n- b": [1, "b"],
}
FAULTS = {
    "seed: " + "1" * 5000: r"line 1, column 7 is not YAML that can be read \(a number of more than 100 .*",
    "seed: 0x" + "f" * 9000: r"line 1, column 7 .* \(a number of more than 100 signs\); mend that line",
    "a: !!int abc": r"line 1, column 4 .* \(abc is not a whole number\); mend that line",
    "a: !!int ''": r"line 1, column 4 .* \(nothing is not a whole number\); mend that line",
    "a: !!float x": r"line 1, column 4 .* \(x is not a number\); mend that line",
    "a: !!bool abc": r"line 1, column 4 .* \(abc is not true or false\); mend that line",
    "a: !!timestamp 2024-13-45": r"line 1, column 4 .* \(could not determine a constructor for the tag .*stamp'\).*",
    "a: !!python/name:os.system x": r"line 1, column 4 .* \(could not determine a constructor for the tag .*\); .*",
    "a: =": r"line 1, column 4 .* \(could not determine a constructor for the tag .*value'\); mend that line",
    "!!map [1]": r"line 1, column 1 .* \(a mapping is wanted\); mend that line",
    "a: &a [*a]": r"line 1, column 8 .* \(an alias stands inside what it names\); mend that line",
    "a: &a\n  b: *a": r"line 2, column 6 .* \(an alias stands inside what it names\); mend that line",
    BILLION: r"line 6, column 5 .* \(more than 100,000 values, aliases written out\); mend that line",
    MERGED: r"line 6, column 14 .* \(more than 100,000 values, aliases written out\); mend that line",
    CHAIN: r"line 32, column 6 .* \(more than 32 levels, aliases written out\); mend that line",
    "[" * 2000: r"line 1, column 33 .* \(more than 32 levels\); mend that line",
    "{a: " * 2000: r"line 1, column \d+ .* \(more than 32 levels\); mend that line",
    "- " * 2000 + "1": r"line 1, column 65 .* \(more than 32 levels\); mend that line",
    "a: 1\na: 2": r"line 2, column 1 .* \(the key a is given twice\); mend that line",
    "? [1]\n: 2": r"line 1, column 3 .* \(a key has to be a word\); mend that line",
    "'': 3": r"line 1, column 1 .* \(a key is missing\); mend that line",
    ": 3": r"line 1, column 1 .*; mend that line",
    "a: b\n\tc: d": r"line 2, column 1 .* \(.*\); mend that line",
    "a: 1\n---\nb: 2": r"line 2, column 1 .* \(but found another document\); mend that line",
    "a: *nope": r"line 1, column 4 .* \(found undefined alias 'nope'\); mend that line",
    "a: 1\nb: \x07": r"line 2, column 4 .* \(special characters are not allowed\); mend that line",
    "<<: 3": r"line 1, column 5 .* \(expected a mapping or list of mappings for merging, but found scalar\); .*",
}


@pytest.mark.parametrize(("text", "value"), READ.items(), ids=map(repr, READ))
def test_what_is_read(text: str, value: Any) -> None:
    assert parse_yaml(text, "run.yaml") == value


@pytest.mark.parametrize(("text", "words"), FAULTS.items(), ids=[repr(text[:24]) for text in FAULTS])
def test_what_is_refused_in_words_and_at_once(text: str, words: str) -> None:
    began = time.process_time()
    with pytest.raises(SettingsError) as caught:
        parse_yaml(text, "run.yaml")
    assert re.fullmatch(f"run.yaml: {words}", str(caught.value)), caught.value
    assert time.process_time() - began < 5  # aliases nine levels deep never ended


def test_files_that_are_none(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "latin.yaml").write_bytes(b"a: \xe9")
    with (tmp_path / "large.yaml").open("wb") as file:
        file.truncate(1 << 30)  # a gigabyte that takes no room
    for name, words in {
        "pipe": r"it cannot be read \(not a regular file\); give a YAML file",
        "gone": r"it cannot be read \(there is no such file\); give a YAML file",
        ".": r"it cannot be read \(is a directory\); give a YAML file",
        "latin.yaml": "it is not text in UTF-8; give a YAML file",
        "large.yaml": f"it holds more than {MAX_BYTES:,} bytes; give a YAML file of settings alone",
    }.items():
        with pytest.raises(SettingsError, match=f"^{words}$"):
            read_yaml(tmp_path / name, "it")


def test_a_device_is_no_file() -> None:
    with pytest.raises(SettingsError, match=r"cannot be read \(not a regular file\)"):
        read_yaml(Path("/dev/zero"), "it")


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**9), 10**9) | st.text(st.sampled_from("ab é-:#1'\"\n"), max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abc", min_size=1), inner, max_size=3),
    max_leaves=12,
)


@given(VALUES)
def test_what_yaml_wrote_is_read_back(value: Any) -> None:
    assert parse_yaml(yaml.safe_dump(value, allow_unicode=True), "x") == value


@given(st.text(st.sampled_from(list("ab:-?[]{},&*!|>'\"%@#\n\t <=0.1\x00é")), max_size=60))
def test_any_text_is_read_or_one_sentence(text: str) -> None:
    faults: tuple[str, ...] = ()
    try:
        parse_yaml(text, "x")
    except SettingsError as error:
        faults = error.faults
    assert len(faults) <= 1
    assert all("\n" not in fault and fault.endswith("mend that line") for fault in faults)


def test_the_depth_that_is_allowed_is_read() -> None:
    deep = "[" * MAX_DEPTH + "]" * MAX_DEPTH
    assert str(parse_yaml(deep, "x")) == deep
