"""Photos kept as pixels: the same pixels kept or not, whole or not at all, within a budget, no reason to stop."""

from __future__ import annotations

import errno
import os
import random
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from visionft import photos
from visionft.data import Decoded, Manifest, TrainLoader, TrainPhotos, eval_batches, prepare
from visionft.data.caches import cache_folder, decoded_photos
from visionft.data.loading.dataloader import EvalPhotos
from visionft.data.transforms.augmentation import Augment, _box
from visionft.data.transforms.decode_crop import Crop, side_of
from visionft.errors import DataError, PhotoError
from visionft.preprocess import Preprocess
from visionft.settings import AugmentSettings, DataSettings

MB = 1_000_000
SIDE = 40


@pytest.fixture(autouse=True)
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(cache_folder.VARIABLE, str(tmp_path / "cache"))
    return tmp_path / "cache"


Plant = Callable[..., tuple[Path, str]]


@pytest.fixture
def plant(tmp_path: Path) -> Plant:
    def make(height: int = 150, width: int = 200, name: str = "photo.jpg") -> tuple[Path, str]:
        coarse = np.random.default_rng(height).integers(0, 256, (5, 5, 3), dtype=np.uint8)
        path = tmp_path / name
        Image.fromarray(np.asarray(cv2.resize(coarse, (width, height)), np.uint8)).save(path)
        return path, photos.digest(path.read_bytes())

    return make


def kept(root: Path) -> list[Path]:
    return [Path(file.path) for file in cache_folder.files(root)]


def same(one: NDArray[np.uint8], two: NDArray[np.uint8]) -> bool:
    return np.array_equal(one, two)


@pytest.mark.parametrize("name", ["photo.jpg", "photo.png"])
def test_kept_or_not_the_pixels_are_the_same_and_as_evaluation_shrinks_them(
    plant: Plant, name: str, root: Path
) -> None:
    path, digest = plant(name=name)
    first = Decoded(SIDE, MB).read(path, digest)
    assert len(kept(root)) == 1
    assert same(first, Decoded(SIDE, MB).read(path, digest))
    assert same(first, Decoded(SIDE, budget=0).read(path, digest))
    assert first.shape == (40, 53, 3)
    with Image.open(path) as picture:
        exact = np.asarray(picture.resize((53, 40), Image.Resampling.BILINEAR))
    assert np.abs(first.astype(int) - exact).mean() < 2


def test_what_is_kept_is_read_without_the_photo(plant: Plant) -> None:
    path, digest = plant()
    first = Decoded(SIDE, MB).read(path, digest)
    path.unlink()
    again = Decoded(SIDE, MB).read(path, digest)
    assert same(first, again)
    assert again.flags.writeable  # torch takes no other
    with pytest.raises(PhotoError, match="no such file"):
        Decoded(SIDE + 1, MB).read(path, digest)


def test_a_small_photo_is_kept_as_it_is(plant: Plant) -> None:
    path, digest = plant(30, 90)
    for _ in range(2):
        assert same(Decoded(SIDE, MB).read(path, digest), photos.read(path))


@pytest.mark.parametrize("left", [0, 3, 5000])
def test_a_file_that_was_cut_short_is_written_anew(plant: Plant, root: Path, left: int) -> None:
    path, digest = plant()
    first = Decoded(SIDE, MB).read(path, digest)
    (file,) = kept(root)
    whole = file.read_bytes()
    file.write_bytes(whole[:left])
    assert same(first, Decoded(SIDE, MB).read(path, digest))
    assert file.read_bytes() == whole


@pytest.mark.parametrize("where", [-1, -12, -20, 0, 5000])
def test_a_file_of_another_layout_shape_or_content_is_written_anew(plant: Plant, root: Path, where: int) -> None:
    path, digest = plant()
    first = Decoded(SIDE, MB).read(path, digest)
    (file,) = kept(root)
    whole = bytearray(file.read_bytes())
    whole[where] ^= 1
    file.write_bytes(whole)
    assert same(first, Decoded(SIDE, MB).read(path, digest))
    assert file.read_bytes() != whole


def test_something_else_in_a_file_s_place_is_not_waited_for(plant: Plant, root: Path) -> None:
    path, digest = plant()
    first = Decoded(SIDE, MB).read(path, digest)
    (file,) = kept(root)
    file.unlink()
    os.mkfifo(file)
    assert same(first, Decoded(SIDE, MB).read(path, digest))
    assert file.is_file()


def test_a_photo_that_changed_is_not_kept_under_its_old_digest(plant: Plant, root: Path) -> None:
    path, digest = plant()
    plant(140, 200)
    Decoded(SIDE, MB).read(path, digest)
    assert kept(root) == []


def test_the_budget_holds_for_all_that_was_kept_before(plant: Plant, root: Path) -> None:
    small = 40 * 53 * 3
    budget = 3 * small
    for number in range(6):
        path, digest = plant(150 + number, 200, f"{number}.jpg")
        Decoded(SIDE, budget).read(path, digest)
    assert 2 <= len(kept(root)) <= 3
    assert sum(cache_folder.sizes(root)) <= budget


