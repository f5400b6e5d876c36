"""An audit as a value: printed, in a notebook, as JSON."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pytest

from visionft.auditing.audit import Audit
from visionft.auditing.findings import Finding
from visionft.data import QuickAudit
from visionft.data.sources.listing import COLUMNS, Listing
from visionft.data.suggestions import Suggestion


@pytest.fixture
def audit() -> Audit:
    table = pa.table(
        {"path": ["a", "b"], "label": ["hat", "shoe"], "split": [None, None], "group": [None, None]}, COLUMNS
    )
    findings = (
        Finding("blank", "hardly any contrast", ("a",), suggestions=(Suggestion("a", "drop"),)),
        Finding("copy", "2 copies", ("a", "b"), suggestions=(Suggestion("b", "keep-one", "a"),)),
        Finding("blank", "none at all", ("b",)),
        Finding("drift", "x" * 200),
    )
    return Audit(
        Path("<b>shop"), QuickAudit(Path("shop"), Listing(Path("shop"), table), opened=True), Path("shop"), findings,
        (), {"photos": 2, "notes": ["something odd"]},
    )  # fmt: skip


def test_kinds_are_counted_in_their_order(audit: Audit) -> None:
    assert list(audit.counts.items()) == [("copy", 1), ("blank", 2), ("drift", 1)]


def test_it_says_one_example_a_kind_cut_where_it_is_long(audit: Audit) -> None:
    lines = str(audit).splitlines()
    assert lines[0] == "2 files of 2 classes"
    assert "note: something odd" in lines
    at = lines.index("found, the gravest first:")
    assert lines[at + 1 : at + 3] == [
        "  exact copies  1  a = b: 2 copies",
        "  blank photos  2  a: hardly any contrast",
    ]
    assert lines[at + 3] == f"  drift         1  {'x' * 107}..."
    assert lines[at + 4] == "suggestions: 1 drop and 1 review", "none is left out in favour of one that is left out"


def test_where_nothing_was_found_that_is_said(audit: Audit) -> None:
    sound = Audit(
        audit.photos, audit.overview, audit.root, (), (), verdict="no need to train again", out=Path("audits")
    )
    assert str(sound).splitlines()[-3:] == [
        "nothing was found",
        "no need to train again",
        "written: audits/ with audit.html, audit.json and suggestions.csv",
    ]


def test_it_is_plain_in_json_and_escaped_in_a_notebook(audit: Audit) -> None:
    told = json.loads(json.dumps(audit.to_json()))
    assert (told["found"], told["suggestions"], told["out"]) == (audit.counts, {"drop": 1, "review": 1}, None)
    assert len(told["findings"]) == 4
    page = audit._repr_html_()
    assert "&lt;b&gt;shop" in page
    assert "<td>blank photos</td><td>2</td>" in page
