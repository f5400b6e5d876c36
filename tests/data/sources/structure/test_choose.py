"""Which reading is taken, in which words, and which trees are refused with the flags of both."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Literal

import pytest

from visionft.data.sources.image_folder import scan
from visionft.data.sources.listing import Listing
from visionft.errors import DataError
from visionft.settings import DataSettings

Tree = Callable[[Iterable[str]], Path]


def photos(*folders: str, n: int = 3) -> list[str]:
    return [f"{folder}/{i}.jpg" for folder in folders for i in range(n)]


def grid(tops: str, below: str, n: int = 3) -> list[str]:
    return photos(*(f"{top}/{name}" for top in tops.split() for name in below.split()), n=n)


def labels(listing: Listing) -> set[str]:
    return set(listing.table["label"].to_pylist())


def splits(listing: Listing) -> dict[str, str | None]:
    """Return the first level of each photo's path -> its split."""
    return {row["path"].split("/")[0]: row["split"] for row in listing.table.to_pylist()}


def sentence(listing: Listing) -> str:
    assert listing.reading is not None
    return listing.reading.sentence


@pytest.mark.parametrize(
    ("names", "sides"),
    [
        ("Training Testing", {"Training": "train", "Testing": "test"}),
        ("training_set test_set", {"training_set": "train", "test_set": "test"}),
        ("train dev", {"train": "train", "dev": "validation"}),
        ("TRAIN eval holdout", {"TRAIN": "train", "eval": "validation", "holdout": "test"}),
        ("train2017 val2017", {"train2017": "train", "val2017": "validation"}),
    ],
)
def test_sides_by_any_name_are_sides(bare: Tree, names: str, sides: dict[str, str]) -> None:
    found = scan(bare(grid(names, "hat shoes dress")), DataSettings())
    assert labels(found) == {"hat", "shoes", "dress"}
    assert splits(found) == sides
    assert sentence(found).startswith("class folders in splits, ")
    assert all(f"{name}/" in sentence(found) for name in names.split())


def test_a_folder_around_everything_is_looked_through(bare: Tree) -> None:
    root = bare([*grid("dataset/train dataset/val dataset/test", "hat shoes"), "__MACOSX/dataset/._a.jpg", "README.md"])
    found = scan(root, DataSettings())
    assert labels(found) == {"hat", "shoes"}
    assert set(found.table["split"].to_pylist()) == {"train", "validation", "test"}
    assert sentence(found) == "class folders in splits, dataset/test/, dataset/train/ and dataset/val/ for validation"


def test_two_folders_around_everything_are_looked_through_and_said(bare: Tree) -> None:
    found = scan(bare([*photos("a/b/hat", "a/b/shoes"), "a/labels/1.txt"]), DataSettings())
    assert labels(found) == {"hat", "shoes"}
    assert sentence(found) == "class folders in a/b/, no splits"
    assert found.notes == (f"beside what is read in {found.root}, a/labels/ is ignored",)


def test_the_inner_folder_of_a_side_is_looked_through(bare: Tree) -> None:
    found = scan(bare(grid("training_set/training_set test_set/test_set", "cats dogs")), DataSettings())
    assert labels(found) == {"cats", "dogs"}
    assert splits(found) == {"training_set": "train", "test_set": "test"}


def test_train_alone_is_a_folder_around_everything(bare: Tree) -> None:
    found = scan(bare(grid("train", "hat shoes")), DataSettings())
    assert (labels(found), splits(found)) == ({"hat", "shoes"}, {"train": None})
    assert sentence(found) == "class folders in train/, no splits"


def test_sides_below_every_class_are_sides(bare: Tree) -> None:
    found = scan(bare(grid("hat shoes dress", "train test")), DataSettings())
    assert labels(found) == {"hat", "shoes", "dress"}
    assert {row["path"].split("/")[1]: row["split"] for row in found.table.to_pylist()} == {
        "train": "train", "test": "test",
    }  # fmt: skip
    assert sentence(found) == "splits in every class folder, */test/ and */train/"


def test_a_test_folder_without_classes_is_left_aside_aloud(bare: Tree) -> None:
    found = scan(bare([*grid("train", "hat shoes"), *photos("test")]), DataSettings())
    assert (labels(found), splits(found)) == ({"hat", "shoes"}, {"train": None})
    assert found.notes == (f"beside what is read in {found.root}, test/ (3 photos) is ignored",)


