"""The splits of a manifest as DataLoaders for a user's own Trainer."""

from __future__ import annotations

from collections.abc import Callable

import torch

from tests.fits import Begun
from visionft.training.datamodule import PhotoDataModule, ShuffledViews


def test_its_loaders_give_every_photo_of_their_split(begun: Callable[..., Begun]) -> None:
    one = begun()
    photos = PhotoDataModule(one.manifest, one.plan.preprocess, one.plan.settings)
    for split, loader in (("validation", photos.val_dataloader()), ("test", photos.test_dataloader())):
        rows = one.manifest.rows(split)
        batches = list(loader)
        assert torch.cat([labels for _, labels, _ in batches]).tolist() == rows.labels.tolist()
        assert batches[0][0].dtype == torch.uint8
        assert batches[0][0].shape[1:] == (*one.plan.preprocess.size, 3)


def test_training_batches_are_whole(begun: Callable[..., Begun]) -> None:
    one = begun()
    photos = PhotoDataModule(one.manifest, one.plan.preprocess, one.plan.settings)
    batches = list(photos.train_dataloader())
    assert {len(labels) for _, labels, _ in batches} == {8}
    rows = torch.cat([rows for *_, rows in batches])
    assert len(rows.unique()) == len(rows)


def test_each_epoch_has_every_photo_once_with_a_view_of_its_own() -> None:
    order = ShuffledViews(10, seed=1)
    first = list(order)
    order.set_epoch(1)
    second = list(order)
    assert sorted(index for _, index in first) == sorted(index for _, index in second) == list(range(10))
    assert [index for _, index in first] != [index for _, index in second]
    assert {view for view, _ in second} == {1}
