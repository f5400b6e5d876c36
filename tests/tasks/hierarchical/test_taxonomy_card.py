"""The model card of a taxonomy."""

from __future__ import annotations

from typing import Any

import pytest

from visionft.bundle.schema import BundleRecord
from visionft.tasks.hierarchical.sure_level import PRECISION
from visionft.tasks.hierarchical.taxonomy_card import card

NODES = ("a", "a/x", "a/x/1", "a/x/2", "b")


@pytest.fixture(scope="session")
def record(record: BundleRecord) -> BundleRecord:
    """Return the bare record with the nodes of a tree."""
    return record.model_copy(update={"classes": NODES})


def with_(record: BundleRecord, **changes: Any) -> str:
    return card(record.model_copy(update=changes))


def test_a_bare_record_says_what_it_is_and_what_was_not_measured(record: BundleRecord) -> None:
    text = with_(record, backbone="vit*x")
    assert text.startswith("# vit\\*x: a taxonomy of 3 leaves in 3 levels\n")
    assert "None was measured: `visionft evaluate` does so." in text
    assert "The leaves, in the order of `probabilities` and `logits`, are the nodes 2, 3, 4." in text
    assert [line for line in text.splitlines() if line.startswith("## ")] == [
        "## Figures",
        "## The answer",
        "## Call it",
        "## Nodes",
        "## The exported file",
        "## Licence and provenance",
    ]


def test_the_code_on_the_card_is_python(record: BundleRecord) -> None:
    code = card(record).partition("```python\n")[2].partition("```")[0]
    compile(code, "card", "exec")
    assert 'Session("model.onnx")' in code


@pytest.mark.parametrize(("given", "told"), [(0.85, "0.85"), (None, f"{PRECISION:g}"), (1.0, "1")])
def test_the_confidence_is_the_one_that_the_graph_answers_by(
    record: BundleRecord, given: float | None, told: str
) -> None:
    text = with_(record, min_confidence=given, temperature=1.25)
    assert f"is the deepest node whose probability is at least {told}, " in text
    assert "divided by the temperature 1.25 before" in text


def test_figures_are_told_level_by_level_and_the_proof_with_them(record: BundleRecord) -> None:
    sure = {"min_confidence": 0.9, "precision": None, "interval": None, "answered": 0.0}
    inner = {
        "n": 1200,
        "levels": [{"depth": 1, "accuracy": 0.75}, {"depth": 2, "accuracy": None}],
        "distance": 0.5,
        "sure": sure,
    }
    measured = {**sure, "precision": 0.5, "interval": [0.25, 0.75], "answered": 0.125}
    text = with_(
        record,
        figures={"training": {"val": inner, "seconds": 3}, "other": {**inner, "sure": measured}, "plain": {"n": 3}},
        parity={"n": 341, "max_probability_difference": 2e-6, "near_ties": 1, "max_parent_difference": 3e-7},
    )
    assert "- validation, 1,200 photos: accuracy level 1 0.7500, level 2 none; 0.500 edges from the truth" in text
    assert "sure from 0.9 up none are right (95 % interval none to none); 0.0% of the photos have one." in text
    assert "- other, 1,200 photos: " in text
    assert "up 0.5000 are right (95 % interval 0.2500 to 0.7500); 12.5% of the photos have one." in text
    assert "- plain" not in text  # it has no figures of levels
    assert "on 341 validation photos from their encoded bytes: probabilities at most 2e-06 apart, and 1 nodes" in text
    assert "Parents are at most 3e-07 off the sum of their children." in text
