"""Sides that hide among the classes: within a side, or in the names of the folders."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from visionft.data.sources.image_folder import scan
from visionft.errors import DataError
from visionft.settings import DataSettings

Tree = Callable[[Iterable[str]], Path]


def grid(tops: str, below: str) -> list[str]:
    return [f"{top}/{name}/{i}.jpg".lstrip("./") for top in tops.split() for name in below.split() for i in range(3)]


@pytest.mark.parametrize(
    ("tops", "inside", "words"),
    [
        (
            "train train/test",
            "train/test/",
            r"if train/test/ is a side of the set, move it out \(mv {0}/train/test {0}/\)",
        ),
        ("train val train/test", "train/test/", r"move it out \(mv {0}/train/test {0}/\)"),
        ("a/b/train a/b/train/val", "a/b/train/val/", r"move it out \(mv {0}/a/b/train/val {0}/a/b/\)"),
        (". test", "test/", "put the folders beside it into a folder of their own side, such as train"),
    ],
    ids=["alone", "beside validation", "deeper", "on top"],
)
def test_a_side_within_the_classes_is_refused_with_both_ways(bare: Tree, tops: str, inside: str, words: str) -> None:
    root = bare(grid(tops, "hat shoes"))
    with pytest.raises(DataError) as caught:
        scan(root, DataSettings())
    assert str(caught.value).startswith(f"{root} has the same folders (hat and shoes) in {inside} and beside it: ")
    name, layout = inside.split("/")[-2], "splits" if "val " in tops else "classes"
    assert str(caught.value).endswith(f"for classes such as {name}/hat add --data.layout {layout}")
    assert f"{name}/hat" in scan(root, DataSettings(layout=layout)).table["label"].to_pylist()
    with pytest.raises(DataError, match=words.format(root)):
        scan(root, DataSettings())


def test_a_side_within_the_classes_is_a_class_where_that_is_asked_for(bare: Tree) -> None:
    found = scan(bare(grid("train train/test", "hat shoes")), DataSettings(layout="classes"))
    assert set(found.table["label"].to_pylist()) == {"hat", "shoes", "test/hat", "test/shoes"}


def test_a_class_called_like_a_side_with_folders_of_its_own_is_one(bare: Tree) -> None:
    found = scan(bare([*grid(".", "hat shoes"), *grid("test", "tube kit")]), DataSettings())
    assert set(found.table["label"].to_pylist()) == {"hat", "shoes", "test/tube", "test/kit"}


@pytest.mark.parametrize(
    "names", ["train_hat train_shoes test_hat test_shoes", "hat-train hat-val shoes-train shoes-val"]
)
def test_names_that_join_side_and_class_are_refused_with_both_ways(bare: Tree, names: str) -> None:
    root = bare(grid(".", names))
    first = names.split()[0]
    with pytest.raises(
        DataError, match="which may be sides of one set: for sides, make a folder of each side"
    ) as caught:
        scan(root, DataSettings())
    assert f"(mkdir -p {root}/train && mv {root}/{first} {root}/train/hat); for classes such as {first} add" in str(
        caught.value
    )
    assert set(scan(root, DataSettings(layout="classes")).table["label"].to_pylist()) == set(names.split())


def test_names_with_words_of_sides_that_do_not_repeat_are_classes(bare: Tree) -> None:
    names = "train_station test_tube test_kit train_set_box hat"
    assert set(scan(bare(grid(".", names)), DataSettings()).table["label"].to_pylist()) == set(names.split())
