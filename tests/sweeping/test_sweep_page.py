"""sweep.html: every trial with its interval, charts, and nothing that is asked of any network."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

from visionft.sweeping.differences import Difference
from visionft.sweeping.search_space import dimensions
from visionft.sweeping.sweep_page import FACTS, write_page
from visionft.sweeping.sweep_plan import SweepPlan
from visionft.sweeping.sweep_result import DONE, FAILED, DrawRow, SweepResult, TrialRow


def test_the_page_shows_all_and_asks_for_nothing(tmp_path: Path) -> None:
    plan = SweepPlan(tmp_path, {"photos": "<b>p</b>"}, dimensions("lr=1e-4..1e-1,method=full,lora"), 3, "none", 1)
    rows = [
        TrialRow(number, {"method.name": "full", "optim.lr": f"{rate}"}, None, DONE, score, (score - 0.1, score + 0.1))
        for number, rate, score in ((1, 1e-3, 0.8), (2, 1e-2, 0.6))
    ]
    failed = TrialRow(3, {"method.name": "lora"}, None, FAILED, sentence="no <script> fits")
    draws = [DrawRow(row.settings, (row,)) for row in (*rows, failed)]
    draws[1] = replace(draws[1], behind=Difference(0.2, 0.1, 0.3))
    result = SweepResult(tmp_path, plan.score, tuple(draws), test=0.75)
    text = write_page(plan, result).read_text(encoding="utf-8")
    assert text.count("<svg") == 2
    assert "70.0% to 90.0%" in text
    assert "10.0 to 30.0 points, more than chance" in text
    assert "no &lt;script&gt; fits" in text
    assert "The best run on the test split: top-1 75.00%." in text
    assert "<script" not in text
    assert not re.search(r"(src|href)=", text.replace('xlink:href="#', "").replace(' href="#', ""))
    assert json.loads((tmp_path / FACTS).read_text())["test_top1"] == 0.75


def test_a_page_without_any_score_has_no_charts(tmp_path: Path) -> None:
    plan = SweepPlan(tmp_path, {"photos": "p"}, dimensions("lr=1e-4..1e-1"), 1, "none", 1)
    failed = TrialRow(1, {"optim.lr": "0.1"}, None, FAILED, sentence="no")
    result = SweepResult(tmp_path, plan.score, (DrawRow(failed.settings, (failed,)),))
    assert "<svg" not in write_page(plan, result).read_text(encoding="utf-8")
