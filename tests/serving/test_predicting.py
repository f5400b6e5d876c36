from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.bundle.making import make_bundle
from visionft.bundle import Bundle
from visionft.errors import BundleError, DataError
from visionft.serving import Session, predict
from visionft.serving.streaming import BATCH

COLOURS = {"red/Äpfel": (220, 20, 20), "green": (20, 220, 20), "blue": (20, 20, 220)}


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    for i in range(BATCH + 5):
        label, colour = list(COLOURS.items())[i % 3]
        place = tmp_path / "photos" / label
        place.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (5 + i % 2, 7), colour).save(place / f"{i:02}.png")
    (tmp_path / "photos" / "green" / "broken.jpg").write_bytes(b"\xff\xd8\xff broken")
    (tmp_path / "photos" / "__MACOSX").mkdir()
    return tmp_path / "photos"


def test_a_folder_is_answered_and_what_is_no_photo_is_set_aside(tmp_path: Path, photos: Path) -> None:
    found = predict(make_bundle(tmp_path / "b"), photos)

    assert len(found.answered) == BATCH + 5
    assert [row.path for row in found] == sorted(row.path for row in found)
    assert all(row.path.startswith(f"{photos}/{row.label}/") for row in found.answered)
    assert {Path(item.path).name for item in found.quarantine} == {"broken.jpg", "__MACOSX"}
    assert all(item.reason for item in found.quarantine)
    assert found.classes == ("blue", "green", "red/Äpfel")


def test_files_folders_globs_and_open_sessions_are_taken(tmp_path: Path, photos: Path) -> None:
    bundle = Bundle.open(make_bundle(tmp_path / "b"))
    places = [photos / "blue" / "02.png", str(photos / "green" / "*.png")]

    once = predict(bundle, places)
    again = predict(Session(bundle, threads=1), places, threads=1)

    assert [(row.path, row.label) for row in once] == [(row.path, row.label) for row in again]
    assert {row.label for row in once} == {"blue", "green"}


def test_progress_ends_at_all_files(tmp_path: Path, photos: Path) -> None:
    seen: list[tuple[int, int]] = []

    predict(make_bundle(tmp_path / "b"), photos, on_progress=lambda done, total: seen.append((done, total)))

    files = BATCH + 7
    assert seen == [(done, files) for done in range(1, files + 1)]


def test_a_place_without_photos_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="nowhere"):
        predict(make_bundle(tmp_path / "b"), tmp_path / "nowhere")


def test_a_missing_bundle_is_an_error(tmp_path: Path, photos: Path) -> None:
    with pytest.raises(BundleError, match="there is no bundle"):
        predict(tmp_path / "nowhere", photos)


PROGRAM = """
import sys
from visionft.serving import predict
found = predict(sys.argv[1], sys.argv[2])
found.write(sys.argv[3])
heavy = {"torch", "timm", "lightning", "pytorch_lightning", "albumentations", "sklearn"} & set(sys.modules)
print(len(found.answered), sorted(heavy))
"""


def test_predicting_loads_nothing_heavy(tmp_path: Path, photos: Path) -> None:
    bundle = make_bundle(tmp_path / "b")
    command = [sys.executable, "-c", PROGRAM, str(bundle), str(photos), str(tmp_path / "answers.parquet")]

    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert (done.returncode, done.stdout.strip()) == (0, f"{BATCH + 5} []"), done.stderr


def test_sixteen_bit_and_transparent_photos_follow_the_decode_table(tmp_path: Path) -> None:
    Image.fromarray(np.full((4, 4), 65_535, np.uint16)).save(tmp_path / "deep.png")
    Image.new("RGBA", (4, 4), (255, 0, 0, 0)).save(tmp_path / "clear.png")

    found = predict(make_bundle(tmp_path / "b"), [tmp_path / "deep.png", tmp_path / "clear.png"])

    assert [row.known_score for row in found] == pytest.approx([255 / 16, 255 / 16])
