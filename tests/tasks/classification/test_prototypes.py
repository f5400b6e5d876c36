"""A task's head of prototypes: all rows at first, and later the new ones alone, in the space that the head keeps."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from visionft.backbones import PrototypeHead
from visionft.methods.prototypes import class_means, solve
from visionft.runs.criterion import Photos, Solution
from visionft.tasks.classification.prototypes import prototypes_for

CENTRES = np.array([[4, 0, 0, 0], [0, 4, 0, 0], [0, 0, 4, 0]], np.float32)


def photos(each: int, seed: int, classes: int = 3) -> Photos:
    labels = np.repeat(np.arange(classes), each)
    noise = np.random.default_rng(seed).normal(0, 0.5, (len(labels), 4))
    return Photos((CENTRES[labels] + noise).astype(np.float32), labels)


def taken(head: PrototypeHead, found: Solution) -> PrototypeHead:
    """Put a solution into a head, as a fit does."""
    assert found.space is not None
    with torch.no_grad():
        head.weight.copy_(torch.from_numpy(np.asarray(found.weight, np.float32)))
        head.bias.copy_(torch.from_numpy(np.asarray(found.bias, np.float32)))
    head.set_space(torch.from_numpy(found.space.metric), torch.from_numpy(found.space.centre), found.space.noise)
    return head


TRAIN, VALIDATION = photos(6, 0), photos(4, 1)


@pytest.mark.parametrize("new", [None, [2], []])
def test_a_head_without_a_space_gets_all_rows(new: list[int] | None) -> None:
    found = prototypes_for(PrototypeHead(4, 3), TRAIN, VALIDATION, new)
    wanted = solve(TRAIN.features, TRAIN.labels, VALIDATION.features, VALIDATION.labels)
    assert np.array_equal(found.weight, wanted.weight)
    assert np.array_equal(found.bias, wanted.bias)
    assert found.what == "3 prototypes from 18 photos"
    assert found.how in ("plain distances", f"shrinkage {wanted.shrinkage:g}")
    assert ((VALIDATION.features @ found.weight.T + found.bias).argmax(axis=1) == VALIDATION.labels).all()


def test_without_a_variance_within_classes_distances_are_plain() -> None:
    alone = Photos(CENTRES, np.arange(3))
    found = prototypes_for(PrototypeHead(4, 3), alone, alone, None)
    assert np.isfinite(found.weight).all()
    assert found.what == "3 prototypes from 3 photos"
    assert ((CENTRES @ found.weight.T + found.bias).argmax(axis=1) == np.arange(3)).all()


def test_new_rows_come_from_their_photos_and_the_others_stay_bit_for_bit() -> None:
    head = taken(PrototypeHead(4, 3), prototypes_for(PrototypeHead(4, 3), TRAIN, VALIDATION, None))
    before = head.weight.detach().numpy().copy(), head.bias.detach().numpy().copy()
    moved = Photos(TRAIN.features + np.float32(1), TRAIN.labels)
    found = prototypes_for(head, moved, VALIDATION, [1])
    for now, then in zip((found.weight, found.bias), before, strict=True):
        assert np.array_equal(now[[0, 2]], then[[0, 2]])
        assert not np.array_equal(now[1], then[1])
    assert found.space is not None
    means, counts = class_means(moved.features, moved.labels)
    weight, bias = found.space.rows(means[[1]], counts[[1]])
    assert np.array_equal(found.weight[[1]], weight)
    assert np.array_equal(found.bias[[1]], bias)
    assert (found.what, found.how) == ("1 new prototype, 2 stay as they were", "in the earlier run's space")
    assert np.array_equal(head.weight.detach().numpy(), before[0]), "the head itself is left as it is"


def test_nothing_new_leaves_all_rows() -> None:
    head = taken(PrototypeHead(4, 3), prototypes_for(PrototypeHead(4, 3), TRAIN, VALIDATION, None))
    found = prototypes_for(head, photos(5, 9), VALIDATION, [])
    assert np.array_equal(found.weight, head.weight.detach().numpy())
    assert np.array_equal(found.bias, head.bias.detach().numpy())
    assert found.what == "0 new prototypes, 3 stay as they were"
