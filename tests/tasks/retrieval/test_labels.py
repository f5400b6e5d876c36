"""Products: what can be learnt from and found, and whole ones held out of training."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow.compute as pc
import pytest

from visionft import data
from visionft.errors import DataError
from visionft.settings import DataSettings


def sides(photos: Path, **settings: Any) -> tuple[data.Manifest, dict[str, set[str]]]:
    manifest = data.prepare(photos, DataSettings(**settings), task="retrieval")
    table = manifest.table
    held = {
        split: set(table["label"].filter(pc.equal(table["split"], split)).to_pylist())
        for split in ("train", "validation", "test")
    }
    return manifest, held


@pytest.fixture
def catalogue(shapes: Path, tmp_path: Path) -> Path:
    """Return a manifest of 12 products of five photos each."""
    photos = sorted(shapes.rglob("*.jpg"))
    rows = [f"{photo},item {number // 5:02}" for number, photo in enumerate(photos)]
    place = tmp_path / "catalogue.csv"
    place.write_text("\n".join(["path,label", *rows]) + "\n")
    return place


def test_whole_products_are_held_out_and_stay_where_they_are(catalogue: Path) -> None:
    manifest, held = sides(catalogue, split_by="class", validation=0.25, test=0.25)
    assert not held["train"] & held["validation"]
    assert not held["train"] & held["test"]
    assert not held["validation"] & held["test"]
    assert all(len(names) >= 1 for names in held.values())
    assert len(held["train"]) >= 2
    assert len(manifest.classes) == 12
    assert sides(catalogue, split_by="class", validation=0.25, test=0.25)[1] == held
    unseen = len(held["validation"])
    assert (
        f"validation: {unseen} of its {unseen} class{'es' if unseen > 1 else ''} are not in training" in manifest.notes
    )


def test_photos_are_drawn_where_nothing_else_is_asked_for(catalogue: Path) -> None:
    _, held = sides(catalogue, validation=0.4)
    assert held["validation"] <= held["train"]


def test_given_splits_may_have_products_that_training_lacks(catalogue: Path, tmp_path: Path) -> None:
    lines = catalogue.read_text().splitlines()[1:]
    rows = [f"{line},{'validation' if line.endswith(('10', '11')) else 'train'}" for line in lines]
    given = tmp_path / "given.csv"
    given.write_text("\n".join(["path,label,split", *rows]) + "\n")
    _, held = sides(given)
    assert held["validation"] == {"item 10", "item 11"}
    with pytest.raises(DataError, match=r"brings splits of its own .* --data.split-by class would draw none: leave"):
        sides(given, split_by="class")


def test_what_cannot_be_measured_is_refused(catalogue: Path, tmp_path: Path) -> None:
    lines = catalogue.read_text().splitlines()[1:]
    alone = [f"{line},{'validation' if number % 5 == 0 else 'train'}" for number, line in enumerate(lines)]
    place = tmp_path / "alone.csv"
    place.write_text("\n".join(["path,label,split", *alone]) + "\n")
    with pytest.raises(DataError, match="no class with two photos in validation, so that no photo there could find"):
        sides(place)
    place.write_text("\n".join(["path,label", *lines[:15]]) + "\n")
    with pytest.raises(DataError, match=r"has 3 classes, and --data\.split-by class holds whole ones out: give at"):
        sides(place, split_by="class")
    place.write_text("\n".join(["path,label", *lines[:5]]) + "\n")
    with pytest.raises(DataError, match="photos of only one class"):
        sides(place)
    one = [f"{line},{'train' if line.endswith('00') else 'validation'}" for line in lines]
    place.write_text("\n".join(["path,label,split", *one]) + "\n")
    with pytest.raises(DataError, match="photos of 1 class in train: give at least two to tell apart"):
        sides(place)


def test_photos_without_another_of_their_product_are_counted(catalogue: Path, tmp_path: Path) -> None:
    lines = catalogue.read_text().splitlines()[1:]
    rows = [f"{line},{'train' if number % 5 < 2 else 'validation'}" for number, line in enumerate(lines)]
    place = tmp_path / "some.csv"
    place.write_text("\n".join(["path,label,split", *rows[:-4], rows[-1]]) + "\n")
    manifest, _ = sides(place)
    assert "validation: 1 photo without another of the same class there: no recall" in " ".join(manifest.notes)


def test_classes_that_an_earlier_run_drew_by_photo_are_not_held_out_whole(catalogue: Path) -> None:
    earlier = sides(catalogue, validation=0.3, test=0.3)[0].table
    wanted = DataSettings.model_validate({"split_by": "class", "validation": 0.25, "test": 0.25})
    with pytest.raises(DataError, match=r"photos of the classes 'item 00', .* in several of train, .* leave it out"):
        data.prepare(catalogue, wanted, task="retrieval", splits=earlier)
    renamed = earlier.set_column(1, "label", pc.binary_join_element_wise(earlier["label"], "old", " "))
    assert renamed.column_names == earlier.column_names
    with pytest.raises(DataError, match=r"photos of the classes 'item 00', "):
        data.prepare(catalogue, wanted, task="retrieval", splits=renamed)


@pytest.mark.parametrize("photos_stay", [True, False])
def test_new_photos_of_classes_that_were_held_out_are_held_out(
    catalogue: Path, tmp_path: Path, photos_stay: bool
) -> None:
    lines = catalogue.read_text().splitlines()[1:]
    first, rest = lines[::2], lines if photos_stay else lines[1::2]
    before, after = tmp_path / "before.csv", tmp_path / "after.csv"
    before.write_text("\n".join(["path,label", *first]) + "\n")
    after.write_text("\n".join(["path,label", *rest]) + "\n")
    manifest, held = sides(before, split_by="class", validation=0.25, test=0.25)
    table = data.prepare(
        after, DataSettings(validation=0.1, test=0.0), task="retrieval", splits=manifest.table, by_class=True
    ).table
    for split, names in held.items():
        found = table["label"].filter(pc.equal(table["split"], split)).unique().to_pylist()
        assert set(found) == names
