"""An advice as lines, as a table of HTML and as JSON."""

from __future__ import annotations

import json

import pytest

from tests.advising.test_recommendation import ALL, FULL, LOOK, REFUSED
from visionft.advising.advice import HEADINGS, Advice, aligned, cells, disturbed
from visionft.advising.recommendation import recommend

ROWS = [row for row in ALL if row.method != "lora"] + [REFUSED]
ADVICE = Advice(LOOK, tuple(ROWS), recommend(LOOK, ROWS), 20, 0.1)


def test_columns_are_aligned_figures_to_the_right_and_words_to_the_left() -> None:
    assert aligned([("method", "MB", "fit"), ("a", "1,000", "x"), ("full", "9", "yes")]) == [
        "  method     MB  fit",
        "  a       1,000  x",
        "  full        9  yes",
    ]


def test_a_row_in_words() -> None:
    assert cells(FULL) == ("full", "0.0", "2,000", "0.0", "5,500,000", "22.00", "10 minutes, 4 epochs")
    assert [len(cells(row)) for row in ALL] == [len(HEADINGS)] * len(ALL)
    assert cells(ALL[2])[5] == "1.20 own file"


def test_a_quiet_machine_needs_no_warning() -> None:
    assert disturbed(0.49) == []
    [line] = disturbed(0.5)
    assert line.startswith("  the machine was busy (0.5 processes a core before this began): speeds and times hold")


def test_it_says_what_is_known_what_each_costs_and_which_to_take() -> None:
    lines = str(ADVICE).splitlines()
    assert lines[0] == "frozen vit on 341 validation photos, nothing trained:"
    assert lines[2] == "  logistic regression           86.5%  95 % interval 82.5% to 89.7%"
    assert "  lora: the backbone has no such layers" in lines
    assert lines[-1] == f"recommended: {ADVICE.method}: {ADVICE.recommendation.reason}"
    assert "busy" not in str(ADVICE)


def test_a_refused_method_has_no_figures_in_json() -> None:
    told = json.loads(json.dumps(ADVICE.to_json()))
    [refused] = [row for row in told["rows"] if row["method"] == "lora"]
    assert {name for name, value in refused.items() if value is not None} == {"method", "refusal"}
    assert told["first_look"]["probe_interval"] == pytest.approx(LOOK.interval(0.865))
    assert told["recommendation"]["method"] == ADVICE.method


def test_a_notebook_shows_names_as_text() -> None:
    page = ADVICE._repr_html_()
    assert page.count("<tr>") == 1 + len(ROWS)
    assert "<td>lora</td><td colspan=6>the backbone has no such layers</td>" in page
