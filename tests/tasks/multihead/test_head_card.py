"""The card names the heads with their figures and how to call the file."""

from __future__ import annotations

from visionft.bundle.schema import BundleRecord
from visionft.tasks.multihead.head_card import card


def test_the_card_names_every_head(record: BundleRecord) -> None:
    val = {"n": 4, "top1": 0.7, "all_right": 0.5, "heads": {"a": {"top1": 0.75}, "b": None}}
    told = card(
        record.model_copy(
            update={
                "classes": ("a=x", "a=y", "b=u", "b=v", "b=w"),
                "figures": {"training": {"val": val}},
                "parity": {
                    "n": 4,
                    "max_probability_difference": 1e-6,
                    "near_ties": 0,
                    "by_head": {"a": 1e-6, "b": 0.0},
                },
            }
        )
    )
    assert "a (2), b (3)" in told.splitlines()[0]
    assert "One pass answers one class of each of 2 heads." in told
    assert "top-1 a 0.7500, b none; on average 0.7000, and 0.5000 of the photos have all of them right" in told
    assert "have a column for each head, in the order a, b." in told
    assert "probabilities at most 1e-06 apart (a 1e-06, b 0)" in told
