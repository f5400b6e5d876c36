from __future__ import annotations

import multiprocessing
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from visionft.data import (
    EvalPhotos,
    Manifest,
    TrainLoader,
    TrainPhotos,
    eval_batches,
    prepare,
    train_batches,
)
from visionft.data.loading import dataloader
from visionft.errors import DataError
from visionft.photos import read
from visionft.preprocess import Preprocess
from visionft.settings import AugmentSettings, DataSettings

PREPROCESS = Preprocess((16, 16), "shortest", 18, "bicubic", (0.5, 0.5, 0.5), (0.5, 0.5, 0.5))


@pytest.fixture
def manifest(two_classes: Path) -> Manifest:
    return prepare(two_classes, DataSettings())


def training(manifest: Manifest) -> TrainPhotos:
    settings = AugmentSettings(strength="medium")
    return TrainPhotos(manifest.rows("train"), manifest.root, settings, (16, 16), (124, 116, 104), seed=3)


def test_batches_are_uint8_pixels_labels_and_rows(manifest: Manifest) -> None:
    pixels, labels, rows = next(iter(TrainLoader(training(manifest), 4, seed=3)))
    assert (pixels.shape, pixels.dtype) == ((4, 16, 16, 3), torch.uint8)
    assert labels.dtype == rows.dtype == torch.int64
    assert labels.tolist() == manifest.rows("train").labels[rows.numpy()].tolist()


@pytest.mark.parametrize(("labels", "dtype"), [
    (np.arange(40), torch.int64), (np.linspace(0, 1, 40, dtype=np.float32), torch.float32),
    (np.tile(np.array([1, 0, -1], np.int8), (40, 1)), torch.int64),
])  # fmt: skip
def test_an_empty_share_of_a_batch_has_labels_of_the_others_kind(
    manifest: Manifest, labels: np.ndarray, dtype: torch.dtype
) -> None:
    photos = training(manifest)
    photos.rows = replace(photos.rows, labels=labels[: len(photos.rows)])
    pixels, none, rows = next(iter(TrainLoader(photos, 4, seed=3, share=lambda n: slice(0, 0))))
    assert (len(pixels), len(rows)) == (0, 0)
    assert (none.shape, none.dtype) == ((0, *labels.shape[1:]), dtype)


def epochs(manifest: Manifest, workers: int) -> list[torch.Tensor]:
    loader = TrainLoader(training(manifest), 5, seed=3, workers=workers)
    batches = []
    for epoch, start in ((0, 0), (1, 0), (0, 2)):
        loader.set_epoch(epoch, start)
        batches += [tensor for batch in loader for tensor in batch]
    loader.close()
    return batches


def test_the_number_of_workers_does_not_matter(manifest: Manifest) -> None:
    alone = epochs(manifest, 0)
    assert len(alone) > 9
    for workers in (1, 2):
        together = epochs(manifest, workers)
        assert len(together) == len(alone)
        assert all(torch.equal(one, other) for one, other in zip(alone, together, strict=True))


def test_an_epoch_that_was_left_in_its_middle_is_forgotten(manifest: Manifest) -> None:
    loader = TrainLoader(training(manifest), 4, seed=3, workers=2)
    next(iter(loader))
    loader.set_epoch(1)
    seen = [rows.tolist() for _, _, rows in loader]
    loader.close()
    expected = [rows.tolist() for _, _, rows in train_batches(training(manifest), seed=3, epoch=1, batch_size=4)]
    assert seen == expected


def test_a_view_that_comes_again_has_the_photos_that_it_had(manifest: Manifest) -> None:
    loader = TrainLoader(training(manifest), 4, seed=3, workers=1)
    plain = list(loader)
    loader.set_epoch(2, view=0)
    again = {int(row): pixels for batch in loader for pixels, row in zip(batch[0], batch[2], strict=True)}
    first = {int(row): pixels for batch in plain for pixels, row in zip(batch[0], batch[2], strict=True)}
    assert all(torch.equal(again[row], first[row]) for row in again.keys() & first.keys())


def test_the_samples_of_an_epoch_are_those_of_its_batches(manifest: Manifest) -> None:
    loader = TrainLoader(training(manifest), 4, seed=3)
    loader.set_epoch(1, 1, view=7)
    expected = list(train_batches(training(manifest), seed=3, epoch=1, start=1, batch_size=4))
    samples = list(loader.samples())
    assert [[row for _, row in batch] for batch in samples] == [rows.tolist() for _, _, rows in expected]
    assert {view for batch in samples for view, _ in batch} == {7}


def test_a_loader_has_no_length_but_counts_the_steps_of_an_epoch(manifest: Manifest) -> None:
    loader = TrainLoader(training(manifest), 4, seed=3)
    assert loader.steps_per_epoch == len(list(loader)) == len(loader.dataset) // 4
    assert not hasattr(loader, "__len__")


def test_loading_draws_nothing_from_the_global_random_numbers(manifest: Manifest) -> None:
    torch.manual_seed(0)
    expected = torch.rand(3)
    torch.manual_seed(0)
    list(TrainLoader(training(manifest), 4, seed=3))
    list(eval_batches(EvalPhotos(manifest.rows("test"), manifest.root, PREPROCESS), 4))
    assert torch.equal(torch.rand(3), expected)


