"""Photos drawn class by class: shares, views, and the same order however the work is shared."""

from __future__ import annotations

from itertools import chain

import numpy as np
import pytest

from visionft.data.class_sampling import ClassSampling, class_shares
from visionft.data.sampler import AGAIN, EpochSampler, epoch_order
from visionft.training.ranks import Ranks

COUNTS = np.array([640, 40, 10, 10])
LABELS = np.random.default_rng(0).permutation(np.repeat(np.arange(4), COUNTS))


def test_shares_against_the_formula() -> None:
    assert class_shares(COUNTS, "uniform") == pytest.approx(COUNTS / 700)
    assert class_shares(COUNTS, "balanced") == pytest.approx([0.25] * 4)
    assert class_shares(COUNTS, "sqrt") == pytest.approx(np.sqrt(COUNTS) / np.sqrt(COUNTS).sum())
    assert class_shares([4, 0, 12], "balanced") == pytest.approx([0.5, 0, 0.5])


@pytest.mark.parametrize("sampling", ["balanced", "sqrt"])
def test_an_epoch_has_the_shares_and_as_many_photos_as_ever(sampling: str) -> None:
    classes, expected = ClassSampling(LABELS, sampling), class_shares(COUNTS, sampling) * 700
    seen = np.zeros(4)
    for seed in range(40):
        order, again = classes.drawn(np.random.default_rng(seed))
        found = np.bincount(LABELS[order], minlength=4)
        assert len(order) == found.sum() == 700
        assert np.all(np.abs(found - expected) < 1)  # rounded up or down, no more
        times = np.bincount(order, minlength=700)
        for label in range(4):
            assert np.ptp(times[label == LABELS]) <= 1  # photos of a class come in turn
        assert len(set(zip(order.tolist(), again.tolist(), strict=True))) == 700  # each time under a number of its own
        seen += found
    assert seen / 40 == pytest.approx(expected, abs=0.2)


def test_a_class_without_photos_between_others() -> None:
    labels = np.array([0, 2, 2, 2])
    order, _ = ClassSampling(labels, "balanced").drawn(np.random.default_rng(1))
    assert np.bincount(labels[order], minlength=3).tolist() == [2, 0, 2]


def test_a_photo_that_comes_again_has_another_view_unless_views_are_kept() -> None:
    sampler = EpochSampler(700, 70, seed=3, classes=ClassSampling(LABELS, "balanced"))
    sampler.set_epoch(2)
    samples = [sample for batch in sampler for sample in batch]
    assert len(set(samples)) == 700
    assert {view % AGAIN for view, _ in samples} == {2}
    assert max(view for view, _ in samples) < 2**32  # one word of the seed
    sampler.set_epoch(2, view=0)
    assert {view for batch in sampler for view, _ in batch} == {0}


def test_processes_share_the_batches_and_an_epoch_goes_on_where_it_was() -> None:
    classes = ClassSampling(LABELS, "sqrt")
    whole = list(EpochSampler(700, 32, 1, classes=classes))
    parts = [list(EpochSampler(700, 32, 1, Ranks(rank, 3).share, classes=classes)) for rank in range(3)]
    assert [list(chain.from_iterable(pieces)) for pieces in zip(*parts, strict=True)] == whole
    later = EpochSampler(700, 32, 1, classes=classes)
    later.set_epoch(0, 5)
    assert list(later) == whole[5:]
    assert not np.array_equal(epoch_order(1, 0, 700, classes)[0], epoch_order(1, 1, 700, classes)[0])
