from __future__ import annotations

import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from visionft.classes import Classes
from visionft.data import Manifest, label_photos, prepare, summary, verify_photos
from visionft.data.prepare import list_photos
from visionft.errors import DataError
from visionft.settings import DataSettings

Tree = Callable[[Iterable[str]], Path]


def totals(manifest: Manifest) -> dict[str, int]:
    return {split: sum(classes.values()) for split, classes in manifest.counts().items()}


def numbered(*folders: str, n: int = 4) -> list[str]:
    return [f"{folder}/{i}.png" for folder in folders for i in range(n)]


def test_clothing_is_as_its_folders_say(shared: Path) -> None:
    listing = list_photos(shared / "data" / "clothing", DataSettings())
    assert Counter(listing.table["split"].to_pylist()) == {"train": 3068, "validation": 341, "test": 372}
    assert len(listing.table["label"].unique()) == 10
    assert (listing.quarantine, listing.notes) == ((), ())


def test_grocery_just_works(shared: Path) -> None:
    root = shared / "data" / "grocery"
    manifest = prepare(root, DataSettings())
    assert totals(manifest) == {"train": 2640, "validation": 296, "test": 2485}
    assert len(manifest.classes) == 81
    assert "Fruit/Apple/Granny-Smith" in manifest.classes
    assert manifest.notes == (
        f"beside the splits of {root}, iconic/ (81 photos) is ignored",
        "the folder Vegetables/Mushroom/Brown-Cap-Mushroom is read as the class Vegetables/Brown-Cap-Mushroom, "
        "whose path only differs in between",
        "validation lacks 21 of the 81 classes (Fruit/Apple/Red-Delicious, Fruit/Nectarine, Fruit/Papaya and 18 more): "
        "its figures say nothing about them",
    )
    measured = label_photos(root / "test", manifest.classes, DataSettings())
    assert sorted(measured.rows("test").labels) == sorted(manifest.rows("test").labels)


def test_photos_without_splits_are_split_three_ways(two_classes: Path) -> None:
    manifest = prepare(two_classes, DataSettings())
    assert all(totals(manifest).values())
    assert sum(totals(manifest).values()) == 40


def test_train_and_test_get_a_validation_split_out_of_train_alone(tree: Tree) -> None:
    root = tree(numbered("train/hat", "train/cap", n=12) + numbered("test/hat", "test/cap", n=3))
    manifest = prepare(root, DataSettings())
    assert all(path.startswith("train/") for path in manifest.rows("validation").paths)
    assert all(path.startswith("test/") for path in manifest.rows("test").paths)
    assert totals(manifest)["test"] == 6
    held = totals(manifest)["validation"]
    assert f"the photos bring no validation split: {held} photos of train are held out" in manifest.notes


def test_train_and_validation_alone_leave_no_test(tree: Tree) -> None:
    manifest = prepare(tree(numbered("train/hat", "train/cap", "val/hat", "val/cap")), DataSettings())
    assert totals(manifest) == {"train": 8, "validation": 8, "test": 0}
    assert manifest.notes == ("the photos bring splits but no test: nothing was held out for final figures",)


def test_an_earlier_splits_csv_wins_and_a_moved_photo_is_known_by_its_bytes(two_classes: Path, tmp_path: Path) -> None:
    first = prepare(two_classes, DataSettings(validation=0.4, test=0.3))
    first.write_splits(tmp_path / "splits.csv")
    (two_classes / "hat" / "00.png").rename(two_classes / "hat" / "renamed.png")
    again = prepare(two_classes, DataSettings(splits=tmp_path / "splits.csv"))
    assert dict(zip(first.table["digest"].to_pylist(), first.table["split"].to_pylist(), strict=True)) == dict(
        zip(again.table["digest"].to_pylist(), again.table["split"].to_pylist(), strict=True)
    )


def test_duplicates_across_given_splits_are_said_aloud_and_kept(tree: Tree) -> None:
    root = tree(numbered("train/hat", "train/cap", "val/hat", "val/cap", "test/hat", "test/cap"))
    shutil.copy(root / "train/hat/0.png", root / "test/hat/copy.png")
    manifest = prepare(root, DataSettings())
    assert totals(manifest)["test"] == 9
    assert manifest.notes == (
        "1 byte-for-byte duplicate lies in several of the given splits (test/hat/copy.png = train/hat/0.png): "
        "figures on the 1 photo outside train flatter the model",
    )


