"""Photos to label, by the verb and the command, up to a fit of what was labelled."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import pytest

import visionft as vft
from visionft.auditing import selection
from visionft.cli import main
from visionft.data.prepare import list_photos
from visionft.errors import DataError, UsageError
from visionft.settings import DataSettings


@pytest.fixture
def heap(shapes: Path, tmp_path: Path) -> Path:
    """Return a folder of 24 photos of three kinds whose names tell nothing, with two copies and what is no photo."""
    place = tmp_path / "heap"
    place.mkdir()
    for number, photo in enumerate(sorted(shapes.rglob("0[0-7].jpg"))):
        shutil.copy(photo, place / f"{number:02}.jpg")
    shutil.copy(place / "00.jpg", place / "copy.jpg")
    (place / "broken.jpg").write_bytes((place / "01.jpg").read_bytes()[:300])
    return place


def test_the_list_is_filled_in_and_read_by_fit(heap: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "lists" / "to_label.csv"
    assert main(["select", str(heap), "--count", "6", "--out", str(file), "--json"]) == 0
    told = capsys.readouterr()
    record = json.loads(told.out)
    assert (record["chosen"], record["photos"], record["how"], record["copies"], record["unread"]) == (
        6, 24, "typical", 1, 1,
    )  # fmt: skip
    assert told.err.rstrip().endswith(f"Next: visionft fit {file}")
    with file.open() as lines:
        rows = list(csv.DictReader(lines))
    assert [list(row) for row in rows] == [["path", "label", "likely"]] * 6
    assert {row["label"] for row in rows} == {""}
    assert all((file.parent / row["path"]).is_file() for row in rows)
    filled = [f"{row['path']},{'disc' if number % 2 else 'square'}" for number, row in enumerate(rows)]
    file.write_text("\n".join(["path,label", *filled]) + "\n")
    assert list_photos(file, DataSettings()).table.num_rows == 6


def test_with_labels_it_goes_on_and_chooses_none_of_them(heap: Path, shapes: Path, tmp_path: Path) -> None:
    known = tmp_path / "known"
    for kind in ("disc", "square", "stripes"):
        (known / kind).mkdir(parents=True)
        for number in range(6):
            shutil.copy(shapes / kind / f"{number:02}.jpg", known / kind)
    found = vft.select(heap, count=4, labelled=known)
    assert (found.how, found.labelled, found.photos) == ("uncertain", 18, 6), "5 or more a class"
    assert set(found.likely) <= {"disc", "square", "stripes"}
    assert len(found.likely) == 4
    assert found.why == "18 are labelled, 6.0 a class"
    for kind in ("disc", "square"):
        for number in range(3, 6):
            (known / kind / f"{number:02}.jpg").unlink()
    assert vft.select(heap, count=4, labelled=known).how == "typical"
    assert selection.FEW == 5


def test_what_cannot_be_is_one_sentence(heap: Path, shapes: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--count: 0 is less than 1; give the number of photos"):
        vft.select(heap, count=0)
    with pytest.raises(UsageError, match=r"--out: list.txt does not end in \.csv"):
        vft.select(heap, count=1, out="list.txt")
    with pytest.raises(DataError, match="is no folder; give the folder of photos to choose from"):
        vft.select(heap / "00.jpg", count=1)
    with pytest.raises(DataError, match=r"no photo is left to choose from \(60 are labelled already or copies, 0 can"):
        vft.select(shapes, count=1, labelled=shapes)
