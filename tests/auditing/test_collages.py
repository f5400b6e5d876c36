"""Photos in which other photos of the set are shown beside each other."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import visionft
from tests.scenes import scene
from visionft.auditing.collages import collages, joined
from visionft.auditing.copies import Table


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write six hats, six pants, and a picture of two hats and two pants."""
    root = tmp_path_factory.mktemp("collages") / "shop"
    sheet = Image.new("RGB", (480, 360))
    for label in ("hat", "pants"):
        (root / label).mkdir(parents=True)
        for at in range(6):
            scene(at, label).save(root / label / f"{at}.png")
    for at, label in enumerate(("hat", "pants", "pants", "hat")):
        sheet.paste(Image.open(root / label / f"{at}.png"), (at % 2 * 240, at // 2 * 180))
    sheet.resize((400, 300)).save(root / "hat" / "sheet.jpg", quality=85)
    return root


def test_a_collage_names_the_photos_in_it_and_joins_none_of_them(shop: Path, tmp_path: Path) -> None:
    found = visionft.audit(shop, out=tmp_path / "audit")
    assert found.counts.get("near-duplicate") is None
    assert found.counts.get("two-labels") is None
    (one,) = [finding for finding in found.findings if finding.kind == "collage"]
    assert one.photos == ("hat/sheet.jpg", "hat/0.png", "hat/3.png", "pants/1.png", "pants/2.png")
    assert one.words.startswith("shows 4 other photos in its parts, likeness from 0.")
    assert "under hat and pants" in one.words
    assert [(each.path, each.action) for each in one.suggestions] == [("hat/sheet.jpg", "review")]
    pairs = (tmp_path / "audit" / "near_duplicates.csv").read_text()
    assert "hat/3.png,hat/sheet.jpg" in pairs
    (tmp_path / "marked.csv").write_text(f"first,second\n{'hat/3.png,hat/sheet.jpg'}\n")
    again = visionft.audit(shop, out=tmp_path / "audit", not_duplicates=tmp_path / "marked.csv")
    (one,) = [finding for finding in again.findings if finding.kind == "collage"]
    assert one.photos == ("hat/sheet.jpg", "hat/0.png", "pants/1.png", "pants/2.png")


def test_a_collage_on_another_side_than_its_photos_says_so() -> None:
    table = Table(
        ["a", "b", "c"], ["hat", "hat", "hat"], ["test", "train", None], [None] * 3, list("123"), np.ones(3, np.int64)
    )
    (one,) = collages(table, np.array([[0, 1], [0, 2]]), np.array([0.8, 0.6], np.float32))
    assert one.words == "shows 2 other photos in its parts, likeness from 0.60, on test and train"
    assert one.photos == ("a", "b", "c")
    assert collages(table, np.empty((0, 2), np.int64), np.empty(0, np.float32)) == []


def test_a_collage_joins_nothing_and_an_edit_with_the_photo_as_a_part_does() -> None:
    near = [(0, 4), (1, 4), (2, 5), (0, 3)]
    assert joined(6, near, [(4, 0), (4, 1)]) == {(2, 5), (0, 3)}, "4 shows 0 and 1"
    assert joined(6, near, [(5, 2)]) == set(near), "5 is a screenshot of 2"
    assert joined(6, near, [(5, 0), (5, 3)]) == set(near), "5 shows two copies of one picture"
