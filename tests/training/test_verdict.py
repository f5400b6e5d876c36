"""Overfitting is said in words, and the words fit the figures."""

from visionft.training.history import Epoch, best
from visionft.training.verdict import verdict


def epoch(number: int, loss: float, top1: float = 0.8) -> Epoch:
    return Epoch(number, 1, number * 10, 1e-4, 0.5, loss, top1, 1.0, 10.0)


def test_small_gap_is_no_sign_of_overfitting() -> None:
    assert "no sign of overfitting" in verdict(0.93, 0.90, 500, [epoch(1, 0.4), epoch(2, 0.3)], epoch(2, 0.3))


def test_wide_gap_is_overfitting_and_says_what_to_do() -> None:
    sentence = verdict(0.99, 0.70, 500, [epoch(1, 0.4)], epoch(1, 0.4))
    assert "a gap of 29.0 points, overfitting" in sentence
    assert "--augment.strength" in sentence


def test_rising_validation_loss_names_the_epoch_of_the_least() -> None:
    sentence = verdict(0.9, 0.88, 500, [epoch(1, 0.5), epoch(2, 0.3), epoch(3, 0.4)], epoch(2, 0.3))
    assert "least after epoch 2 (0.3000) and rose to 0.4000" in sentence
    assert "kept are the weights of epoch 2" in sentence


def test_least_loss_in_the_last_epoch_invites_more() -> None:
    assert "more epochs may still help" in verdict(0.9, 0.88, 500, [epoch(1, 0.5), epoch(2, 0.3)], epoch(2, 0.3))


def test_a_solved_head_alone_is_not_told_to_train_longer() -> None:
    sentence = verdict(1.0, 0.97, 500, [epoch(0, 0.2)], epoch(0, 0.2))
    assert sentence.endswith("no sign of overfitting")


def test_best_is_by_top1_and_then_by_loss() -> None:
    rows = [epoch(0, 0.2, 0.8), epoch(1, 0.5, 0.9), epoch(2, 0.4, 0.9), epoch(3, 0.1, 0.85)]
    assert best(rows).epoch == 2
