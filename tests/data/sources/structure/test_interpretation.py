"""How a tree is read: levels of classes, products, and folders under two names."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from visionft.data.sources.structure.folder_tree import read_tree
from visionft.data.sources.structure.interpretation import Grouping, Levels, Part, Reading, folders

Tree = Callable[[Iterable[str]], Path]


def reading(depth: int | None, group_by: Grouping = "none") -> Reading:
    return Reading("", "classes", (Part(""),), depth, group_by)


@pytest.mark.parametrize(
    ("depth", "levels", "label", "product"),
    [
        (None, ("hat", "red"), "hat/red", None),
        (1, ("hat", "red"), "hat", "hat/red"),
        (1, ("hat",), "hat", None),
        (2, ("hat",), "hat", None),
    ],
)
def test_a_depth_makes_the_class_and_the_whole_path_the_product(
    depth: int | None, levels: Levels, label: str, product: str | None
) -> None:
    assert reading(depth, "parent").label(levels) == label
    assert reading(depth, "parent").product(levels) == product
    assert reading(depth).product(levels) is None


def test_one_name_has_one_spelling() -> None:
    assert reading(None).label(("A\u0308pfel",)) == "\u00c4pfel"


def test_levels_are_those_below_the_part_and_above_it(bare: Tree) -> None:
    tree = read_tree(bare(["hat/train/red/a.jpg", "hat/test/red/b.jpg"]))
    part = Part("hat/train", "train", ("hat",))
    found, double = folders(tree, [part, Part("gone")])
    assert [(node.path, levels) for node, _, levels in found] == [
        ("hat/train", ("hat",)), ("hat/train/red", ("hat", "red")),
    ]  # fmt: skip
    assert double == set()


def test_a_folder_under_a_second_name_is_read_once(bare: Tree) -> None:
    root = bare(["hat/a.jpg", "shoe/"])
    (root / "shoe" / "same").symlink_to(root / "hat")
    found, double = folders(read_tree(root), [Part("")])
    assert double == {"shoe/same"}
    assert [node.path for node, _, _ in found] == ["", "hat", "shoe"]


def test_what_was_read_off_is_told_with_its_reasons() -> None:
    told = Reading("photos", "splits", (), 1, "parent", reasons={"depth": "folders look like products"})
    assert told.choices == [
        ("data.inside", "photos", ""),
        ("data.layout", "splits", ""),
        ("data.depth", 1, "folders look like products"),
        ("data.group_by", "parent", ""),
    ]
    assert reading(None).choices[0] == ("data.inside", None, "")
