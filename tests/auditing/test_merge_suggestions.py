"""From findings to one suggestion a photo."""

from __future__ import annotations

from visionft.auditing.findings import Finding
from visionft.auditing.merge_suggestions import merge_suggestions
from visionft.data.suggestions import Suggestion


def test_of_several_suggestions_the_one_that_changes_most_stands_and_none_keeps_what_is_dropped() -> None:
    rows = [
        Finding("blurred", "", ("a",), suggestions=(Suggestion("a", "review"),)),
        Finding("blank", "", ("a",), suggestions=(Suggestion("a", "drop"),)),
        Finding("copy", "", ("a", "b"), suggestions=(Suggestion("b", "keep-one", "a"),)),
    ]
    assert [(each.path, each.action) for each in merge_suggestions(rows)] == [("a", "drop"), ("b", "review")]


def test_they_come_in_order_of_paths_and_of_equal_ones_the_graver_kind_s_stands() -> None:
    findings = [
        Finding("drift", "", suggestions=(Suggestion("b", "review", "", "by drift", 0.5),)),
        Finding("label", "", suggestions=(Suggestion("b", "review", "", "by label", 0.5),)),
        Finding("blank", "", suggestions=(Suggestion("a", "drop", "", "blank", 1.0),)),
    ]
    assert [(each.path, each.reason) for each in merge_suggestions(findings)] == [("a", "blank"), ("b", "by label")]
    assert merge_suggestions([]) == ()
