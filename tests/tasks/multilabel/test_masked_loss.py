"""The loss by hand, with entries that nobody knows; the asymmetric one by its formula; mAP from added histograms."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from sklearn.metrics import average_precision_score

from visionft.runs.criterion import Targets
from visionft.tasks.multilabel.masked_loss import FOCUS, MARGIN, Kind, MaskedLoss, balanced, bins_of

LOGITS = torch.tensor([[0.0, 2.0, -1.0], [1.0, -3.0, 0.5]])
ENTRIES = torch.tensor([[1, 0, -1], [-1, 1, 0]])


def sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x))


def test_it_is_the_cross_entropy_of_the_known_entries() -> None:
    by_hand = -math.log(sigmoid(0)) - math.log(1 - sigmoid(2)) - math.log(sigmoid(-3)) - math.log(1 - sigmoid(0.5))
    assert MaskedLoss()(LOGITS, Targets(ENTRIES)).item() == pytest.approx(by_hand, rel=1e-6)


@pytest.mark.parametrize("kind", ["bce", "asl"])
def test_an_unknown_entry_moves_nothing(kind: Kind) -> None:
    loss, other = MaskedLoss(kind), LOGITS.clone()
    other[0, 2], other[1, 0] = 50.0, -50.0
    assert torch.equal(loss(LOGITS, Targets(ENTRIES)), loss(other, Targets(ENTRIES)))
    asked = LOGITS.clone().requires_grad_()
    loss(asked, Targets(ENTRIES)).backward()
    assert asked.grad is not None
    assert (asked.grad == 0).tolist() == (ENTRIES < 0).tolist()


def test_the_asymmetric_loss_is_its_formula() -> None:
    def lacking(x: float) -> float:
        shifted = max(sigmoid(x) - MARGIN, 0)
        return -(shifted**FOCUS) * math.log(1 - shifted)

    by_hand = -math.log(sigmoid(0)) + lacking(2) - math.log(sigmoid(-3)) + lacking(0.5)
    assert MaskedLoss("asl")(LOGITS, Targets(ENTRIES)).item() == pytest.approx(by_hand, rel=1e-6)
    easy = torch.full((1, 1), math.log(MARGIN / (1 - MARGIN)) - 0.1)
    assert MaskedLoss("asl")(easy, Targets(torch.zeros(1, 1))).item() == 0


def test_weights_of_the_rare_kind_are_larger_by_the_ratio_of_both() -> None:
    entries = np.array([[1, 1, 1], [0, 1, -1], [0, 1, 0], [0, 1, -1]])
    lacking, having = balanced(entries).numpy()
    assert (having / lacking)[0] == pytest.approx(3)  # pos_weight: three lack it, one has it
    assert 3 * lacking[0] + having[0] == pytest.approx(4), "their mean over known entries is 1"
    assert (lacking[1], having[1]) == (1, 1), "nothing to balance where all have it"
    assert (lacking[2], having[2]) == (1, 1), "one of each among the known"
    weighed = MaskedLoss("bce", torch.tensor([[1.0], [5.0]]))
    plain, one = MaskedLoss(), Targets(torch.ones(1, 1))
    assert weighed(torch.zeros(1, 1), one) == 5 * plain(torch.zeros(1, 1), one)


@pytest.mark.parametrize("kind", ["bce", "asl"])
def test_mixed_photos_share_the_loss_and_pieces_add_up(kind: Kind) -> None:
    loss, others = MaskedLoss(kind), ENTRIES.flip(0)
    mixed = loss(LOGITS, Targets(ENTRIES, others, 0.3))
    parts = 0.3 * loss(LOGITS, Targets(ENTRIES)) + 0.7 * loss(LOGITS, Targets(others))
    assert torch.allclose(mixed, parts)
    pieces = [loss(part, aims) for part, aims in zip(LOGITS.split(1), Targets(ENTRIES).split(1), strict=True)]
    assert torch.allclose(sum(pieces), loss(LOGITS, Targets(ENTRIES)))


def test_a_validation_in_batches_has_the_map_of_scikit_learn() -> None:
    random = np.random.default_rng(0)
    entries = random.integers(-1, 2, (300, 5))
    logits = (random.normal(0, 2, (300, 5)) + 2 * entries).astype(np.float32)
    loss, batches = MaskedLoss("asl"), np.array_split(np.arange(300), 7)
    sums = sum(loss.sums(torch.from_numpy(logits[own]), torch.from_numpy(entries[own])) for own in batches)
    assert isinstance(sums, torch.Tensor)
    found = loss.figures(sums.tolist())
    known = [entries[:, label] >= 0 for label in range(5)]
    exact = [average_precision_score(entries[k, i] == 1, logits[k, i]) for i, k in enumerate(known)]
    assert found.score == pytest.approx(np.mean(exact), abs=2e-3)
    plain = MaskedLoss()(torch.from_numpy(logits), Targets(torch.from_numpy(entries))).item()
    assert found.loss == pytest.approx(plain / 300, rel=1e-5), "the cross-entropy, whatever is trained on"


def test_a_process_without_photos_adds_nothing() -> None:
    none = MaskedLoss().sums(torch.zeros(0, 3), torch.zeros(0, dtype=torch.int64))
    assert none.shape == MaskedLoss().sums(LOGITS, ENTRIES).shape
    assert not none.any()


def test_labels_that_nobody_can_measure_leave_a_score_of_nothing() -> None:
    loss = MaskedLoss()
    assert loss.figures(loss.sums(LOGITS[:1], torch.tensor([[1, -1, 0]])).tolist()).score == 0


@pytest.mark.parametrize(("labels", "bins"), [(1, 512), (64, 512), (256, 128), (5000, 64)])
def test_histograms_stay_small(labels: int, bins: int) -> None:
    assert bins_of(labels) == bins
