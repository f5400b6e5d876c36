"""What an audit found, as doubts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from visionft.auditing import Finding, read_audit
from visionft.data import Suggestion
from visionft.errors import DataError
from visionft.reviewing.audit_findings import doubts_of

LABELS = {"hat/a": "hat", "hat/b": "hat", "cap/c": "cap"}


def doubts(*findings: Finding) -> list[tuple[Any, ...]]:
    plain = [finding.to_json() for finding in findings]
    found = doubts_of(json.loads(json.dumps(plain)), LABELS)
    return [(doubt.path, doubt.kind, doubt.worth, doubt.proposed, doubt.sure, doubt.other) for doubt in found]


def test_a_suspect_label_has_the_class_that_is_proposed() -> None:
    advised = Suggestion("hat/a", "relabel", "cap", "label: x", 0.9)
    found = doubts(Finding("label", "x", ("hat/a",), 0.98, 0.02, (advised,)))
    assert found == [("hat/a", "label", (0.98,), "cap", 0.9, "")]


def test_one_picture_under_two_labels_asks_about_each_beside_the_other() -> None:
    assert doubts(Finding("two-labels", "x", ("hat/a", "hat/b", "cap/c"), 0.95)) == [
        ("hat/a", "label", (0.95,), "cap", None, "cap/c"), ("hat/b", "label", (0.95,), "cap", None, "cap/c"),
        ("cap/c", "label", (0.95,), "hat", None, "hat/a"),
    ]  # fmt: skip


def test_of_copies_all_but_the_one_that_stays_are_asked_about() -> None:
    kept = Suggestion("hat/a", "keep-one", "hat/b")
    found = doubts(Finding("copy", "x", ("hat/a", "hat/b"), 1.0, 1.0, (kept,)))
    assert found == [("hat/a", "duplicate", (1.0,), "", None, "hat/b")]
    assert doubts(Finding("near-duplicate", "x", ("hat/a", "hat/b"), 0.5, 0.4)) == [
        ("hat/b", "duplicate", (0.4,), "", None, "hat/a")
    ]


def test_faults_and_what_is_not_there() -> None:
    assert doubts(Finding("blank", "flat", ("cap/c",), 0.7), Finding("unreadable", "torn", ("hat/x",))) == [
        ("cap/c", "fault", (0.7,), "", None, "")
    ]
    assert doubts(Finding("copy", "x", ("gone/1", "hat/a"), 1.0, 1.0), Finding("alike", "x")) == []


@pytest.mark.parametrize("text", ["{", "[]", '{"findings": 3}', '{"findings": [{"kind": 1, "photos": []}]}', "{}"])
def test_a_damaged_record_is_one_sentence(tmp_path: Path, text: str) -> None:
    (tmp_path / "audit.json").write_text(text)
    with pytest.raises(DataError, match=r"audit.json (cannot be read|is no record of an audit).*run `visionft audit`"):
        read_audit(tmp_path)


def test_of_a_collage_the_collage_is_asked_about_beside_a_photo_in_it() -> None:
    assert doubts(Finding("collage", "shows 2", ("hat/a", "hat/b", "cap/c"), 0.7, 0.7)) == [
        ("hat/a", "duplicate", (0.7,), "", None, "hat/b")
    ]
    assert doubts(Finding("collage", "shows 1", ("hat/gone", "hat/b"), 0.7, 0.7)) == []
