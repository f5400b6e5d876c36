from __future__ import annotations

import hashlib
import io
import os
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from visionft.data import verify_photos
from visionft.data.sources.image_folder import scan
from visionft.data.verify_photos import check
from visionft.settings import DataSettings

Tree = Callable[[Iterable[str]], Path]


def test_sound_photos_get_a_digest_and_their_size(two_classes: Path) -> None:
    checked = check(scan(two_classes, DataSettings()), 10**6)
    assert checked.table.num_rows == 40
    row = checked.table.to_pylist()[7]
    data = (two_classes / row["path"]).read_bytes()
    assert (row["digest"], row["bytes"]) == (hashlib.sha256(data).hexdigest(), len(data))


def test_what_cannot_be_used_goes_to_quarantine_and_work_goes_on(tree: Tree) -> None:
    root = tree(["hat/a.png", "hat/z.png"])
    jpeg = io.BytesIO()
    Image.fromarray(np.zeros((64, 64, 3), np.uint8)).save(jpeg, "JPEG")
    (root / "hat" / "cut.jpg").write_bytes(jpeg.getvalue()[:-40])
    (root / "hat" / "empty.jpg").write_bytes(b"")
    (root / "hat" / "notes.jpg").write_text("not a photo")
    Image.fromarray(np.zeros((400, 400), np.uint8)).save(root / "hat" / "wide.png")
    (root / "hat" / "gone.jpg").symlink_to(root / "nowhere.jpg")
    os.mkfifo(root / "hat" / "pipe.jpg")
    checked = check(scan(root, DataSettings()), max_pixels=100_000)
    assert checked.table["path"].to_pylist() == ["hat/a.png", "hat/z.png"]
    reasons = {item.path: item.reason for item in checked.quarantine}
    assert set(reasons) == {
        f"hat/{name}" for name in ("cut.jpg", "empty.jpg", "notes.jpg", "wide.png", "gone.jpg", "pipe.jpg")
    }
    assert reasons["hat/empty.jpg"] == "empty file"
    assert reasons["hat/gone.jpg"] == "no such file"
    assert reasons["hat/wide.png"].startswith("too many pixels (160,000")


def test_progress_reaches_the_number_of_photos(two_classes: Path) -> None:
    steps: list[tuple[int, int]] = []
    check(scan(two_classes, DataSettings()), 10**6, lambda done, total: steps.append((done, total)), threads=1)
    assert steps[-1] == (40, 40)


def test_the_number_of_threads_does_not_matter(two_classes: Path) -> None:
    listing = scan(two_classes, DataSettings())
    assert check(listing, 10**6, threads=1).table.equals(check(listing, 10**6, threads=4).table)


def test_what_was_guessed_of_a_photo_is_said_also_when_it_stays_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verify_photos, "now", lambda: time.time_ns() + 10**10)  # files this young are not believed
    ramp = np.linspace(0, 65535, 400, dtype=np.float32).reshape(20, 20)
    for name, samples in (("a/deep.tiff", ramp), ("b/whole.tiff", ramp / 65535), ("b/plain.tiff", None)):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (Image.fromarray(samples) if samples is not None else Image.new("RGB", (20, 20))).save(tmp_path / name)
    for unchanged in (0, 3):
        checked = check(scan(tmp_path, DataSettings()), 10**6, remember=True)
        assert checked.unchanged == unchanged
        assert checked.table["path"].to_pylist() == ["a/deep.tiff", "b/plain.tiff", "b/whole.tiff"]
        assert checked.notes == (
            "1 photo of deep grey that states no range: 0 to 1 is black to white: b/whole.tiff",
            "1 photo of deep grey that states no range: 0 to 65,535 is black to white: a/deep.tiff",
        )