def test_one_photo_under_two_classes_is_said_aloud(two_classes: Path) -> None:
    shutil.copy(two_classes / "hat/00.png", two_classes / "shoe/copy.png")
    (note,) = prepare(two_classes, DataSettings()).notes
    assert note == (
        "1 photo has byte-for-byte copies under another label (hat/00.png = shoe/copy.png): one of the labels is wrong"
    )


def test_products_stay_together(tree: Tree) -> None:
    root = tree(f"{kind}/SKU{i}/{view}.png" for kind in ("hat", "cap") for i in range(12) for view in "ab")
    manifest = prepare(root, DataSettings(depth=1, group_by="parent"))
    sides: dict[str, set[str]] = {}
    for row in manifest.table.to_pylist():
        sides.setdefault(row["group"], set()).add(row["split"])
    assert len(sides) == 24
    assert all(len(held) == 1 for held in sides.values())
    assert "24 products" in summary(manifest)


def test_a_flat_folder_of_products_stops_with_advice(tree: Tree) -> None:
    root = tree(f"SKU{i:03}/a.png" for i in range(120))
    with pytest.raises(DataError) as caught:
        prepare(root, DataSettings())
    assert str(caught.value) == (
        f"{root} has 120 folders of about 1 photo each, which look like products (SKUs) rather than classes: if they "
        "are, put them into a folder for each class; if they are the classes, add --data.depth 1"
    )


def test_classes_that_lost_every_photo_are_left_out_aloud(two_classes: Path) -> None:
    (two_classes / "glove").mkdir()
    (two_classes / "glove" / "a.jpg").write_text("no photo")
    manifest = prepare(two_classes, DataSettings())
    assert list(manifest.classes) == ["hat", "shoe"]
    assert manifest.notes == ("1 class is left out, as no photo of 'glove' can be used: see the quarantine",)
    assert "1 entry in quarantine: 1 not an image" in summary(manifest)


def test_what_was_checked_before_is_not_opened_again_and_that_is_said(
    two_classes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verify_photos, "now", lambda: time.time_ns() + 10**10)
    first, second = prepare(two_classes, DataSettings()), prepare(two_classes, DataSettings())
    assert "unchanged" not in summary(first)
    assert "40 photos are unchanged since they were last checked, and not opened again" in summary(second)
    assert (first.fingerprint, first.notes) == (second.fingerprint, second.notes)
    assert label_photos(two_classes, second.classes, DataSettings()).unchanged == 40
    assert prepare(two_classes, DataSettings(scan_cache=False)).unchanged == 0


@pytest.mark.parametrize(
    ("paths", "words"),
    [
        (numbered("hat"), "has photos of only one class, 'hat': give at least two classes"),
        (["hat/a.png", "cap/b.png"], "has only one photo or product for each class, so that none is left to choose by"),
        (
            numbered("train/hat", "train/cap", "test/scarf", "val/scarf"),
            "has photos of class 'scarf' in validation and test, but none in train: add training photos or remove",
        ),
    ],
)
def test_photos_unfit_to_train_on_are_one_sentence(tree: Tree, paths: list[str], words: str) -> None:
    with pytest.raises(DataError, match=words):
        prepare(tree(paths), DataSettings())


def test_a_price_a_photo_is_told_which_task_learns_it(tree: Tree, tmp_path: Path) -> None:
    root = tree(numbered("hat", "cap", "bag", n=10))
    photos = sorted(root.rglob("*.png"))[:25]
    rows = [f"{photo},{index * 1.25}" for index, photo in enumerate(photos)]
    (tmp_path / "prices.csv").write_text("\n".join(["path,label", *rows]))
    with pytest.raises(DataError, match=r"better twenty; the 25 labels are numbers: .* add --task regression"):
        prepare(tmp_path / "prices.csv", DataSettings())


