"""A batch that threads fetch is the one that a single thread fetches, and it reads what it says it will."""

from __future__ import annotations

import os
import pickle
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
import torch

from visionft.data import EvalPhotos, FixedViews, Manifest, TrainLoader, TrainPhotos, prepare
from visionft.data.loading.collate import Fault, Guarded, Item, ReadAhead, collate
from visionft.data.transforms.augmentation import Augment
from visionft.errors import DataError
from visionft.preprocess import Preprocess
from visionft.settings import AugmentSettings, DataSettings

PREPROCESS = Preprocess((16, 16), "shortest", 18, "bicubic", (0.5, 0.5, 0.5), (0.5, 0.5, 0.5))


@pytest.fixture
def manifest(two_classes: Path) -> Manifest:
    return prepare(two_classes, DataSettings())


@pytest.fixture(autouse=True)
def threads() -> Iterator[None]:
    """Let torch have three threads, whatever the machine has."""
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    yield
    torch.set_num_threads(before)


class Together:
    """Photos that come only when three are asked for at once; one is broken."""

    def __init__(self) -> None:
        self.barrier = threading.Barrier(3)
        self.threads: list[int] = []

    def __len__(self) -> int:
        return 12

    def __getitem__(self, key: int) -> Item:
        self.barrier.wait(30)
        self.threads.append(torch.get_num_threads())
        if key == 7:
            raise DataError("gone")
        return np.full((2, 2, 3), key, np.uint8), key, key

    def file(self, key: int) -> Path:
        return Path(f"{key}")


def test_threads_fetch_a_batch_at_once_and_keep_its_order() -> None:
    photos = Together()
    keys = [3, 2, 1, 0, 7, 6, 5, 4, 8, 9, 10, 11]
    items = Guarded(photos).__getitems__(keys)
    assert items[4] == Fault("gone")
    assert [item[1] for item in items if not isinstance(item, Fault)] == [key for key in keys if key != 7]
    assert photos.threads == [1] * 12, "a second team of OpenMP's threads slows training down"
    assert torch.get_num_threads() == 3


def views(manifest: Manifest) -> list[torch.Tensor]:
    settings = AugmentSettings(strength="strong")
    photos = TrainPhotos(manifest.rows("train"), manifest.root, settings, (16, 16), (124, 116, 104), seed=3)
    loader = TrainLoader(photos, 8, seed=3)
    seen = []
    for epoch in range(3):
        loader.set_epoch(epoch)
        seen += [pixels for pixels, _, _ in loader]
    return seen


def test_what_is_random_does_not_depend_on_threads(manifest: Manifest) -> None:
    together = views(manifest)
    torch.set_num_threads(1)
    assert all(torch.equal(*pair) for pair in zip(together, views(manifest), strict=True))


def test_random_changes_go_to_another_process_as_they_are() -> None:
    image = np.random.default_rng(0).integers(0, 256, (40, 30, 3), np.uint8)
    augment = Augment(AugmentSettings(strength="strong"), (16, 16), (0, 0, 0), 5)
    expected = augment(image, 1, 2)
    assert np.array_equal(pickle.loads(pickle.dumps(augment))(image, 1, 2), expected)


def test_the_next_batch_is_read_ahead_and_batches_stay_as_they_are(manifest: Manifest) -> None:
    asked: list[int] = []
    photos = EvalPhotos(manifest.rows("train"), manifest.root, PREPROCESS)

    class Told(EvalPhotos):
        def file(self, index: int) -> Path:
            asked.append(index)
            if index == 3:
                return Path("nowhere")
            return photos.file(index)

    batches: Sequence[Sequence[int]] = [[0, 1], [2, 3], [4]]
    ahead = ReadAhead(Told(photos.rows, photos.root, PREPROCESS), batches)
    for _ in range(2):
        asked.clear()
        assert list(ahead) == [[0, 1], [2, 3], [4]]
        assert asked == ([2, 3, 4] if hasattr(os, "posix_fadvise") else [])


def test_every_dataset_knows_the_file_of_an_item(manifest: Manifest) -> None:
    rows = manifest.rows("train")
    photos = TrainPhotos(rows, manifest.root, AugmentSettings(strength="none"), (16, 16), (0, 0, 0), seed=3)
    expected = manifest.root / rows.paths[1]
    assert photos.file((0, 1)) == FixedViews(photos).file(1) == expected
    assert EvalPhotos(rows, manifest.root, PREPROCESS).file(1) == expected


def test_no_photos_are_a_batch_of_none() -> None:
    batch = collate([])
    assert not isinstance(batch, Fault)
    pixels, labels, rows = batch
    assert (len(pixels), len(labels), len(rows)) == (0, 0, 0)
    assert (pixels.dtype, labels.dtype, rows.dtype) == (torch.uint8, torch.int64, torch.int64)


def test_a_share_of_fixed_views_keeps_the_rows_of_the_split(manifest: Manifest) -> None:
    rows = manifest.rows("train")
    photos = TrainPhotos(rows, manifest.root, AugmentSettings(strength="none"), (16, 16), (0, 0, 0), seed=3)
    share = FixedViews(photos, view=0, share=slice(2, 5))
    assert [share[number][2] for number in range(len(share))] == [2, 3, 4]
    assert share.file(0) == photos.file((0, 2))
