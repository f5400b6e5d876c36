from __future__ import annotations

import numpy as np
import pytest

from visionft.data import EpochSampler, permutation, steps_per_epoch
from visionft.data.sampler import Purpose, grouped, stream
from visionft.training.ranks import Ranks


def test_an_order_is_a_pure_function_of_seed_and_epoch() -> None:
    assert np.array_equal(permutation(3, 5, 100), permutation(3, 5, 100))
    assert sorted(permutation(3, 5, 100)) == list(range(100))
    assert not np.array_equal(permutation(3, 5, 100), permutation(3, 6, 100))
    assert not np.array_equal(permutation(4, 5, 100), permutation(3, 5, 100))


def test_streams_of_random_numbers_never_meet() -> None:
    keys = [(p, s, e, i) for p in Purpose for s in range(3) for e in range(3) for i in range(3)]
    states = {tuple(stream(*key).generate_state(4)) for key in keys}
    assert len(states) == len(keys)


def test_an_epoch_holds_every_photo_at_most_once_and_drops_the_rest() -> None:
    sampler = EpochSampler(10, 3, seed=1)
    sampler.set_epoch(2)
    batches = list(sampler)
    assert [len(batch) for batch in batches] == [3, 3, 3]
    assert {epoch for batch in batches for epoch, _ in batch} == {2}
    assert len({index for batch in batches for _, index in batch}) == 9


def test_fewer_photos_than_a_batch_make_one_batch() -> None:
    assert [len(batch) for batch in EpochSampler(2, 8, seed=0)] == [2]
    assert [steps_per_epoch(n, 8) for n in (1, 8, 15, 16)] == [1, 1, 1, 2]
    with pytest.raises(ValueError, match="an epoch needs photos"):
        steps_per_epoch(0, 8)


@pytest.mark.parametrize("batch_size", [7, 2])
def test_shares_of_a_batch_make_the_batch(batch_size: int) -> None:
    """Two photos among three processes leave one of them without any."""
    parts = [EpochSampler(16, batch_size, seed=1, share=Ranks(rank, 3).share) for rank in range(3)]
    whole = list(EpochSampler(16, batch_size, seed=1))
    assert [[*a, *b, *c] for a, b, c in zip(*parts, strict=True)] == whole


def test_a_resumed_epoch_neither_repeats_nor_skips() -> None:
    sampler = EpochSampler(50, 4, seed=1)
    sampler.set_epoch(7)
    whole = list(sampler)
    for start in (0, 5, 12):
        sampler.set_epoch(7, start)
        assert list(sampler) == whole[start:]
    with pytest.raises(ValueError, match="an epoch has batches 0 to 12, got start 13"):
        sampler.set_epoch(7, 13)


def test_views_that_come_again_are_handed_out_in_each_epochs_own_order() -> None:
    sampler = EpochSampler(8, 4, seed=1)
    epochs = []
    for epoch in (2, 5):
        sampler.set_epoch(epoch, view=epoch % 3)
        epochs.append([sample for batch in sampler for sample in batch])
    assert {view for samples in epochs for view, _ in samples} == {2}
    assert sorted(epochs[0]) == sorted(epochs[1])
    assert epochs[0] != epochs[1]


@pytest.mark.parametrize("per_class", [1, 3, 4])
def test_photos_of_a_class_follow_one_another_and_each_comes_once(per_class: int) -> None:
    labels = np.random.default_rng(0).choice(5, size=53, p=[0.5, 0.2, 0.15, 0.1, 0.05])
    order = grouped(permutation(0, 0, 53), labels, per_class, np.random.default_rng(1))
    assert sorted(order.tolist()) == list(range(53))
    runs = sum(-(-count // per_class) for count in np.bincount(labels).tolist())
    assert np.count_nonzero(np.diff(labels[order])) < runs, "two runs of one class may meet, and no run is torn"
    assert not np.array_equal(order, np.sort(order))


def test_grouped_photos_are_a_pure_function_of_seed_and_epoch_and_go_on_where_they_stopped() -> None:
    labels = np.arange(40) % 10
    sampler = EpochSampler(40, 8, seed=1, labels=labels, per_class=4)
    sampler.set_epoch(3)
    whole = list(sampler)
    sampler.set_epoch(3, start=2)
    assert list(sampler) == whole[2:]
    assert [len({int(labels[index]) for _, index in batch}) for batch in whole] == [2] * 5
    sampler.set_epoch(4)
    assert [[index for _, index in batch] for batch in sampler] != [[index for _, index in batch] for batch in whole]


def test_processes_share_a_grouped_batch() -> None:
    labels = np.arange(40) % 8
    parts = [list(EpochSampler(40, 8, 1, Ranks(rank, 2).share, labels, 4)) for rank in (0, 1)]
    whole = list(EpochSampler(40, 8, 1, labels=labels, per_class=4))
    assert [a + b for a, b in zip(*parts, strict=True)] == whole