def test_a_flat_test_folder_beside_train_and_validation_is_left_aside_aloud(bare: Tree) -> None:
    found = scan(bare([*grid("train val", "hat shoes"), *photos("test")]), DataSettings())
    assert splits(found) == {"train": "train", "val": "validation"}
    assert found.notes == (f"beside the splits of {found.root}, test/ (3 photos) is ignored",)


def test_classes_called_train_and_test_among_others_are_classes(bare: Tree) -> None:
    found = scan(bare(photos("train", "test", "doll", "car")), DataSettings())
    assert labels(found) == {"train", "test", "doll", "car"}


@pytest.mark.parametrize(
    ("paths", "words"),
    [
        (photos("train", "test"), r"in 2 ways: as sides of a set, of which test/ and train/ lack class folders: put "
         r"the photos of every class into a folder of its own; as classes such as test: --data.layout classes; give"),
        (grid("val test", "hat shoes"), r"\(test/ and val/ hold the same folders\): as splits, test/ as test and val/ "
         r"as validation: add a folder named train with the same folders; as classes such as test: --data.layout clas"),
        (photos("train/T1", "train/T2", "test/P1", "test/P2", "doll/D1"), r"in 2 ways \(test/ and train/ are named "
         r"like sides of a set\): as splits, .*: --data.layout splits; as classes such as doll: --data.layout classes"),
        (photos("Training/run", "Training/walk", "Testing/kit", "Testing/tube"), r"as splits, Testing/ as test and "
         r"Training/ as train: --data.layout splits; as classes such as Testing: --data.layout classes"),
        (photos("train/T1", "train/T2", "test", "doll"), r"test/ has no class folders, train/ has\): as the classes in "
         r"train/ alone: --data.inside train; as classes such as doll: --data.layout classes"),
    ],
    ids=["nothing but flat sides", "no train", "toys", "no folder in common", "flat test among classes"],
)  # fmt: skip
def test_two_readings_are_refused_with_the_flag_of_each(bare: Tree, paths: list[str], words: str) -> None:
    with pytest.raises(DataError, match=words):
        scan(bare(paths), DataSettings())


@pytest.mark.parametrize("below", ["hat shoes", "front side"])
def test_folders_that_repeat_under_unknown_names_are_refused(bare: Tree, below: str) -> None:
    root = bare(grid("A B", below, n=20))
    first, second = sorted(below.split())
    with pytest.raises(DataError) as caught:
        scan(root, DataSettings())
    assert str(caught.value) == (
        f"{root} has the same folders ({first} and {second}) in each of A and B, which may be sides of one set: for "
        f"classes such as A/{first} add --data.depth none; for the 2 classes A and B add --data.depth 1; for classes "
        f"such as {first} in all of them add --data.inside '*', or, if they are sides, name the one with the photos to "
        "train on train, the other one test or validation"
    )
    assert labels(scan(root, DataSettings(depth=2))) == {f"{a}/{b}" for a in "AB" for b in below.split()}
    assert labels(scan(root, DataSettings(depth=1))) == {"A", "B"}


@pytest.mark.parametrize(
    ("names", "words"),
    [
        ("test trian", r"rename them \(mv {0}/trian {0}/train\)"),
        ("Testdaten Trainingsdaten", r"rename them \(mv {0}/Testdaten {0}/test && mv {0}/Trainingsdaten {0}/train\)"),
        ("train unseen", "name what lies beside train test or validation"),
        ("2021 2022 2023", "name the one with the photos to train on train, the other one test or validation"),
        ("trian trial", "name the one with the photos to train on train, the other one test or validation"),
    ],
)
def test_no_side_is_taken_for_another_in_a_refusal(bare: Tree, names: str, words: str) -> None:
    root = bare(grid(names, "hat shoes", n=20))
    with pytest.raises(DataError, match=f"or, if they are sides, {words.format(root)}$"):
        scan(root, DataSettings())


