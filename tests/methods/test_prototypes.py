"""Prototypes are what their formula says, each of its own class alone, and worth more than plain distances."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from visionft.methods.prototypes import Space, class_means, solve

Arrays = tuple[NDArray[np.float32], NDArray[np.int64]]
WIDTH = 24


def photos(classes: int, each: int, seed: int) -> Arrays:
    """Return features whose classes differ where a class's own photos hardly do, under noise that is all alike."""
    random = np.random.default_rng(seed)
    centres = np.random.default_rng(9).normal(size=(classes, WIDTH)) * 0.5
    mixed = np.random.default_rng(7).normal(size=(WIDTH, 4)) * 4
    labels = np.repeat(np.arange(classes), each)
    x = (
        centres[labels]
        + random.normal(size=(len(labels), 4)) @ mixed.T
        + 0.2 * random.normal(size=(len(labels), WIDTH))
    )
    return (x + 30).astype(np.float32), labels


def right(weight: NDArray[np.float32], bias: NDArray[np.float32], of: Arrays) -> float:
    return float(((of[0] @ weight.T + bias).argmax(axis=1) == of[1]).mean())


def test_in_a_round_space_without_noise_the_answer_is_the_largest_cosine() -> None:
    x, _ = photos(5, 4, 1)
    means = x[:5].astype(np.float64)
    space = Space(np.eye(WIDTH, dtype=np.float32), x.mean(axis=0), 0.0)
    weight, bias = space.rows(means, np.ones(5, np.int64))
    offset, query = means - space.centre, x - space.centre
    cosines = (query @ offset.T) / np.linalg.norm(offset, axis=1) / np.linalg.norm(query, axis=1)[:, None]
    logits = x.astype(np.float64) @ weight.T + bias
    assert np.allclose(logits / np.linalg.norm(query, axis=1)[:, None], cosines, atol=1e-3)


def test_a_row_is_of_its_class_alone_bit_for_bit() -> None:
    train, held = photos(6, 12, 1), photos(6, 5, 2)
    found = solve(*train, *held)
    means, number = class_means(*train)
    for one in range(6):
        weight, bias = found.space.rows(means[[one]], number[[one]])
        assert np.array_equal(weight[0], found.weight[one])
        assert bias[0] == found.bias[one]


def test_the_length_of_a_mean_of_few_photos_is_its_class_s_own() -> None:
    """The logit of a class for its own mean direction must not hang on how many photos it was given by."""
    random = np.random.default_rng(0)
    own, space = np.full(WIDTH, 2.0), Space(np.eye(WIDTH, dtype=np.float32), np.zeros(WIDTH, np.float32), float(WIDTH))
    exact = np.linalg.norm(own)
    for number in (2, 5, 50):
        means = own + random.normal(size=(2000, WIDTH)) / np.sqrt(number)
        weight, bias = space.rows(means, np.full(2000, number))
        assert (weight @ own + bias).mean() == pytest.approx(exact, rel=0.02), number


def test_what_few_photos_leave_of_a_mean_has_a_least_length() -> None:
    space = Space(np.eye(WIDTH, dtype=np.float32), np.zeros(WIDTH, np.float32), 1e6)
    weight, _ = space.rows(np.ones((1, WIDTH)), np.ones(1, np.int64))
    assert np.linalg.norm(weight) == pytest.approx(2.0)  # at most twice as long as without the correction


@pytest.mark.parametrize("each", [2, 3, 8])
def test_the_noise_of_a_photo_is_not_underrated_where_classes_have_few(each: int) -> None:
    """In a space whose covariance within classes is the identity, it is the trace of the metric."""
    random = np.random.default_rng(0)
    centres = random.normal(size=(60, WIDTH))

    def drawn(number: int) -> Arrays:
        labels = np.repeat(np.arange(60), number)
        return (centres[labels] + random.normal(size=(len(labels), WIDTH))).astype(np.float32), labels

    space = solve(*drawn(each), *drawn(4)).space
    assert space.noise == pytest.approx(np.trace(space.metric.astype(np.float64)), rel=0.07)


def test_the_shrunken_covariance_sees_through_what_all_classes_share() -> None:
    train, held, test = photos(8, 15, 1), photos(8, 8, 2), photos(8, 30, 3)
    found = solve(*train, *held)
    means, number = class_means(*train)
    plain = Space(np.eye(WIDTH, dtype=np.float32), train[0].mean(axis=0), 0.0).rows(means, number)
    assert np.isfinite(found.shrinkage)
    assert right(found.weight, found.bias, test) > right(*plain, test) + 0.2


def test_probabilities_mean_what_they_say() -> None:
    train, held, test = photos(8, 15, 1), photos(8, 20, 2), photos(8, 60, 3)
    found = solve(*train, *held)
    logits = test[0].astype(np.float64) @ found.weight.T + found.bias
    p = np.exp(logits - logits.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    assert p.max(axis=1).mean() == pytest.approx(right(found.weight, found.bias, test), abs=0.05)


def test_a_photo_a_class_is_enough() -> None:
    train, held = photos(4, 1, 1), photos(4, 1, 2)
    found = solve(*train, *held)
    assert np.isfinite(found.weight).all()
    assert right(found.weight, found.bias, train) == 1


def test_features_that_are_all_the_same_give_numbers() -> None:
    same = np.ones((6, WIDTH), np.float32), np.arange(6) % 3
    found = solve(*same, *same)
    assert np.isfinite(found.weight).all()
    assert np.isfinite(found.bias).all()