def test_a_class_that_train_spells_otherwise_is_named(tree: Tree) -> None:
    root = tree(numbered("train/Hat", "train/cap", "test/hat", "test/cap"))
    with pytest.raises(DataError, match=r"of class 'hat' in test, but none in train; did you mean 'Hat'\?: add"):
        prepare(root, DataSettings())


def test_shares_that_leave_nothing_are_one_sentence(two_classes: Path) -> None:
    with pytest.raises(DataError, match=r"--data.validation 0.5 and --data.test 0.5 leave no photo to train on"):
        prepare(two_classes, DataSettings(validation=0.5, test=0.5))
    with pytest.raises(DataError, match=r"--data.validation 0 leaves no photo to choose by"):
        prepare(two_classes, DataSettings(validation=0.0))


def test_places_that_are_no_photos_are_one_sentence(two_classes: Path) -> None:
    with pytest.raises(DataError, match=r"there is no .*photo: give a folder .*; did you mean .*photos.$"):
        prepare(two_classes.parent / "photo", DataSettings())
    with pytest.raises(DataError, match=r"is neither a folder nor a .csv or .parquet manifest"):
        prepare(two_classes / "hat" / "00.png", DataSettings())


def test_a_manifest_is_prepared_and_missing_files_go_to_quarantine(two_classes: Path) -> None:
    lines = [f"{label}/{i:02}.png,{label}" for label in ("hat", "shoe") for i in range(20)]
    path = two_classes / "list.csv"
    path.write_text("\n".join(["path,label", *lines, "hat/gone.png,hat"]))
    manifest = prepare(path, DataSettings())
    assert len(manifest) == 40
    assert [(item.path, item.reason) for item in manifest.quarantine] == [("hat/gone.png", "no such file")]


def test_a_manifest_whose_photos_are_all_missing_names_a_close_file(two_classes: Path) -> None:
    path = two_classes / "list.csv"
    path.write_text("path,label\nhat/00.jpg,hat\nshoe/00.jpg,shoe\n")
    with pytest.raises(
        DataError, match=r"none of the 2 photos .* hat/00.jpg is the first \(no such file\); did you mean 00.png"
    ):
        prepare(path, DataSettings())


def test_labelled_photos_are_all_test_under_the_runs_classes(two_classes: Path) -> None:
    classes = Classes.of(["cap", "hat", "shoe"])
    manifest = label_photos(two_classes, classes, DataSettings())
    assert totals(manifest) == {"train": 0, "validation": 0, "test": 40}
    assert set(manifest.rows("test").labels.tolist()) == {1, 2}


def test_of_photos_with_splits_the_test_split_is_measured(tree: Tree) -> None:
    root = tree(numbered("train/hat", "train/cap") + numbered("test/hat", n=2))
    manifest = label_photos(root, Classes.of(["cap", "hat"]), DataSettings())
    assert list(manifest.rows("test").paths) == ["test/hat/0.png", "test/hat/1.png"]
    assert f"{root} brings splits: its test photos alone are measured on, not the 8 of train" in manifest.notes


def test_a_class_unknown_to_the_run_is_an_error_that_names_it(two_classes: Path) -> None:
    with pytest.raises(DataError) as caught:
        label_photos(two_classes, Classes.of(["hat", "shoes"]), DataSettings())
    assert str(caught.value) == (
        f"{two_classes} has the class 'shoe', unknown to the run with its 2 classes; did you mean 'shoes'?: rename the "
        f"folder, or train a run that knows it with visionft fit {two_classes}"
    )


def test_products_that_a_retrieval_run_never_saw_are_measured_as_it_was_trained(tree: Tree) -> None:
    root = tree(numbered("hats/h0", "hats/h1", "shoes/s0", "shoes/s1"))
    settings = DataSettings(depth=2, layout="classes", inside=None, group_by="none")
    found = label_photos(root, Classes.of(["old/a", "old/b"]), settings, task="retrieval")
    assert found.classes.names == ("hats/h0", "hats/h1", "shoes/s0", "shoes/s1")
    with pytest.raises(DataError, match="unknown to the run"):
        label_photos(root, Classes.of(["old/a", "old/b"]), settings)