def test_a_star_reads_every_folder_of_a_level_together(bare: Tree) -> None:
    root = bare([*grid("2021 2022", "hat shoes"), *photos("2023/dress")])
    found = scan(root, DataSettings(inside=Path("*")))
    assert (labels(found), found.table.num_rows, found.quarantine) == ({"hat", "shoes", "dress"}, 15, ())
    assert sentence(found) == "class folders in each of 2021/, 2022/ and 2023/, no splits"
    assert found.reading is not None
    settled = {name.removeprefix("data."): value for name, value, _ in found.reading.choices}
    assert scan(root, DataSettings.model_validate(settled)).table.equals(found.table)
    with pytest.raises(
        DataError, match=r"has no folders \*/\*/\* with photos; give a level that has, by name or as \*, or"
    ):
        scan(root, DataSettings(inside=Path("*/*/*")))


def test_a_star_keeps_the_sides_of_each_folder_and_says_what_is_beside(bare: Tree) -> None:
    found = scan(bare(grid("one/train one/test two/train two/test", "hat shoes")), DataSettings(inside=Path("*")))
    assert (labels(found), set(found.table["split"].to_pylist())) == ({"hat", "shoes"}, {"train", "test"})
    loose = scan(bare([*grid("more/2021 more/2022", "cap tie"), *photos("more")]), DataSettings(inside=Path("more/*")))
    assert labels(loose) == {"cap", "tie"}
    assert [item.path for item in loose.quarantine] == ["more/0.jpg", "more/1.jpg", "more/2.jpg"]
    assert any("one/ (12 photos)" in note and "are ignored" in note for note in loose.notes)


def test_a_folder_that_says_nothing_below_every_class_is_no_level_of_it(bare: Tree) -> None:
    root = bare([*photos("hat/images", "shoes/images"), *photos("dress/Photos")])
    found = scan(root, DataSettings())
    assert labels(found) == {"hat", "shoes", "dress"}
    assert sentence(found) == (
        "class folders, no splits, 3 classes with their photos in Photos/ and images/ below; if that is part of the "
        "names, add --data.depth none"
    )
    assert labels(scan(root, DataSettings(depth=None))) == {"hat/images", "shoes/images", "dress/Photos"}
    more = scan(bare(photos("hat/side")), DataSettings())
    assert labels(more) == {"hat/images", "hat/side", "shoes/images", "dress/Photos"}


def test_a_depth_beyond_the_tree_is_said_to_be_none(bare: Tree) -> None:
    root = bare(photos("hat", "shoes/red"))
    assert scan(root, DataSettings(depth=2)).notes == ()
    assert scan(root, DataSettings(depth=5)).notes == (
        f"--data.depth 5 is more than there is: the class folders of {root} lie 2 levels deep at most",
    )


def test_a_taxonomy_that_shares_some_names_is_one(bare: Tree) -> None:
    root = bare(photos("Men/Shoes", "Men/Shirts", "Men/Ties", "Women/Shoes", "Women/Shirts", "Women/Skirts", n=20))
    assert len(labels(scan(root, DataSettings()))) == 6
    assert labels(scan(bare(photos("Kids/Other", n=20)), DataSettings())) >= {"Kids/Other"}


def test_photos_in_a_parent_and_in_its_child_are_refused_with_both_flags(bare: Tree) -> None:
    root = bare([*photos("hat", "dress"), *photos("hat/more", "dress/more")])
    with pytest.raises(DataError) as caught:
        scan(root, DataSettings())
    assert str(caught.value) == (
        f"{root} has photos both in dress and hat and in folders below: for one class dress with all of them add "
        "--data.depth 1; for classes of their own such as dress/more add --data.depth none"
    )
    assert labels(scan(root, DataSettings(depth=1))) == {"hat", "dress"}
    assert labels(scan(root, DataSettings(depth=2))) == {"hat", "dress", "hat/more", "dress/more"}


def test_the_flags_of_a_refusal_are_taken(bare: Tree) -> None:
    root = bare(photos("train/T1", "train/T2", "test", "doll"))
    assert labels(scan(root, DataSettings(inside="train"))) == {"T1", "T2"}
    assert labels(scan(root, DataSettings(layout="classes"))) == {"train/T1", "train/T2", "test", "doll"}


def test_a_folder_to_read_in_that_is_not_there_is_one_sentence(bare: Tree) -> None:
    with pytest.raises(DataError, match=r"--data.inside: .* has no folder nowhere; give one that lies in it, or leave"):
        scan(bare(photos("hat", "cap")), DataSettings(inside="nowhere"))


