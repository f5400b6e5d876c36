"""Which classes look like nodes of a taxonomy, and what the task says of itself."""

from __future__ import annotations

import pytest

from visionft.tasks.hierarchical.spec import SPEC


@pytest.mark.parametrize(
    ("names", "told"),
    [
        (["Fruit", "Fruit/Apple"], "'Fruit' is a class and lies above 'Fruit/Apple'"),
        (["b/c/d", "b/c", "a"], "'b/c' is a class and lies above 'b/c/d'"),
        (["b", "b/c", "a", "a/z"], "'a' is a class and lies above 'a/z'"),  # the first in plain string order
        (["Fruit/Apple", "Fruit/Pear"], None),  # folders in folders, of which one level is learnt
        (["a", "a/b/c"], None),  # the level between is no class
        (["a", "ab", "a b"], None),
        (["/a", "b"], None),
        ([], None),
    ],
)
def test_classes_that_lie_below_others_are_a_taxonomy(names: list[str], told: str | None) -> None:
    said = SPEC.suits(names)
    assert said == (None if told is None else f"{told}: to learn both levels of such a taxonomy")


def test_the_best_epoch_is_the_one_of_the_highest_score_and_then_of_the_least_loss() -> None:
    assert SPEC.score.column == "val_top1"
    assert SPEC.score.spoken(0.5) == "top-1 50.00%"
    assert SPEC.score.key(0.6, 2.0) > SPEC.score.key(0.5, 1.0)
    assert SPEC.score.key(0.5, 1.0) > SPEC.score.key(0.5, 2.0)


def test_it_answers_with_a_confidence_and_has_no_queries() -> None:
    assert "confidence" in SPEC.stages
    assert not SPEC.stages & {"queries", "prototypes", "long_tail"}
    assert (SPEC.losses[0], SPEC.heads[0], SPEC.several, SPEC.projects) == ("marginal", "linear", False, False)
