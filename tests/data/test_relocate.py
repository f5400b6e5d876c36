"""The photos of a run, found again by their digests: where they were, renamed, moved, in part, or not at all."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.data.conftest import draw
from visionft.data import Manifest, locate, prepare
from visionft.errors import DataError
from visionft.settings import DataSettings

PLAIN = DataSettings(scan_cache=False)
ALL = ("train", "validation", "test")


@pytest.fixture
def manifest(two_classes: Path) -> Manifest:
    return prepare(two_classes, PLAIN)


def test_photos_that_stayed_are_found_with_the_run_s_fingerprint(manifest: Manifest) -> None:
    for kept in (PLAIN, DataSettings()):
        found = locate(manifest, ALL, kept)
        assert found.manifest.table.equals(manifest.table)
        assert found.manifest.fingerprint == manifest.fingerprint
        assert (found.account.asked, found.account.measured, found.note) == (40, 40, None)


def test_some_splits_alone_are_looked_for(manifest: Manifest) -> None:
    found = locate(manifest, ("test",), PLAIN)
    assert list(found.manifest.rows("test").paths) == list(manifest.rows("test").paths)
    assert found.account.asked == len(found.manifest) == len(manifest.rows("test"))
    assert found.manifest.fingerprint == manifest.fingerprint


def test_other_bytes_under_the_same_name_are_left_out_whatever_is_remembered(two_classes: Path) -> None:
    remembering = DataSettings()
    manifest = prepare(two_classes, remembering)
    draw(two_classes / "hat" / "00.png", seed=12345)
    (two_classes / "hat" / "01.png").write_bytes(b"")
    (two_classes / "hat" / "02.png").unlink()
    for kept in (PLAIN, remembering):
        found = locate(manifest, ALL, kept)
        assert [(item.path, item.reason) for item in found.account.left_out] == [
            ("hat/00.png", "changed since the run was made"),
            ("hat/01.png", "empty file"),
            ("hat/02.png", "no such file"),
        ]
        assert len(found.manifest) == 37
        assert not found.account.lost_classes


def test_a_lost_class_is_in_the_account(manifest: Manifest, two_classes: Path) -> None:
    shutil.rmtree(two_classes / "hat")
    assert locate(manifest, ALL, PLAIN).account.lost_classes == ("hat",)


def test_a_folder_that_moved_is_read_where_it_is(manifest: Manifest, two_classes: Path, tmp_path: Path) -> None:
    place = two_classes.rename(tmp_path / "elsewhere")
    found = locate(manifest, ALL, PLAIN, place)
    assert found.manifest.table.equals(manifest.table)
    assert found.manifest.root == place
    assert found.note == f"the run's photos were in {two_classes}, and are read in {place}: the same by digest"


def test_photos_that_were_renamed_are_found_by_their_bytes(manifest: Manifest, tmp_path: Path) -> None:
    place, renamed = tmp_path / "new", {}
    for number, path in enumerate(manifest.table["path"].to_pylist()):
        renamed[path] = f"deep/down/{number % 3}/{number:03}.jpeg"
        (place / renamed[path]).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(manifest.root / path, place / renamed[path])
    found = locate(manifest, ALL, PLAIN, place).manifest
    assert found.table["path"].to_pylist() == [renamed[path] for path in manifest.table["path"].to_pylist()]
    assert found.table.drop_columns("path").equals(manifest.table.drop_columns("path"))
    (place / "photos.csv").write_text("path,label\n" + "".join(f"{path},x\n" for path in renamed.values()))
    assert locate(manifest, ALL, PLAIN, place / "photos.csv").manifest.table.equals(found.table)


def test_what_is_not_at_the_new_place_is_left_out(manifest: Manifest, two_classes: Path, tmp_path: Path) -> None:
    place = Path(shutil.copytree(two_classes, tmp_path / "copy"))
    draw(place / "hat" / "00.png", seed=12345)
    (place / "hat" / "01.png").unlink()
    (place / "hat" / "02.png").rename(place / "hat" / "moved.png")
    account = locate(manifest, ALL, PLAIN, place).account
    assert [(item.path, item.reason) for item in account.left_out] == [
        ("hat/00.png", "changed since the run was made"),
        ("hat/01.png", "no file with its bytes there"),
    ]


def test_copies_of_one_photo_are_all_found(tmp_path: Path, two_classes: Path) -> None:
    shutil.copy(two_classes / "hat" / "00.png", two_classes / "hat" / "copy.png")
    manifest = prepare(two_classes, PLAIN)
    place = tmp_path / "new"
    shutil.copytree(two_classes / "shoe", place / "shoe")
    place.joinpath("a.png").write_bytes((two_classes / "hat" / "00.png").read_bytes())
    found = locate(manifest, ALL, PLAIN, place)
    assert found.manifest.table["path"].to_pylist()[:2] == ["a.png", "a.png"]
    assert found.account.measured == 22


@pytest.mark.parametrize(
    ("place", "words"),
    [
        (
            None,
            r"none of the 40 .* photos of the run is in .*photos as it was \(hat/00.png first: no such file\): ",
        ),
        (
            "empty",
            r"none of the 40 .*, which were in .*photos, is in .*empty by its digest \(hat/00.png first: no",
        ),
        ("none", r"there is no .*none: give the folder that the photos of the run are in now"),
        ("notes.md", r"notes.md is neither a folder nor a .csv or .parquet manifest: give one of these"),
    ],
)
def test_nothing_found_is_one_sentence(
    manifest: Manifest, two_classes: Path, tmp_path: Path, place: str | None, words: str
) -> None:
    two_classes.rename(tmp_path / "gone")
    (tmp_path / "empty").mkdir()
    (tmp_path / "notes.md").write_text("no photos")
    with pytest.raises(DataError, match=words) as caught:
        locate(manifest, ALL, PLAIN, None if place is None else tmp_path / place)
    assert "\n" not in str(caught.value)


fates = st.sampled_from(["same", "moved", "changed", "emptied", "gone"])


@settings(max_examples=25)
@given(what=st.lists(fates, min_size=40, max_size=40))
def test_whatever_becomes_of_the_photos_the_account_adds_up(
    tmp_path_factory: pytest.TempPathFactory, what: list[str]
) -> None:
    folder = tmp_path_factory.mktemp("fates")
    for kind in ("hat", "shoe"):
        for number in range(20):
            draw(folder / kind / f"{number:02}.png", seed=number + 100 * (kind == "hat"), size=(8, 8))
    manifest, sure = prepare(folder, PLAIN), {"same", "moved"}
    for path, fate in zip(manifest.table["path"].to_pylist(), what, strict=True):
        file = folder / path
        if fate == "changed":
            draw(file, seed=9999)
        elif fate == "emptied":
            file.write_bytes(b"")
        elif fate == "moved":
            file.rename(folder / f"{path.replace('/', '-')}")
        elif fate == "gone":
            file.unlink()
    if not sure & set(what):
        with pytest.raises(DataError, match="none of the 40"):
            locate(manifest, ALL, PLAIN, folder)
        return
    found = locate(manifest, ALL, PLAIN, folder)
    assert found.account.measured == sum(fate in sure for fate in what) == len(found.manifest)
    digests = dict(zip(manifest.table["path"].to_pylist(), manifest.table["digest"].to_pylist(), strict=True))
    kept = [digests[path] for path, fate in zip(digests, what, strict=True) if fate in sure]
    assert found.manifest.table["digest"].to_pylist() == kept
