"""Batches of photos, from datasets that are pure functions of their index: the number of workers never matters."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import DataLoader, Dataset

from visionft.data.caches.decoded_photos import Decoded
from visionft.data.class_sampling import ClassSampling
from visionft.data.loading.collate import Batch, Fault, Guarded, Item, Photos, ReadAhead, collate
from visionft.data.loading.worker_init import START, start_worker, taken
from visionft.data.manifest import Rows
from visionft.data.sampler import EpochSampler, Sample, Share
from visionft.data.transforms.progressive_resizing import Sides
from visionft.errors import DataError, PhotoError
from visionft.photos import Reduction, read
from visionft.preprocess import Preprocess, Resize
from visionft.settings import AugmentSettings

if TYPE_CHECKING:
    from visionft.data.transforms.augmentation import Augment

Pixels = NDArray[np.uint8]

SHARED = Path("/dev/shm")
SHARED_PART = 0.5  # training and validation have processes at one time
PREFETCH = 4  # batches a worker is ahead of training: enough to even out large and small photos


class TrainPhotos(Dataset[Item]):
    """Augmented training photos; an item is a pure function of (seed, view, index).

    Args:
        rows: Training photos.
        root: Folder that their paths are relative to.
        augment: Strength and flip, resolved.
        size: (H, W) of the items in pixels.
        mean_fill: RGB in [0, 255] for what a change uncovers.
        seed: The run's seed.
        decoded: Where the views come from photos that were shrunk, and are kept; none: from the files, each time.
        sides: Of views that grow from epoch to epoch to `size`; none: all have it.
        resize: How evaluation brings a photo to its input.
    """

    def __init__(
        self,
        rows: Rows,
        root: Path,
        augment: AugmentSettings,
        size: tuple[int, int],
        mean_fill: tuple[int, int, int],
        seed: int,
        decoded: Decoded | None = None,
        sides: Sides | None = None,
        resize: Resize = "shortest",
    ) -> None:
        from visionft.data.transforms.augmentation import (
            Augment,  # a second of import that evaluation need not wait for
        )

        self.rows, self.root, self.decoded = rows, root, decoded
        self.augment: Augment = Augment(augment, size, mean_fill, seed, sides, resize)
        self.size = size

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, sample: Sample) -> Item:
        """Return ((H, W, 3) uint8 RGB, class index, index) for (view, index); DataError if the photo is gone."""
        view, index = sample
        pixels = self.augment.view(partial(self._load, index), view, index)
        return pixels, self.rows.labels[index].tolist(), index

    def file(self, sample: Sample) -> Path:
        """Return the file that a sample will be read from."""
        _, index = sample
        path = self.root / self.rows.paths[index]
        return self.decoded.file(path, self.rows.digests[index]) if self.decoded else path

    def _load(self, index: int, reduction: Reduction) -> Pixels:
        path = self.root / self.rows.paths[index]
        with _present(path):
            if self.decoded is not None:
                return self.decoded.read(path, self.rows.digests[index])
            return read(path, max_pixels=sys.maxsize, reduction=reduction)


class FixedViews(Dataset[Item]):
    """Training photos by their index alone: one view of each.

    Args:
        photos: The training photos.
        view: Its number; where nothing about views is random, all are the same.
        share: Which of the photos there are; none: all.
    """

    def __init__(self, photos: TrainPhotos, view: int = 0, share: slice | None = None) -> None:
        self.photos, self.view = photos, view
        self._rows = range(len(photos))[share or slice(None)]

    @property
    def size(self) -> tuple[int, int]:
        """(H, W) of the items in pixels."""
        return self.photos.size

    @property
    def fixed(self) -> bool:
        """Whether a photo looks the same in every epoch."""
        return self.photos.augment.fixed

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: int) -> Item:
        """Return ((H, W, 3) uint8 RGB, class index, its row in the split); DataError if the photo is gone."""
        return self.photos[(self.view, self._rows[index])]

    def file(self, index: int) -> Path:
        """Return the file that a photo will be read from."""
        return self.photos.file((self.view, self._rows[index]))


class EvalPhotos(Dataset[Item]):
    """Photos under the exact transform of evaluation, from full bytes.

    Args:
        rows: Photos.
        root: Folder that their paths are relative to.
        preprocess: The transform.
    """

    def __init__(self, rows: Rows, root: Path, preprocess: Preprocess) -> None:
        self.rows, self.root, self.preprocess, self.size = rows, root, preprocess, preprocess.size

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> Item:
        """Return ((H, W, 3) uint8 RGB, class index, index); DataError if the photo is gone."""
        path = self.file(index)
        with _present(path):
            image = read(path, max_pixels=sys.maxsize)  # the limit of the user's settings was kept at the check
        return self.preprocess.pixels(image), self.rows.labels[index].tolist(), index

    def file(self, index: int) -> Path:
        """Return the file of a photo."""
        return self.root / self.rows.paths[index]


class TrainLoader:
    """The batches of one epoch after the other; workers live on between epochs.

    It has no length on purpose: an epoch resumed in its middle is shorter, and schedules need `steps_per_epoch`.

    Args:
        dataset: Training photos.
        batch_size: Photos in a batch.
        seed: The run's seed.
        workers: Processes that fill batches; without any, torch's threads do it in this one, between two steps.
        pin_memory: Put batches where a GPU copies them from quickly.
        share: Which photos of a batch of so many are this process's, where several share it; none: all.
        per_class: Photos of one class that follow one another; none: photos come in any order.
        sampling: How often photos of each class come, as `class_sampling.POWERS` has it.

    Attributes:
        workers: As many as were asked for and as shared memory has room for.
        steps_per_epoch: Batches of a whole epoch.
    """

    def __init__(
        self,
        dataset: TrainPhotos,
        batch_size: int,
        seed: int,
        workers: int = 0,
        pin_memory: bool = False,
        share: Share | None = None,
        per_class: int | None = None,
        sampling: str = "uniform",
    ) -> None:
        self.dataset, self.pin_memory = dataset, pin_memory
        self.workers = workers_with_room(workers, batch_size, dataset.size)
        labels = None if per_class is None else dataset.rows.labels
        classes = None if sampling == "uniform" else ClassSampling(dataset.rows.labels, sampling)
        self._sampler = EpochSampler(len(dataset), batch_size, seed, share, labels, per_class or 1, classes)
        # An empty share of a batch, whose labels the processes exchange as those of the others: one kind and width.
        self._no_labels = torch.tensor(dataset.rows.labels[:1].tolist())[:0]
        self.steps_per_epoch = self._sampler.steps
        self._loader: DataLoader[Item | Fault] | None = None

    def set_epoch(self, epoch: int, start: int = 0, view: int | None = None) -> None:
        """Choose the epoch that is iterated next, how many of its batches are done already, and the photos' view.

        Args:
            epoch: From 0.
            start: Batches that are left out.
            view: Number of the photos' view; none: the epoch, so that views are new in each.
        """
        self._sampler.set_epoch(epoch, start, view)

    def samples(self) -> Iterator[list[Sample]]:
        """Yield (view, index) of the photos of each remaining batch, in place of the photos."""
        return iter(self._sampler)

    def __iter__(self) -> Iterator[Batch]:
        """Yield the remaining batches of the chosen epoch; DataError if a photo is gone or a worker died."""
        if self._loader is None:
            self._loader = _loader(self.dataset, self._sampler, self.workers, self.pin_memory)
        try:
            for pixels, labels, indices in taken(self._loader):
                yield pixels, labels if len(labels) else self._no_labels, indices
        except DataError:
            self.close()
            raise

    def close(self) -> None:
        """End the workers; iterating again starts new ones."""
        self._loader = None


def train_batches(
    dataset: TrainPhotos, *, seed: int, epoch: int, start: int = 0, batch_size: int, workers: int = 0
) -> Iterator[Batch]:
    """Yield the batches of one epoch from batch `start` on: what TrainLoader gives, for one epoch alone.

    Each is pixels uint8 (B, H, W, 3), class indices int64 (B,) and rows int64 (B,), of `batch_size` photos.
    """
    loader = TrainLoader(dataset, batch_size, seed, workers)
    loader.set_epoch(epoch, start)
    yield from loader


def eval_batches(dataset: Photos[int], batch_size: int, workers: int = 0, pin_memory: bool = False) -> Iterator[Batch]:
    """Yield every photo of an EvalPhotos, or of a subset of one, once and in order; the last batch may be smaller.

    Each is pixels uint8 (B, H, W, 3), class indices int64 (B,) and rows int64 (B,).

    Raises:
        DataError: a photo is gone or broke since it was checked, or a worker died.
    """
    indices = range(len(dataset))
    batches = [indices[start : start + batch_size] for start in indices[::batch_size]]
    workers = workers_with_room(min(workers, len(batches)), batch_size, getattr(dataset, "size", (0, 0)))
    yield from taken(_loader(dataset, batches, workers, pin_memory))


def workers_with_room(workers: int, batch_size: int, size: tuple[int, int]) -> int:
    """Return how many of so many processes can hand their batches over: shared memory is 64 MB in many containers.

    A process that finds none left is killed by the system, with its batch.

    Args:
        workers: Processes that are asked for.
        batch_size: Photos in a batch.
        size: (H, W) of the photos in pixels.
    """
    if not workers or not SHARED.is_dir():
        return workers
    each = (PREFETCH + 1) * batch_size * size[0] * size[1] * 3  # bytes: those ahead, and the one in the making
    return min(workers, int(SHARED_PART * shutil.disk_usage(SHARED).free) // max(each, 1))


def _loader(
    dataset: Photos[Any], batches: Iterable[Sequence[Any]], workers: int, pin_memory: bool
) -> DataLoader[Item | Fault]:
    return DataLoader(
        Guarded(dataset),
        batch_sampler=batches if workers else ReadAhead(dataset, batches),  # type: ignore[arg-type]  # torch asks for lists
        num_workers=workers,
        collate_fn=collate,
        worker_init_fn=start_worker,
        pin_memory=pin_memory,
        # An iterator draws a seed when it starts; from the global generator that would change dropout after a resume.
        generator=torch.Generator().manual_seed(0),
        multiprocessing_context=START if workers else None,
        prefetch_factor=PREFETCH if workers else None,
        persistent_workers=workers > 0,
    )


@contextmanager
def _present(path: Path) -> Iterator[None]:
    """Turn the failure to read a photo, which was sound when it was checked, into a DataError."""
    try:
        yield
    except PhotoError as error:
        raise DataError(
            f"{path} cannot be read any more ({error.reason}): give it back, or start again without it"
        ) from error
