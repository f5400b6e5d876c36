"""Which weights are kept is one rule, overfitting is said of them alone, and the words fit the figures."""

from itertools import product

import pytest

from visionft.training.history import Epoch, best, least_loss
from visionft.training.verdict import verdict

SOLVED = (0, 0.30, 0.836)


def epoch(number: int, loss: float, top1: float = 0.8) -> Epoch:
    return Epoch(number, 1, number * 10, 1e-4, 0.5, loss, top1, 1.0, 10.0)


def said(train: float, val: float, *rows: tuple[int, float, float]) -> str:
    history = [epoch(*row) for row in rows]
    return verdict(train, val, 500, history, best(history))


def test_best_is_by_top1_and_then_by_loss() -> None:
    rows = [epoch(0, 0.2, 0.8), epoch(1, 0.5, 0.9), epoch(2, 0.4, 0.9), epoch(3, 0.1, 0.85)]
    assert best(rows).epoch == 2
    assert least_loss(rows).epoch == 3


GAPS = {
    (0.02, False): "a gap of 2.0 points, no sign of overfitting;",
    (0.02, True): "a gap of 2.0 points, its answers do not overfit, its probabilities do;",
    (0.10, False): "a gap of 10.0 points, usual for fine-tuning; more photos or stronger augmentation would narrow it;",
    (0.10, True): "a gap of 10.0 points, which begins to overfit: fewer epochs, more photos or stronger augmentation;",
    (0.29, False): "a gap of 29.0 points, overfitting: add photos, raise --augment.strength, or train less of the",
    (0.29, True): "a gap of 29.0 points, overfitting: add photos, raise --augment.strength, or train less of the",
}


@pytest.mark.parametrize(("gap", "risen"), GAPS)
def test_the_kept_weights_are_judged_by_gap_and_loss_together(gap: float, risen: bool) -> None:
    words = said(0.7 + gap, 0.7, SOLVED, (1, 0.35 if risen else 0.31, 0.852))
    assert GAPS[gap, risen] in words


COURSES = {
    "least and best at the end": (
        [(1, 0.5, 0.8), (2, 0.3, 0.9)],
        "kept are the weights of epoch 2, the highest top-1 on validation and, of equal ones, the least loss; their "
        "loss is the least too (0.3000): more epochs may still help",
    ),
    "least and best before the end": (
        [(1, 0.5, 0.8), (2, 0.3, 0.9), (3, 0.4, 0.85)],
        "their loss is the least too (0.3000): the epochs after it did not help, fewer would do",
    ),
    "equal top-1, less loss before the end": (
        [(1, 0.3, 0.9), (2, 0.4, 0.9)],
        "kept are the weights of epoch 1, the highest top-1",
    ),
    "the solved head is best": (
        [SOLVED, (1, 0.4, 0.82)],
        "kept are the weights of the solved head, before any epoch, the highest top-1 on validation and, of equal "
        "ones, the least loss; their loss is the least too (0.3000): the epochs after it did not help, --method head "
        "would do",
    ),
    "the solved head has less loss than the end, which is right more often": (
        [SOLVED, (1, 0.40, 0.852)],
        "kept are the weights of epoch 1, the highest top-1 on validation and, of equal ones, the least loss; their "
        "loss (0.4000) is above the least (0.3000 after the solved head, before any epoch, with a top-1 of 83.6%): "
        "they are right more often and surer than right, which the temperature is there to mend",
    ),
    "near the least": (
        [(1, 0.30, 0.8), (2, 0.31, 0.9)],
        "their loss (0.3100) is near the least (0.3000 after epoch 1, with a top-1 of 80.0%)",
    ),
}


@pytest.mark.parametrize("case", COURSES)
def test_one_rule_keeps_and_says_so(case: str) -> None:
    rows, words = COURSES[case]
    assert words in said(0.9, 0.88, *rows)


def test_a_solved_head_alone_has_no_course() -> None:
    assert said(1.0, 0.97, SOLVED).endswith("a gap of 3.0 points, no sign of overfitting")
    assert verdict(0.9, 0.88, 500, (), None).endswith("a gap of 2.0 points, no sign of overfitting")


def test_no_verdict_contradicts_itself() -> None:
    losses, hits, gaps = (0.2, 0.3, 0.31, 0.5), (0.7, 0.8, 0.9), (0.0, 0.1, 0.3)
    seen = set()
    for gap, a, b, x, y in product(gaps, losses, losses, hits, hits):
        history = [epoch(0, a, x), epoch(1, b, y)]
        words = verdict(0.6 + gap, 0.6, 500, history, best(history))
        healthy, more = "no sign of overfitting" in words, "more epochs may still help" in words
        assert not (healthy and ("surer than right" in words or "begins to overfit" in words))
        assert not (more and ("fewer" in words or best(history).epoch == 0))
        assert ("epochs after it did not help" in words) <= (best(history).epoch == 0)
        assert words.count("kept are the weights of") == 1
        seen.add((healthy, more))
    assert len(seen) == 4, "the table reaches every case"
