from __future__ import annotations

import os
import unicodedata
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from visionft.data.sources.image_folder import scan
from visionft.data.sources.listing import Listing
from visionft.errors import DataError
from visionft.settings import DataSettings

Tree = Callable[[Iterable[str]], Path]


def listed(listing: Listing) -> dict[str, tuple[str, str | None, str | None]]:
    return {row["path"]: (row["label"], row["split"], row["group"]) for row in listing.table.to_pylist()}


def test_a_class_is_its_folders_path(tree: Tree) -> None:
    root = tree(["Fruit/Apple/Granny-Smith/a.png", "Fruit/Banana/b.png", "Milk/c.png"])
    assert listed(scan(root, DataSettings())) == {
        "Fruit/Apple/Granny-Smith/a.png": ("Fruit/Apple/Granny-Smith", None, None),
        "Fruit/Banana/b.png": ("Fruit/Banana", None, None),
        "Milk/c.png": ("Milk", None, None),
    }


def test_splits_are_read_where_train_and_another_hold_folders(tree: Tree) -> None:
    root = tree(["train/hat/a.png", "val/hat/b.png", "test/cap/c.png", "iconic/hat/d.png", "LICENSE.png"])
    found = scan(root, DataSettings())
    assert {path: (label, split) for path, (label, split, _) in listed(found).items()} == {
        "train/hat/a.png": ("hat", "train"),
        "val/hat/b.png": ("hat", "validation"),
        "test/cap/c.png": ("cap", "test"),
    }
    assert found.notes == (f"beside the splits of {root}, iconic/ (1 photo) and LICENSE.png are ignored",)


def test_classes_called_train_and_test_are_classes_and_said_aloud(tree: Tree) -> None:
    root = tree(["train/a.png", "test/b.png", "doll/c.png"])
    found = scan(root, DataSettings())
    assert {label for label, _, _ in listed(found).values()} == {"train", "test", "doll"}
    assert found.notes == (
        f"test and train in {root} are read as class names, not as splits: "
        "--data.layout splits or --data.layout classes settles it",
    )


def test_layout_overrides_what_the_names_suggest(tree: Tree) -> None:
    root = tree(["train/hat/a.png", "test/hat/b.png"])
    as_classes = scan(root, DataSettings(layout="classes"))
    assert {label for label, _, _ in listed(as_classes).values()} == {"train/hat", "test/hat"}
    assert as_classes.notes == ()
    only_train = tree(["more/train/hat/a.png", "more/train/cap/b.png"]) / "more"
    assert {split for _, split, _ in listed(scan(only_train, DataSettings(layout="splits"))).values()} == {"train"}


def test_layout_splits_without_train_is_an_error(tree: Tree) -> None:
    with pytest.raises(DataError, match=r"no folder `train`, which --data.layout splits asks for"):
        scan(tree(["hat/a.png"]), DataSettings(layout="splits"))


def test_depth_and_parent_read_a_catalogue_of_products(tree: Tree) -> None:
    root = tree(["shoes/SKU1/front.png", "shoes/SKU1/back.png", "hats/SKU2/detail/x.png", "hats/loose.png"])
    assert listed(scan(root, DataSettings(depth=1, group_by="parent"))) == {
        "shoes/SKU1/front.png": ("shoes", None, "shoes/SKU1"),
        "shoes/SKU1/back.png": ("shoes", None, "shoes/SKU1"),
        "hats/SKU2/detail/x.png": ("hats", None, "hats/SKU2/detail"),
        "hats/loose.png": ("hats", None, None),
    }


def test_grouping_by_parent_needs_a_depth(tree: Tree) -> None:
    with pytest.raises(DataError, match=r"--data\.group-by parent needs --data\.depth.*use --data\.depth 1"):
        scan(tree(["hat/a.png"]), DataSettings(group_by="parent"))


def test_grouping_by_column_needs_a_manifest(tree: Tree) -> None:
    with pytest.raises(DataError, match=r"needs a CSV or Parquet manifest"):
        scan(tree(["hat/a.png"]), DataSettings(group_by="column"))


def test_junk_folders_and_files_go_to_quarantine_with_a_reason(tree: Tree) -> None:
    root = tree(["hat/a.png", "cap/b.png", "__MACOSX/hat/a.png", "hat/@eaDir/a.png", ".ipynb_checkpoints/x.png"])
    (root / "hat" / ".DS_Store").write_bytes(b"x")
    (root / "notes.txt").write_text("x")
    found = scan(root, DataSettings())
    assert set(listed(found)) == {"hat/a.png", "cap/b.png"}
    assert {item.path: item.reason for item in found.quarantine} == {
        "__MACOSX": "folder made by a system, not photos",
        "hat/@eaDir": "folder made by a system, not photos",
        ".ipynb_checkpoints": "hidden folder",
        "hat/.DS_Store": "hidden file",
        "notes.txt": "not in a class folder",
    }


def test_a_name_that_is_not_utf8_is_set_aside(tree: Tree) -> None:
    root = tree(["hat/a.png"])
    (root / "hat" / os.fsdecode(b"\xff.png")).write_bytes(b"x")
    assert [item.path for item in scan(root, DataSettings()).quarantine] == ["hat/\\xff.png"]


