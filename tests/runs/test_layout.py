"""The run folder: names that other programs rely on, and which version keeps digests."""

from __future__ import annotations

from typing import Any

import pytest

from visionft.runs import layout


@pytest.mark.parametrize(
    ("environment", "keeps"),
    [
        ({}, False),
        ({"run_layout": 1}, False),
        ({"run_layout": 2}, True),
        ({"run_layout": 9}, True),
        ({"run_layout": "2"}, True),
    ],
)
def test_runs_of_the_first_version_have_no_digests(environment: dict[str, Any], keeps: bool) -> None:
    assert layout.keeps_digests(environment) is keeps


def test_what_every_run_has_is_part_of_what_a_finished_one_has() -> None:
    assert layout.RECORDS < layout.UNTRAINED < layout.FINISHED
    assert layout.RECORDS < layout.BLENDED < layout.FINISHED
    assert layout.PAGE < layout.REPORTED
    assert not layout.FINISHED & layout.REPORTED
    assert layout.BEST not in layout.FINISHED
