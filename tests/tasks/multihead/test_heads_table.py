"""A row a photo tells every head, and of the photo as a whole what its truth knows."""

from __future__ import annotations

import numpy as np
import pytest

from visionft.tasks.multihead.head_layout import Heads
from visionft.tasks.multihead.head_temperatures import HeadPostprocess
from visionft.tasks.multihead.heads_table import heads_table

HEADS = Heads(["a=x", "a=y", "b=u", "b=v"])
LOGITS = np.log(np.array([[0.8, 0.2, 0.3, 0.7], [0.6, 0.4, 0.9, 0.1]], np.float32))


def test_a_row_tells_every_head() -> None:
    rows = heads_table(["p", "q"], LOGITS, np.array([[0, 0], [-1, 0]]), HeadPostprocess.by(HEADS, {})).to_pylist()
    first, second = rows
    assert (first["truth"], first["label"], first["correct"]) == ("a=x|b=u", "a=x|b=v", False)
    assert (second["truth"], second["label"], second["correct"]) == ("b=u", "b=u", True)
    assert first["probability"] == pytest.approx(0.8 * 0.7)
    assert first["truth_probability"] == pytest.approx(0.8 * 0.3)
    assert second["probability"] == pytest.approx(0.9), "of what is known alone"
    assert (second["a_truth"], second["a_label"], second["a_truth_probability"]) == (None, "x", 1)
    assert second["a_probability"] == pytest.approx(0.6)