def test_a_link_to_a_folder_above_ends_nothing(tree: Tree) -> None:
    root = tree(["hat/a.png", "cap/b.png"])
    (root / "hat" / "again").symlink_to(root)
    found = scan(root, DataSettings())
    assert set(listed(found)) == {"hat/a.png", "cap/b.png"}
    assert [(item.path, item.reason) for item in found.quarantine] == [
        ("hat/again", "a link to a folder that was already read")
    ]


def test_an_empty_class_folder_is_left_out_aloud(tree: Tree) -> None:
    found = scan(tree(["hat/a.png", "cap/b.png", "scarf/"]), DataSettings())
    assert found.notes == ("1 class folder holds no photo and is left out: scarf",)


def test_a_class_that_is_empty_in_one_split_alone_is_not_left_out(tree: Tree) -> None:
    assert scan(tree(["train/hat/a.png", "test/hat/", "test/cap/b.png"]), DataSettings()).notes == ()


def test_folders_whose_names_differ_in_unicode_form_alone_are_one_class(tree: Tree) -> None:
    composed, decomposed = (unicodedata.normalize(form, "Crème") for form in ("NFC", "NFD"))
    root = tree([f"{composed}/a.png", f"{decomposed}/b.png"])
    assert {label for label, _, _ in listed(scan(root, DataSettings())).values()} == {composed}


@pytest.mark.parametrize(
    ("paths", "words"),
    [
        (["a.png", "b.png"], "lie in no class folder: give every class a folder of its own"),
        (["hat/", "cap/"], "the class folders of .* \\(cap and hat\\) hold no photo"),
        (["__MACOSX/"], "holds no class folders"),
    ],
)
def test_a_folder_without_classes_is_an_error(tree: Tree, paths: list[str], words: str) -> None:
    with pytest.raises(DataError, match=words):
        scan(tree(paths), DataSettings())


def test_folders_that_cannot_be_read_are_said_aloud_as_a_class_may_be_gone(
    tree: Tree, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tree(["hat/a.png", "cap/b.png", "scarf/c.png"])
    (root / os.fsdecode(b"caf\xe9")).mkdir()
    (root / "twin").symlink_to(root / "cap")
    scandir = os.scandir

    def refuse(folder: str) -> object:
        if folder.endswith("/scarf"):
            raise PermissionError(13, "Permission denied")
        return scandir(folder)

    monkeypatch.setattr(os, "scandir", refuse)
    found = scan(root, DataSettings())
    assert {label for label, _, _ in listed(found).values()} == {"hat", "cap"}
    assert found.notes == (
        "3 folders are left out: caf\\xe9 (the name of the folder is not UTF-8: rename it), scarf (cannot be listed "
        "(Permission denied)) and twin (a link to a folder that was already read)",
    )


def test_links_into_a_folder_that_is_not_read_itself_are_read(tree: Tree) -> None:
    root = tree(
        [*(f"all/{name}-{side}/a.png" for name in ("hat", "cap") for side in ("train", "test")), "train/", "test/"]
    )
    for side in ("train", "test"):
        for name in ("hat", "cap"):
            (root / side / name).symlink_to(root / "all" / f"{name}-{side}")
    found = scan(root, DataSettings())
    assert found.notes == (f"beside the splits of {root}, all/ (4 photos) is ignored",)
    assert {path: row[:2] for path, row in listed(found).items()} == {
        f"{side}/{name}/a.png": (name, side) for name in ("hat", "cap") for side in ("train", "test")
    }


def test_pipes_in_place_of_photos_are_set_aside(tree: Tree) -> None:
    root = tree(["hat/a.png", "cap/b.png"])
    os.mkfifo(root / "hat" / "pipe.png")
    found = scan(root, DataSettings())
    assert [(item.path, item.reason) for item in found.quarantine] == [("hat/pipe.png", "not a regular file")]


def test_a_loop_drops_no_class(tree: Tree) -> None:
    root = tree(["hat/a.png", "cap/b.png"])
    (root / "aloop").symlink_to(root)
    (root / "hat" / "loop").symlink_to(root / "hat")
    (root / "cap" / "to-hat").symlink_to(root / "hat")
    found = scan(root, DataSettings())
    assert set(listed(found)) == {"hat/a.png", "cap/b.png"}


def test_1500_nested_folders_are_one_class_of_a_long_name(
    tree: Tree, deep: Callable[[Path, str, int, str], None]
) -> None:
    root = tree(["hat/a.png"])
    deep(root, "d", 1500, "b.png")
    for known in (None, ["hat"]):
        labels = {label for label, _, _ in listed(scan(root, DataSettings(), known)).values()}
        assert labels == {"hat", "/".join("d" * 1500)}


def test_folders_that_link_to_each_other_are_read_once_each_and_refuse_nothing(tree: Tree) -> None:
    names = [f"kind-{sign}" for sign in "abcdefghi"]
    root = tree(f"{name}/photo.png" for name in names)
    for name in names:
        for other in names:
            if other != name:
                (root / name / f"to-{other}").symlink_to(root / other)
    assert {label for label, _, _ in listed(scan(root, DataSettings())).values()} == set(names)