def test_writers_share_what_is_left(plant: Plant, root: Path) -> None:
    alone, one_of_four = (Decoded(SIDE, 30_000, writers) for writers in (1, 4))
    for number in range(4):
        path, digest = plant(150 + number, 200, f"{number}.jpg")
        one_of_four.read(path, digest)
    assert len(kept(root)) == 1
    alone.read(*plant(170, 220, "other.jpg"))
    assert len(kept(root)) == 2


def test_a_disk_that_is_full_ends_the_keeping_and_nothing_else(
    plant: Plant, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, digest = plant()
    store = Decoded(SIDE, MB)

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    first = store.read(path, digest)
    monkeypatch.undo()
    os.environ[cache_folder.VARIABLE] = str(root)
    assert same(first, store.read(path, digest))
    assert kept(root) == []
    assert same(first, Decoded(SIDE, MB).read(path, digest))
    assert len(kept(root)) == 1


def test_room_is_left_on_the_disk_for_checkpoints(plant: Plant, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoded_photos, "RESERVE", 1 << 60)
    assert decoded_photos.room(MB) == 0
    Decoded(SIDE, MB).read(*plant())
    assert kept(root) == []
    monkeypatch.undo()


def test_a_place_that_cannot_be_written_is_no_reason_to_stop(plant: Plant, root: Path) -> None:
    root.write_text("a file where a folder should be")
    path, digest = plant()
    assert Decoded(SIDE, MB).read(path, digest).shape == (40, 53, 3)


def test_what_killed_processes_left_is_swept_away(plant: Plant, root: Path) -> None:
    store = Decoded(SIDE, MB)
    store.read(*plant())
    old, young = (store.folder / "aa" / f"{name}.part" for name in ("old", "young"))
    for file in (old, young):
        file.parent.mkdir(exist_ok=True)
        file.touch()
    os.utime(old, (time.time() - 2 * decoded_photos.STALE,) * 2)
    Decoded(SIDE, MB).read(*plant(160, 200, "other.jpg"))
    assert (old.exists(), young.exists()) == (False, True)


def test_the_files_are_these(plant: Plant, root: Path) -> None:
    _, digest = plant()
    store = Decoded(SIDE, MB)
    store.read(*plant())
    assert [file.relative_to(root).parts for file in kept(root)] == [("decoded", store.folder.name, digest[:2], digest)]
    assert store.folder.name.startswith("40-")


@pytest.mark.parametrize(("ratio", "enlarged"), [(1.0, 0.22), (4 / 3, 0.01)])
def test_few_crops_have_to_be_enlarged(ratio: float, enlarged: float) -> None:
    augment = Augment(AugmentSettings(strength="light"), (200, 200), (0, 0, 0), 0)
    side = side_of((200, 200))
    blank = np.zeros((round(side * ratio), side, 3), np.uint8)
    areas = []
    for index in range(300):
        drawn, _ = augment._changes()
        drawn.py_random = random.Random(index)
        crop = Crop(partial(_box, drawn), augment.size)
        crop.of(lambda _: blank)
        top, left, bottom, right = crop.box
        areas.append((bottom - top) * (right - left))
    assert np.mean(np.array(areas) < 200 * 200) <= enlarged


@pytest.fixture
def manifest(two_classes: Path) -> Manifest:
    return prepare(two_classes, DataSettings())


def training(manifest: Manifest, store: Decoded | None) -> TrainPhotos:
    settings = AugmentSettings(strength="medium")
    return TrainPhotos(manifest.rows("train"), manifest.root, settings, (8, 8), (124, 116, 104), 3, store)


def pixels(manifest: Manifest, store: Decoded | None, workers: int = 0) -> NDArray[np.uint8]:
    loader = TrainLoader(training(manifest, store), 7, 3, workers)
    batches = []
    for epoch in range(2):
        loader.set_epoch(epoch)
        batches += [batch.numpy() for batch, _, _ in loader]
    loader.close()
    return np.concatenate(batches)


def test_training_views_do_not_depend_on_what_is_kept_nor_on_workers(manifest: Manifest, root: Path) -> None:
    side = side_of((8, 8))
    cold = pixels(manifest, Decoded(side, 0))
    assert kept(root) == []
    building = pixels(manifest, Decoded(side, MB, 2), workers=2)
    assert 21 <= len(kept(root)) <= len(manifest.rows("train"))  # an epoch leaves out what fills no batch
    warm = pixels(manifest, Decoded(side, MB))
    assert same(cold, building)
    assert same(cold, warm)
    assert not same(cold, pixels(manifest, None))


def test_evaluation_never_sees_what_is_kept(manifest: Manifest, root: Path) -> None:
    pixels(manifest, Decoded(side_of((8, 8)), MB))
    for file in kept(root):
        file.write_bytes(b"\0" * 600)
    exact = Preprocess((16, 16), "shortest", 18, "bicubic", (0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
    rows = manifest.rows("train")
    ((seen, _, _),) = eval_batches(EvalPhotos(rows, manifest.root, exact), len(rows))
    assert same(seen.numpy(), np.stack([exact.pixels(photos.read(manifest.root / path)) for path in rows.paths]))


def test_a_photo_that_vanished_before_it_was_kept_is_one_sentence(manifest: Manifest) -> None:
    path = manifest.root / manifest.rows("train").paths[0]
    path.unlink()
    with pytest.raises(DataError, match=r"cannot be read any more \(no such file\): give it back"):
        training(manifest, Decoded(SIDE, MB))[(0, 0)]
