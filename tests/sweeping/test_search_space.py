"""What `--over` says: commas part values and settings, ranges know their scale, and what is none is one sentence."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from visionft.errors import SettingsError
from visionft.sweeping.search_space import Dimension, dimensions, short


def test_commas_part_values_and_settings() -> None:
    found = dimensions("learning-rate=1e-4..1e-2,seed=0..2,method=full,lora")
    assert found == (
        Dimension("method.name", ("full", "lora")),
        Dimension("optim.lr", (), 1e-4, 1e-2, whole=False, log=True),
        Dimension("seed", ("0", "1", "2")),
    )
    assert [one.size for one in found if one.finite] == [2, 3]


@pytest.mark.parametrize(
    ("text", "log"),
    [("lr=1e-4..1e-2", True), ("lr=1e-4..9e-3", False), ("lr=1e-5..1", True), ("weight-decay=0..0.1", False)],
)
def test_two_decades_make_a_logarithmic_scale(text: str, log: bool) -> None:
    assert dimensions(text)[0].log == log


def test_whole_numbers_stay_whole() -> None:
    (rank,) = dimensions("method.rank=4..8")
    assert rank.whole
    assert (rank.size, [rank.at(place) for place in range(rank.size)]) == (5, ["4", "5", "6", "7", "8"])
    assert rank.tried == ("4", "8")


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("method", "method.name"), ("lr", "optim.lr"), ("learning-rate", "optim.lr"), ("lr0", "optim.lr"),
        ("optim.batch-size", "optim.batch_size"), ("bs", "optim.batch_size"), ("imgsz", "preprocess.size"),
        ("rank", "method.rank"), ("lora_r", "method.rank"), ("wd", "optim.weight_decay"),
    ],
)  # fmt: skip
def test_names_are_those_of_fit_and_of_other_tools(name: str, path: str) -> None:
    values = "full,lora" if name == "method" else "0.1,0.2"
    assert dimensions(f"{name}={values}")[0].path == path


@pytest.mark.parametrize(
    "given",
    [
        {"lr": "1e-4..1e-2", "method": ["full", "lora"], "seed": range(3), "augment.flip": [True, False]},
        {"lr": "1e-4..1e-2", "method": ("full", "lora"), "seed": "0..2", "augment.flip": "true,false"},
    ],
)
def test_python_says_the_same(given: dict[str, Any]) -> None:
    assert dimensions(given) == dimensions("lr=1e-4..1e-2,method=full,lora,seed=0..2,augment.flip=true,false")


@given(st.floats(1e-6, 1.0), st.floats(2.0, 9.0), st.floats(0.0, 1.0))
def test_a_written_number_never_leaves_its_range(low: float, factor: float, share: float) -> None:
    high = low * factor
    one = Dimension("optim.lr", (), low, high)
    drawn = low + share * (high - low)
    written = float(one.written(drawn))
    assert low <= written <= high
    assert math.isclose(written, drawn, rel_tol=1e-3)


def test_what_is_varied_can_be_written_again() -> None:
    text = "method=full,lora,optim.lr=0.0001..0.01,method.rank=4..8,seed=0,1"
    found = dimensions(text)
    assert dimensions(",".join(map(str, found))) == found
    assert short("method.name") == "method"


@pytest.mark.parametrize(
    ("over", "sentence"),
    [
        ("", "--over names no setting; give one such as"),
        ("1,2", "--over: 1 has no name; give settings such as lr=1e-4..1e-2"),
        ("frobnicate=1,2", "--over frobnicate: no such setting"),
        ("optimizer=sgd,adam", "--over optimizer: no such setting; leave it out: AdamW is what trains"),
        ("lr=1e-3..x", "--over: lr=1e-3..x: x is no number; give a range such as lr=1e-4..1e-2"),
        ("epochs=1..2.5", "--over: epochs=1..2.5: 2.5 is no whole number; give a range such as epochs=1..5"),
        ("lr=1..1e-3", "--over: lr=1..1e-3 is no range; give the smaller end first"),
        ("lr=nan..1", "--over: lr=nan..1 is no range; give the smaller end first"),
        ("lr=1e-3..1e-2,0.1", "--over: lr has the range 1e-3..1e-2 beside other values; give a range or values"),
        ("lr=0.1", "--over: lr has one value; give several, or --optim.lr 0.1 beside --over"),
        ("lr=0.1,0.1", "--over: lr has the value 0.1 twice; give it once"),
        ("lr=0.1,,0.2", "--over: lr has an empty value"),
        ("lr=0.1,0.2,optim.lr=0.3,0.4", "--over: optim.lr is given twice"),
        ("seed=0..5000", "--over: seed has more than 1,000 values; give fewer"),
        (
            "size=64,128",
            "--over: size ends the names of preprocess.size, augment.size and embedding.size; give a whole one",
        ),
        ("out=a,b", "--over: out is the folder of one run; each trial has its own below --out"),
        ("data.validation=0.1,0.2", "--over: data.validation decides on which photos the score is measured"),
        ("from=a,b", "--over: from decides on which photos the score is measured"),
        ("phases=1,2", "--over: phases takes a list, which has no place between commas"),
    ],
)
def test_what_is_none_is_one_sentence(over: str, sentence: str) -> None:
    with pytest.raises(SettingsError) as caught:
        dimensions(over)
    assert len(caught.value.faults) == 1
    assert caught.value.faults[0].startswith(sentence)


def test_all_faults_at_once() -> None:
    with pytest.raises(SettingsError) as caught:
        dimensions("lr=1..0,frobnicate=1,2,seed=0,0")
    assert len(caught.value.faults) == 3
