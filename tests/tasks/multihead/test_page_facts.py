"""A page shows the classes of all heads side by side, and answers of one head never among those of another."""

from __future__ import annotations

import numpy as np
import pytest

from visionft.metrics import evaluate_logits
from visionft.tasks.multihead.page_facts import page_facts

A = evaluate_logits(np.array([[2.0, 0], [2, 0], [0, 2]]), np.array([0, 1, 1]), ("x", "y"))
B = evaluate_logits(np.array([[2.0, 0], [2, 0]]), np.array([0, 0]), ("u", "v"))


def test_rows_and_counts_stand_in_blocks() -> None:
    found = page_facts({"a": A, "b": B, "c": None})
    assert [row["name"] for row in found["per_class"]] == ["a=x", "a=y", "b=u", "b=v"]
    assert found["confusion"] == [[1, 0, 0, 0], [1, 1, 0, 0], [0, 0, 2, 0], [0, 0, 0, 0]]


def test_means_go_over_the_heads_that_were_measured() -> None:
    found = page_facts({"a": A, "b": B, "c": None})
    assert found["ece"] == pytest.approx((A.ece + B.ece) / 2)
    assert found["majority"]["top1"] == pytest.approx((2 / 3 + 1) / 2)
