"""Proposals of where classes lie and which folders are sides, each with its plausibility."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from visionft.data.sources.structure.folder_tree import read_tree
from visionft.data.sources.structure.interpretation import Part
from visionft.data.sources.structure.split_folders import beside, in_each, over, propose, start
from visionft.errors import DataError
from visionft.settings import DataSettings

Tree = Callable[[Iterable[str]], Path]


def proposals(root: Path, **given: Any) -> list[tuple[str, int, list[tuple[str, str | None]]]]:
    found = propose(read_tree(root), DataSettings.model_validate(given))
    return [(one.layout, one.plausibility, [(part.folder, part.split) for part in one.parts]) for one in found]


def test_sides_that_hold_the_same_folders_are_likelier_than_classes(bare: Tree) -> None:
    root = bare([f"{side}/{name}/a.jpg" for side in ("train", "val") for name in ("hat", "shoe")])
    assert proposals(root) == [
        ("splits", 2, [("train", "train"), ("val", "validation")]),
        ("classes", 0, [("", None)]),
    ]


def test_sides_that_share_nothing_are_as_likely_as_classes_where_other_folders_lie_there(bare: Tree) -> None:
    root = bare(["train/hat/a.jpg", "test/shoe/a.jpg", "coat/x/a.jpg"])
    assert [(layout, plausibility) for layout, plausibility, _ in proposals(root)] == [("splits", 1), ("classes", 1)]


def test_plain_folders_are_classes(bare: Tree) -> None:
    assert proposals(bare(["hat/a.jpg", "shoe/a.jpg"])) == [("classes", 2, [("", None)])]


def test_sides_below_every_class_bring_the_class_above(bare: Tree) -> None:
    root = bare([f"{name}/{side}/a.jpg" for side in ("train", "test") for name in ("hat", "shoe")])
    [found] = propose(read_tree(root), DataSettings())
    assert [(part.folder, part.split, part.above) for part in found.parts] == [
        ("hat/test", "test", ("hat",)), ("hat/train", "train", ("hat",)),
        ("shoe/test", "test", ("shoe",)), ("shoe/train", "train", ("shoe",)),
    ]  # fmt: skip


def test_sides_without_class_folders_make_no_sense_and_say_what_would(bare: Tree) -> None:
    first, second = propose(read_tree(bare(["train/a.jpg", "test/b.jpg"])), DataSettings())
    assert (first.plausibility, second.layout) == (1, "classes")
    assert first.words == "as sides of a set, of which test/ and train/ lack class folders"
    assert first.mend == "put the photos of every class into a folder of its own"


def test_a_folder_around_everything_is_looked_through(bare: Tree) -> None:
    root = bare(["outer/inner/hat/a.jpg", "outer/inner/shoe/a.jpg"])
    assert [node.path for node in start(read_tree(root), DataSettings())] == ["", "outer", "outer/inner"]
    assert [node.path for node in start(read_tree(root), DataSettings(inside=None))] == [""]


def test_a_given_depth_counts_from_the_root_unless_one_class_is_left(bare: Tree) -> None:
    root = bare(["outer/hat/a.jpg", "outer/shoe/a.jpg"])
    assert proposals(root, depth=2) == [("classes", 2, [("", None)])]
    assert proposals(root, depth=1) == [("classes", 2, [("outer", None)])]


def test_a_star_stands_for_every_folder_of_its_level(bare: Tree) -> None:
    root = bare(["2021/hat/a.jpg", "2022/hat/a.jpg", "2022/shoe/a.jpg", "empty/"])
    tops = in_each(read_tree(root), DataSettings(inside=Path("*")))
    assert [node.path for node in tops] == ["2021", "2022"]
    assert proposals(root, inside="*") == [("classes", 2, [("2021", None), ("2022", None)])]


def test_folders_that_are_not_there_are_one_sentence(bare: Tree) -> None:
    root = bare(["hat/a.jpg", "shoe/a.jpg"])
    for inside, words in (
        ("gone", "has no folder gone; give one"),
        ("*/x", r"has no folders \*/x with photos; give a"),
    ):
        with pytest.raises(DataError, match=rf"^--data\.inside: .* {words}"):
            proposals(root, inside=inside)
    with pytest.raises(DataError, match=r"has no folder `train`, which --data\.layout splits asks for"):
        proposals(root, layout="splits")


def test_what_lies_over_and_beside_what_is_read(bare: Tree) -> None:
    tree = read_tree(bare(["in/hat/a.jpg", "in/shoe/a.jpg", "docs/b.jpg", "loose.jpg"]))
    assert [node.path for node in over(tree, [Part("in")])] == [""]
    assert [node.path for node in beside(tree, [Part("in")])] == ["docs"]
