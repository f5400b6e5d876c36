"""Which weights are kept is one rule, overfitting is said of them alone, and the words fit the figures."""

from itertools import product

import pytest

from visionft.finishing.verdict import verdict
from visionft.metrics import Temperature
from visionft.runs.history import Epoch, best, least_loss
from visionft.settings import FitSettings

SOLVED = (0, 0.30, 0.836)


def epoch(number: int, loss: float, top1: float = 0.8) -> Epoch:
    return Epoch(number, 1, number * 10, 1e-4, 0.5, loss, top1, 1.0, 10.0)


TOO_SURE = Temperature(1.25, 60, fitted=True)
UNFITTED = Temperature(1.0, 21, fitted=False)
AS_THEY_ARE = Temperature(1.0, 60, fitted=False)
UNSURE = Temperature(0.8, 60, fitted=True)


def settings(method: object = "full", **others: object) -> FitSettings:
    named = {"name": method} if isinstance(method, str) else method
    tree = {"photos": "photos", "epochs": 12, "augment": {"strength": "medium"}, "method": named, **others}
    return FitSettings.model_validate(tree)


def said(
    train: float,
    val: float,
    *rows: tuple[int, float, float],
    of: FitSettings | None = None,
    temperature: Temperature = TOO_SURE,
) -> str:
    history = [epoch(*row) for row in rows]
    return verdict((train, val), 500, temperature, of or settings(), history, best(history))


def test_best_is_by_top1_and_then_by_loss() -> None:
    rows = [epoch(0, 0.2, 0.8), epoch(1, 0.5, 0.9), epoch(2, 0.4, 0.9), epoch(3, 0.1, 0.85)]
    assert best(rows).epoch == 2
    assert least_loss(rows).epoch == 3


AUGMENT = "stronger augmentation (--augment.strength is medium)"
LESS = "training less of the backbone (--method gradual or head)"
FEWER = "fewer epochs (--epochs is 12)"
GAPS = {
    (0.02, False): "a gap of 2.0 points, no sign of overfitting;",
    (0.02, True): "a gap of 2.0 points, its answers do not overfit, its probabilities do;",
    (0.10, False): f"a gap of 10.0 points, not unusual; more photos or {AUGMENT} would narrow it;",
    (0.10, True): f"a gap of 10.0 points, which begins to overfit: more photos, {AUGMENT} or {FEWER} would narrow it;",
    (0.29, False): f"a gap of 29.0 points, overfitting: more photos, {AUGMENT} or {LESS} would narrow it;",
    (0.29, True): f"of 29.0 points, overfitting: more photos, {AUGMENT}, {FEWER} or {LESS} would narrow it;",
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
        "they are right more often and surer than right, which the temperature of 1.250 mends",
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


CALIBRATED = {
    UNFITTED: "but may be surer than right, which too few validation photos for a temperature leave as it is",
    AS_THEY_ARE: "and no surer than right, but further off where they are wrong",
    UNSURE: "and no surer than right, but further off where they are wrong",
}


@pytest.mark.parametrize("found", CALIBRATED)
def test_what_is_said_of_the_loss_agrees_with_the_calibration(found: Temperature) -> None:
    words = said(0.72, 0.7, SOLVED, (1, 0.4, 0.852), temperature=found)
    assert words.endswith(f"they are right more often {CALIBRATED[found]}")
    assert ("its answers do not overfit, its probabilities may;" in words) == (found == UNFITTED)


ADVICE = {
    "a solved head": (settings("head"), "more photos"),
    "a head that is trained": (
        settings({"name": "head", "solver": "epochs"}),
        f"more photos, {AUGMENT} or {FEWER}",
    ),
    "gradual": (
        settings("gradual"),
        f"more photos, {AUGMENT}, {FEWER} or training less of the backbone (--method head)",
    ),
    "phases say how long": (
        settings({"name": "gradual", "phases": [{"epochs": 2}]}),
        f"more photos, {AUGMENT} or training less of the backbone (--method head)",
    ),
    "strong already, one epoch": (
        settings("lora", augment={"strength": "strong"}, epochs=1),
        "more photos or training less of the backbone (--method head)",
    ),
    "nothing was trained": (settings(epochs=0), "more photos"),
}


@pytest.mark.parametrize("case", ADVICE)
def test_advice_names_neither_what_was_given_nor_what_has_no_effect(case: str) -> None:
    of, words = ADVICE[case]
    rows = (SOLVED, (1, 0.4, 0.852)) if of.epochs and case != "a solved head" else (SOLVED,)
    first = said(0.99, 0.7, *rows, of=of).partition("; ")[0]
    assert first.endswith(f"a gap of 29.0 points, overfitting: {words} would narrow it")


def test_a_blend_has_no_settings_that_would_narrow_its_gap() -> None:
    assert verdict((0.99, 0.7), 500, UNFITTED).endswith("overfitting: more photos would narrow it")


def test_a_solved_head_alone_has_no_course() -> None:
    assert said(1.0, 0.97, SOLVED).endswith("a gap of 3.0 points, no sign of overfitting")
    assert verdict((0.9, 0.88), 500, AS_THEY_ARE).endswith("a gap of 2.0 points, no sign of overfitting")


def test_no_verdict_contradicts_itself() -> None:
    losses, hits, gaps = (0.2, 0.3, 0.31, 0.5), (0.7, 0.8, 0.9), (0.0, 0.1, 0.3)
    seen = set()
    for gap, a, b, x, y, found in product(gaps, losses, losses, hits, hits, (TOO_SURE, UNFITTED, AS_THEY_ARE, UNSURE)):
        history = [epoch(0, a, x), epoch(1, b, y)]
        words = verdict((0.6 + gap, 0.6), 500, found, settings(), history, best(history))
        healthy, more = "no sign of overfitting" in words, "more epochs may still help" in words
        assert not (healthy and ("surer than right, which" in words or "begins to overfit" in words))
        assert ("mends" in words) <= (found == TOO_SURE), "only a fitted temperature above 1 makes answers less sure"
        assert not (found in (AS_THEY_ARE, UNSURE) and ("probabilities" in words or "begins to overfit" in words))
        assert not (more and ("fewer" in words or best(history).epoch == 0))
        assert ("epochs after it did not help" in words) <= (best(history).epoch == 0)
        assert words.count("kept are the weights of") == 1
        seen.add((healthy, more))
    assert len(seen) == 4, "the table reaches every case"