@pytest.mark.parametrize("workers", [0, 2])
def test_evaluation_gives_every_photo_once_in_order_under_the_exact_transform(manifest: Manifest, workers: int) -> None:
    rows = manifest.rows("train")
    batches = list(eval_batches(EvalPhotos(rows, manifest.root, PREPROCESS), 8, workers))
    assert torch.cat([index for _, _, index in batches]).tolist() == list(range(len(rows)))
    assert torch.cat([labels for _, labels, _ in batches]).tolist() == rows.labels.tolist()
    exact = np.stack([PREPROCESS.pixels(read(manifest.root / path)) for path in rows.paths])
    assert np.array_equal(torch.cat([pixels for pixels, _, _ in batches]).numpy(), exact)


@pytest.mark.parametrize("workers", [0, 2])
def test_no_photos_are_no_batches(manifest: Manifest, workers: int) -> None:
    none = EvalPhotos(manifest.rows("train").take(np.array([], np.int64)), manifest.root, PREPROCESS)
    assert list(eval_batches(none, 8, workers)) == []


@pytest.mark.parametrize("workers", [0, 2])
def test_a_photo_that_vanished_is_one_sentence(manifest: Manifest, workers: int) -> None:
    path = manifest.root / manifest.rows("train").paths[0]
    path.unlink()
    for batches in (
        eval_batches(EvalPhotos(manifest.rows("train"), manifest.root, PREPROCESS), 8, workers),
        train_batches(training(manifest), seed=0, epoch=0, batch_size=len(manifest.rows("train")), workers=workers),
    ):
        with pytest.raises(DataError) as caught:
            list(batches)
        assert (
            str(caught.value)
            == f"{path} cannot be read any more (no such file): give it back, or start again without it"
        )


def kill(name: str, process: int | None) -> None:
    """Send a signal from a third process, as a shell or a scheduler does."""
    subprocess.run(["kill", f"-{name}", str(process)], check=True)


def test_a_worker_is_deaf_to_signals_that_the_whole_run_gets(manifest: Manifest) -> None:
    loader = TrainLoader(training(manifest), 2, seed=3, workers=1)
    batches = iter(loader)
    next(batches)
    (worker,) = multiprocessing.active_children()
    kill("INT", worker.pid)
    kill("TERM", worker.pid)
    assert len(list(batches)) == loader.steps_per_epoch - 1
    assert len(list(loader)) == loader.steps_per_epoch
    assert multiprocessing.active_children() == [worker]
    worker.terminate()  # from its parent
    worker.join(20)
    assert not worker.is_alive()


def test_a_killed_worker_is_one_sentence_and_only_where_batches_are_asked_for(manifest: Manifest) -> None:
    loader = TrainLoader(training(manifest), 2, seed=3, workers=1)
    list(loader)
    (worker,) = multiprocessing.active_children()
    kill("KILL", worker.pid)
    worker.join(20)
    with pytest.raises(DataError) as caught:
        list(loader)
    assert str(caught.value) == (
        "a process that reads photos died, most often because memory or /dev/shm ran out: go on with fewer, such as "
        "--hardware.workers 0"
    )


SCRIPT = """
import sys
from collections.abc import Sequence
from pathlib import Path
from visionft.data import TrainLoader, TrainPhotos, prepare
from visionft.settings import AugmentSettings, DataSettings

print("albumentations" in sys.modules)
manifest = prepare(Path(sys.argv[1]), DataSettings())
photos = TrainPhotos(manifest.rows("train"), manifest.root, AugmentSettings(strength="light"), (16, 16), (0, 0, 0), 0)
loader = TrainLoader(photos, 2, seed=0, workers=2)
batches = iter(loader)
next(batches)
"""


def test_a_script_without_a_main_guard_ends_by_itself_and_only_training_imports_albumentations(
    manifest: Manifest,
) -> None:
    command = [sys.executable, "-c", SCRIPT, str(manifest.root)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    assert (done.stdout, done.stderr) == ("False\n", "")


def test_workers_are_as_many_as_shared_memory_has_room_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    batch = 32 * 176 * 176 * 3
    usage = type("Usage", (), {"free": 64 << 20})
    monkeypatch.setattr(dataloader, "SHARED", tmp_path)
    monkeypatch.setattr(dataloader.shutil, "disk_usage", lambda _: usage)
    found = dataloader.workers_with_room(16, 32, (176, 176))
    assert 0 < found < 16
    assert found * (dataloader.PREFETCH + 1) * batch <= usage.free
    assert dataloader.workers_with_room(2, 8, (32, 32)) == 2
    monkeypatch.setattr(dataloader, "SHARED", tmp_path / "none")
    assert dataloader.workers_with_room(16, 32, (176, 176)) == 16


def test_without_shared_memory_batches_are_read_in_this_process(
    manifest: Manifest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dataloader, "SHARED", tmp_path)
    monkeypatch.setattr(dataloader.shutil, "disk_usage", lambda _: type("Usage", (), {"free": 1000}))
    loader = TrainLoader(training(manifest), 4, seed=0, workers=2)
    assert loader.workers == 0
    loader.set_epoch(0)
    assert sum(len(labels) for _, labels, _ in loader) == 4 * loader.steps_per_epoch