def test_a_given_depth_counts_from_the_folder_itself_unless_one_class_is_left(bare: Tree) -> None:
    root = bare(grid("all", "hat shoes"))
    assert labels(scan(root, DataSettings(depth=2))) == {"all/hat", "all/shoes"}
    assert labels(scan(root, DataSettings(depth=1))) == {"hat", "shoes"}
    assert labels(scan(root, DataSettings(inside=None))) == {"all/hat", "all/shoes"}


@pytest.mark.parametrize(
    ("tops", "below"),
    [("dataset/Training dataset/Testing", "hat shoe"), ("hat shoe", "train test"), ("all/hat all/shoe", "train dev")],
)
def test_what_was_settled_reads_the_same_again(bare: Tree, tops: str, below: str) -> None:
    root = bare(grid(tops, below))
    first = scan(root, DataSettings())
    assert first.reading is not None
    settled = {name.removeprefix("data."): value for name, value, _ in first.reading.choices}
    again = scan(root, DataSettings.model_validate(settled))
    assert again.table.equals(first.table)
    assert all(reason for _, _, reason in first.reading.choices)


# What a run knows already.


def test_photos_of_known_classes_need_no_flags(bare: Tree) -> None:
    root = bare([*photos("hat", "dress"), *photos("hat/more", "dress/more")])
    assert labels(scan(root, DataSettings(depth=1), known=["dress", "hat"])) == {"hat", "dress"}
    assert labels(scan(root, DataSettings(), known=["dress", "hat"])) == {"hat", "dress"}
    every = ["dress", "dress/more", "hat", "hat/more"]
    assert labels(scan(root, DataSettings(depth=None), known=every)) == set(every)


@pytest.mark.parametrize(
    ("paths", "read_as"),
    [
        (grid("hat shoes", "SKU01 SKU02"), "class folders, no splits, 1 level of them the class"),
        ([*photos("hat", "shoes"), *photos("hat/more")], "class folders, no splits, 1 level of them the class"),
        (grid("2021 2022", "hat shoes"), "class folders in each of 2021/ and 2022/, no splits"),
        (grid("trian test", "hat shoes"), "class folders in each of test/ and trian/, no splits"),
        (grid("a/2021 a/2022 b/2021", "hat shoes"), "class folders in each of a/2021/, a/2022/ and b/2021/, no splits"),
        (grid("men women", "hat/SKU1 shoes/SKU2"),
         "class folders in each of men/ and women/, no splits, 1 level of them the class"),
    ],
    ids=["products", "parent and child", "years", "a side misspelt", "two levels above", "above and below"],
)  # fmt: skip
@pytest.mark.parametrize("depth", ["auto", None, 1])
def test_levels_beside_the_known_classes_are_read_as_none_of_them(
    bare: Tree, paths: list[str], read_as: str, depth: Literal["auto"] | int | None
) -> None:
    found = scan(bare(paths), DataSettings(depth=depth), known=["dress", "hat", "shoes"])
    assert (labels(found), set(splits(found).values())) == ({"hat", "shoes"}, {None})
    assert sentence(found) in (read_as, f"{read_as}, 1 level of them the class")
    assert (found.table.num_rows, found.quarantine) == (len(paths), ())
    note = f"{found.root} has other folder levels than the run's photos, and is read by its classes: {sentence(found)}"
    assert found.notes == (
        () if sentence(found).endswith("class") and depth == 1 and "each" not in read_as else (note,)
    )


def test_what_a_run_was_trained_on_is_read_as_it_was(bare: Tree) -> None:
    known = ["men/hat", "men/shoes", "women/hat", "women/shoes"]
    found = scan(bare(grid("men women", "hat shoes")), DataSettings(depth=None), known=[*known, "hat", "men"])
    assert (labels(found), found.notes) == (set(known), ())


def test_sides_without_train_are_measured_on(bare: Tree) -> None:
    found = scan(bare(grid("val test", "hat shoes")), DataSettings(layout="splits", depth=None), known=["hat", "shoes"])
    assert (labels(found), splits(found)) == ({"hat", "shoes"}, {"val": "validation", "test": "test"})


