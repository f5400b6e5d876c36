"""When folders are products, when classes, and when nobody can tell."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from visionft.data.sources.image_folder import scan
from visionft.errors import DataError
from visionft.settings import DataSettings, build

Tree = Callable[[Iterable[str]], Path]


def catalogue(kinds: int, each: int, photos: int, name: str = "SKU{kind}{product:02}") -> list[str]:
    return [
        f"kind-{'abcdefghijklmnopqrstuvwxyz'[kind]}/{name.format(kind=kind, product=product)}/{view}.jpg"
        for kind in range(kinds)
        for product in range(each)
        for view in range(photos)
    ]


def test_many_folders_of_few_photos_are_products_and_both_counts_are_said(bare: Tree) -> None:
    root = bare(catalogue(10, 9, 4))
    found = scan(root, DataSettings())
    assert len(found.table["label"].unique()) == 10
    assert len(found.table["group"].unique()) == 90
    assert found.reading is not None
    assert (found.reading.depth, found.reading.group_by) == (1, "parent")
    assert found.reading.reasons["depth"] == "90 folders under 10, of about 4 photos each, are products"
    assert found.reading.sentence == (
        "class folders, no splits, 10 classes with 90 products (kind-a/SKU000 is a product of kind-a); if the folders "
        "are the classes, add --data.depth none"
    )
    assert len(scan(root, DataSettings(depth=2)).table["label"].unique()) == 90
    assert len(scan(root, DataSettings(group_by="none")).table["label"].unique()) == 90


def test_products_in_folders_of_words_are_products_where_none_has_more_than_three_photos(bare: Tree) -> None:
    colours, kinds = ("red", "blue", "green", "black", "white"), ("hat", "coat", "shoe", "belt")
    root = bare(f"{kind}/{colour}-{kind}/{i}.jpg" for kind in kinds for colour in colours for i in range(2))
    found = scan(root, DataSettings())
    assert found.reading is not None
    assert found.reading.group_by == "parent"


def test_loose_photos_of_a_class_belong_to_no_product(bare: Tree) -> None:
    found = scan(bare([*catalogue(3, 8, 3), "kind-a/loose.jpg"]), DataSettings())
    groups = {row["path"]: row["group"] for row in found.table.to_pylist()}
    assert groups["kind-a/loose.jpg"] is None
    assert len(set(groups.values())) == 25


def test_other_products_in_the_test_side_are_products_however_many_photos_they_have(bare: Tree) -> None:
    paths = [
        f"{side}/{kind}/{kind}-{side}-{letter}/{i}.jpg"
        for side in ("train", "test")
        for kind in ("hat", "shoe")
        for letter in "abc"
        for i in range(12)
    ]
    found = scan(bare(paths), DataSettings())
    assert set(found.table["label"].to_pylist()) == {"hat", "shoe"}
    assert found.reading is not None
    assert "no side shares them with train" in found.reading.reasons["depth"]


@pytest.mark.parametrize(
    "paths",
    [
        [f"Fruit/{name}/{i}.jpg" for name in ("Apple", "Pear", "Kiwi") for i in range(4)]
        + [f"Milk/{name}/{i}.jpg" for name in ("Oat", "Soy", "Sour") for i in range(4)],
        catalogue(10, 9, 30),
        [f"{kind}/only-{kind}/{i}.jpg" for kind in ("hat", "coat") for i in range(3)],
    ],
    ids=["few classes of words", "many photos each", "one folder each"],
)
def test_a_taxonomy_stays_one(bare: Tree, paths: list[str]) -> None:
    found = scan(bare(paths), DataSettings())
    assert found.reading is not None
    assert (found.reading.depth, found.reading.group_by) == (None, "none")
    assert set(found.table["group"].to_pylist()) == {None}


@pytest.mark.parametrize(
    "paths",
    [catalogue(2, 4, 5), [f"{a}{b}/{a}{c}{b}/{i}.jpg" for a in "abcde" for b in "xy" for c in "pqr" for i in range(6)]],
    ids=["few with codes", "many with words"],
)
def test_where_nobody_can_tell_both_flags_are_given(bare: Tree, paths: list[str]) -> None:
    root = bare(paths)
    words = (
        r"may be products or classes: for \d+ classes with products such as .* add --data.depth 1 "
        r"--data.group-by parent; for \d+ classes such as .* add --data.depth none"
    )
    with pytest.raises(DataError, match=words):
        scan(root, DataSettings())
    assert scan(root, DataSettings(depth=1, group_by="parent")).table.num_rows == len(paths)


def test_parents_that_look_like_products_themselves_are_not_taken_for_classes(bare: Tree) -> None:
    paths = [
        f"{k}/{k}-{p:02}/{view}/{i}.jpg" for k in ("hat", "coat") for p in range(15) for view in "abc" for i in "12"
    ]
    with pytest.raises(
        DataError, match=r"for 2 classes with products such as coat/coat-00/a add --data.depth 1 --data"
    ):
        scan(bare(paths), DataSettings())


def test_grouping_by_parent_settles_the_depth_where_all_folders_are_as_deep(bare: Tree) -> None:
    found = scan(bare(catalogue(2, 2, 20)), DataSettings(group_by="parent"))
    assert found.reading is not None
    assert (found.reading.depth, len(found.table["group"].unique())) == (1, 4)


@pytest.mark.parametrize("flags", ["--data.inside shop --data.depth 1", "--data.depth none"])
def test_the_flags_of_a_refusal_count_from_the_folder_that_was_looked_through_to(bare: Tree, flags: str) -> None:
    root = bare(f"shop/{a}/{b}/{i}.jpg" for a in "AB" for b in ("hat", "cap") for i in range(20))
    with pytest.raises(DataError, match=f"add {flags};"):
        scan(root, DataSettings())
    words = flags.split()
    given = {name.removeprefix("--data."): value for name, value in zip(words[::2], words[1::2], strict=True)}
    data = build(str(root), data=given).data
    assert len(scan(root, data).table["label"].unique()) == (4 if given["depth"] == "none" else 2)
