from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
import pytest

from visionft.data.sources.merged_class_paths import fold


def folded(rows: Sequence[tuple[str, str | None]], known: list[str]) -> tuple[list[str], list[str]]:
    labels, splits = zip(*rows, strict=True)
    table, notes = fold(pa.table({"label": pa.array(labels), "split": pa.array(splits, pa.string())}), known)
    return table["label"].to_pylist(), notes


def test_a_path_that_only_differs_in_between_is_one_class_and_said_aloud() -> None:
    rows = [("Veg/Cap", "train"), ("Veg/Mushroom/Cap", "test")]
    assert folded(rows, ["Veg/Cap"]) == (
        ["Veg/Cap", "Veg/Cap"],
        ["the folder Veg/Mushroom/Cap is read as the class Veg/Cap, whose path only differs in between"],
    )


def test_many_of_them_are_said_in_one_sentence() -> None:
    kinds = [f"kind-{i}" for i in range(8)]
    labels, notes = folded(
        [(f"Veg/{kind}", "train") for kind in kinds] + [(f"Veg/New/{kind}", "test") for kind in kinds],
        [f"Veg/{kind}" for kind in kinds],
    )
    assert labels == [f"Veg/{kind}" for kind in kinds] * 2
    assert len(notes) == 1
    assert notes[0].startswith(
        "8 folders are read as classes whose paths only differ in between: Veg/New/kind-0 as Veg/"
    )
    assert notes[0].endswith("and 3 more")


def test_a_shorter_path_is_the_class_too() -> None:
    assert folded([("Granny", None)], ["Fruit/Apple/Granny"])[0] == ["Fruit/Apple/Granny"]


@pytest.mark.parametrize(
    ("rows", "known"),
    [
        ([("Veg/Other", "test")], ["Fruit/Other"]),
        ([("Fruit/Apple", "test")], ["Fruit"]),
        ([("Other", "test")], ["Fruit/Other", "Veg/Other"]),
        ([("A/x/Other", "test"), ("A/y/Other", "test")], ["A/Other"]),
        ([("A/x/Other", "test"), ("A/Other", "test")], ["A/Other"]),
    ],
    ids=["another parent", "another end", "two classes fit", "two labels fit", "both in one split"],
)
def test_what_may_be_another_class_is_left_alone(rows: list[tuple[str, str | None]], known: list[str]) -> None:
    assert folded(rows, known) == ([label for label, _ in rows], [])