def test_a_run_on_splits_measures_plain_class_folders_and_the_other_way_round(bare: Tree) -> None:
    plain = scan(bare(photos("hat", "shoes")), DataSettings(layout="splits", inside="x"), known=["hat", "shoes"])
    assert labels(plain) == {"hat", "shoes"}
    sided = scan(
        bare(grid("more/train more/test", "hat shoes")) / "more", DataSettings(layout="classes"), ["hat", "shoes"]
    )
    assert labels(sided) == {"hat", "shoes"}


def test_a_run_whose_classes_are_called_train_and_test_knows_them(bare: Tree) -> None:
    found = scan(bare(photos("train", "test")), DataSettings(depth=None), known=["doll", "test", "train"])
    assert labels(found) == {"train", "test"}


def test_a_word_for_a_side_is_a_hint_that_the_classes_bear_out(bare: Tree) -> None:
    root = bare([*grid("seg_train/seg_train seg_test/seg_test", "forest sea"), *photos("seg_pred/seg_pred")])
    found = scan(root, DataSettings())
    assert (labels(found), splits(found)) == ({"forest", "sea"}, {"seg_train": "train", "seg_test": "test"})
    assert found.notes == (f"beside the splits of {root}, seg_pred/ (3 photos) is ignored",)
    again = scan(root, DataSettings(layout="splits", inside=None, depth=None))
    assert again.table.equals(found.table)
    shoes = scan(bare(photos("more/training shoes/A", "more/test tubes/B", "more/hats/C")) / "more", DataSettings())
    assert labels(shoes) == {"training shoes/A", "test tubes/B", "hats/C"}


def test_sides_whose_classes_differ_in_case_alone_are_sides(bare: Tree) -> None:
    found = scan(
        bare([*photos("Training/Hat", "Training/Shoe"), *photos("Testing/hat", "Testing/shoe")]), DataSettings()
    )
    assert splits(found) == {"Training": "train", "Testing": "test"}


def test_two_sets_with_sides_of_their_own_are_refused(bare: Tree) -> None:
    root = bare(grid("one/train one/test two/train two/test", "hat shoes"))
    with pytest.raises(
        DataError, match=r"the same folders \(hat and shoes\) in each of one and two, which may be sides"
    ):
        scan(root, DataSettings())
    assert labels(scan(root, DataSettings(inside="one"))) == {"hat", "shoes"}


def test_brands_that_repeat_above_products_are_refused(bare: Tree) -> None:
    root = bare(
        f"{kind}/{brand}/{kind}-{i:02}/{view}.jpg"
        for kind in ("hat", "shoe")
        for brand in ("acme", "best")
        for i in range(8)
        for view in "ab"
    )
    words = (
        r"for classes such as hat/acme add --data.depth 2 --data.group-by parent; for the 2 classes hat and shoe add "
        r"--data.depth 1 --data.group-by parent"
    )
    with pytest.raises(DataError, match=words):
        scan(root, DataSettings())


@pytest.mark.parametrize(
    ("paths", "trained", "products"),
    [
        (grid("hats shoes", "a0 a1 a2"), {"depth": 2}, {f"{top}/a{i}" for top in ("hats", "shoes") for i in range(3)}),
        (grid("hats shoes", "a0 a1 a2"), {"depth": 1}, {"hats", "shoes"}),
        (grid("hats", "a0 a1 a2"), {"depth": None}, {"a0", "a1", "a2"}),
        (photos("b0", "b1", "b2"), {"depth": 2, "layout": "splits"}, {"b0", "b1", "b2"}),
        (photos("b0", "b1", "b2"), {"depth": None, "inside": Path("pictures")}, {"b0", "b1", "b2"}),
        (photos("train/b0", "train/b1", "val/b2", "val/b3", "test/b4"), {"depth": None}, {f"b{i}" for i in range(5)}),
        (photos("train/b0", "train/b1", "val/b2", "val/b3", "test/b4"), {"depth": 1}, {f"b{i}" for i in range(5)}),
    ],
)
def test_classes_that_no_run_knows_are_read_at_the_depth_of_the_run(
    bare: Tree, paths: list[str], trained: dict[str, object], products: set[str]
) -> None:
    settings = DataSettings.model_validate({"layout": "classes", "inside": None, "group_by": "none", **trained})
    found = scan(bare(paths), settings, ["sku0", "sku1"], bounded=False)
    assert labels(found) == products
    sided = any(path.startswith("train/") for path in paths)
    assert all((split is not None) == sided for split in found.table["split"].to_pylist())
