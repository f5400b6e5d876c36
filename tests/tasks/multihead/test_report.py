"""A page shows each answer of each photo by itself."""

from __future__ import annotations

import numpy as np
import pytest

import visionft as vft
from visionft.runs import layout
from visionft.tasks.multihead.head_layout import Heads
from visionft.tasks.multihead.head_temperatures import HeadPostprocess
from visionft.tasks.multihead.heads_table import heads_table
from visionft.tasks.multihead.report import REPORT

HEADS = Heads(["a=x", "a=y", "b=u", "b=v"])
LOGITS = np.log(np.array([[0.8, 0.2, 0.3, 0.7], [0.6, 0.4, 0.9, 0.1]], np.float32))


def test_a_known_label_is_a_row() -> None:
    table = heads_table(["p", "q"], LOGITS, np.array([[0, 0], [-1, 0]]), HeadPostprocess.by(HEADS, {}))
    rows = REPORT.answers(table).to_pylist()
    assert [(row["path"], row["truth"], row["label"], row["correct"]) for row in rows] == [
        ("p", "a=x", "a=x", True), ("p", "b=u", "b=v", False), ("q", "b=u", "b=u", True),
    ]  # fmt: skip
    assert rows[1]["truth_probability"] == pytest.approx(0.3)


def test_the_page_has_every_heads_figures_and_no_counts_that_nobody_made(grown: vft.Run) -> None:
    page = (grown.path / layout.REPORT).read_text()
    for words in ("mean top-1 of the heads", "all right at once", '<th scope="row">half</th>', "kind=stripes"):
        assert words in page
    assert '<th scope="col" class="n">training photos</th>' not in page
