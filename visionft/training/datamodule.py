"""Photos for a user's own `lightning.Trainer`: a plain LightningDataModule over a manifest."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from lightning import LightningDataModule
from torch.utils.data import DataLoader, Dataset, Sampler

from visionft.data import EvalPhotos, Item, Manifest, Rows, Sample, TrainPhotos
from visionft.data.class_sampling import ClassSampling
from visionft.data.loading.collate import collate
from visionft.data.sampler import AGAIN, epoch_order
from visionft.planning.plan import views_of
from visionft.preprocess import Preprocess
from visionft.settings import FitSettings


class PhotoDataModule(LightningDataModule):
    """The splits of a manifest as DataLoaders: photos uint8 [B, H, W, 3], labels int64 [B], rows int64 [B].

    Each epoch has new views of the training photos, in an order of its own; Lightning tells the sampler the epoch, and
    shares it out among the processes of a strategy. All views have one size, that of the last epoch of `fit`.

    Args:
        manifest: photos with their splits.
        preprocess: the evaluation transform.
        settings: resolved, without "auto": batch size, workers, augmentation, seed.
    """

    def __init__(self, manifest: Manifest, preprocess: Preprocess, settings: FitSettings) -> None:
        super().__init__()
        self.manifest, self.preprocess, self.settings = manifest, preprocess, settings

    def train_dataloader(self) -> Any:
        """Return the training photos, shuffled, the last smaller batch dropped unless it is the only one."""
        settings, rows = self.settings, self.manifest.rows("train")
        size, batch = views_of(settings, self.preprocess, None), int(settings.optim.batch_size)
        fill, resize = self.preprocess.fill, self.preprocess.resize
        photos = TrainPhotos(rows, self.manifest.root, settings.augment, size, fill, settings.seed, resize=resize)
        order = ShuffledViews(len(photos), settings.seed, _classes(rows, settings))
        return self._loader(photos, batch, sampler=order, drop_last=len(photos) >= batch)

    def val_dataloader(self) -> Any:
        """Return the validation photos in their order."""
        return self._held_out("validation")

    def test_dataloader(self) -> Any:
        """Return the test photos in their order."""
        return self._held_out("test")

    def _held_out(self, split: Any) -> Any:
        photos = EvalPhotos(self.manifest.rows(split), self.manifest.root, self.preprocess)
        return self._loader(photos, int(self.settings.optim.batch_size))

    def _loader(self, photos: Dataset[Item], batch: int, **more: Any) -> DataLoader[Item]:
        # An iterator draws a seed when it starts: not from the generator that dropout draws from.
        generator, workers = torch.Generator().manual_seed(0), int(self.settings.hardware.workers)
        return DataLoader(photos, batch, num_workers=workers, collate_fn=collate, generator=generator, **more)


class ShuffledViews(Sampler[Sample]):
    """(view, index) of the training photos, in the order of an epoch; the view is the epoch.

    Args:
        n: training photos.
        seed: the run's.
        classes: what draws the photos of an epoch class by class; none: each comes once.
    """

    def __init__(self, n: int, seed: int, classes: ClassSampling | None = None) -> None:
        self.n, self.seed, self.classes, self.epoch = n, seed, classes, 0

    def __len__(self) -> int:
        return self.n

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch that is iterated next; Lightning calls this."""
        self.epoch = epoch

    def __iter__(self) -> Iterator[Sample]:
        """Yield the samples of the epoch."""
        order, again = epoch_order(self.seed, self.epoch, self.n, self.classes)
        for index, times in zip(order.tolist(), again.tolist(), strict=True):
            yield self.epoch + AGAIN * times, index


def _classes(rows: Rows, settings: FitSettings) -> ClassSampling | None:
    return None if settings.data.sampling == "uniform" else ClassSampling(rows.labels, settings.data.sampling)
