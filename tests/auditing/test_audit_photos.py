"""A whole audit of a small catalogue with known faults."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

import visionft
from visionft.errors import DataError, UsageError


@pytest.fixture(scope="module")
def found(catalogue: Path, tmp_path_factory: pytest.TempPathFactory) -> visionft.Audit:
    return visionft.audit(catalogue, out=tmp_path_factory.mktemp("audits") / "shop")


def photos(audit: visionft.Audit, kind: str) -> list[tuple[str, ...]]:
    return [finding.photos for finding in audit.findings if finding.kind == kind]


def test_three_hats_among_the_pants_are_found(found: visionft.Audit) -> None:
    moved = {("pants/moved-0.jpg",), ("pants/moved-1.jpg",), ("pants/moved-2.jpg",)}
    assert moved <= set(photos(found, "label"))
    told = {each.path: each for each in found.suggestions}
    assert {(told[path].action, told[path].value) for (path,) in moved} == {("relabel", "hat")}


def test_each_planted_fault_is_named_and_nothing_else(found: visionft.Audit) -> None:
    assert photos(found, "copy") == [("hat/00.jpg", "hat/copied.jpg")]
    assert photos(found, "near-duplicate") == [("pants/05.jpg", "pants/edited.jpg")]
    assert photos(found, "blank") == [("pants/blank.jpg",)]
    assert photos(found, "unreadable") == [("hat/torn.jpg",)]
    assert found.counts.keys() == {"unreadable", "label", "copy", "near-duplicate", "blank"}


def test_the_files_of_an_audit_are_these_and_say_the_same(found: visionft.Audit) -> None:
    assert found.out is not None
    assert sorted(path.name for path in found.out.iterdir()) == [
        "audit.html", "audit.json", "near_duplicates.csv", "suggestions.csv",
    ]  # fmt: skip
    record = json.loads((found.out / "audit.json").read_text())
    assert record["found"] == found.counts
    assert record["findings"] == [finding.to_json() for finding in found.findings]
    assert record["threshold"] == found.facts["threshold"]
    assert "0 (different pictures) to 1 (the same)" in record["threshold_means"]


def test_the_page_holds_its_pictures_and_asks_nobody(found: visionft.Audit) -> None:
    assert found.out is not None
    html = (found.out / "audit.html").read_text()
    assert html.count("data:image/jpeg;base64,") >= 8
    assert not re.findall(r"https?://|<script|<link|@import|url\(", html)
    assert "Content-Security-Policy" in html
    assert "pants/moved-0.jpg" in html
    assert len(html) < 5_000_000


def test_an_audit_shows_itself_in_a_notebook(found: visionft.Audit) -> None:
    html = found._repr_html_()
    assert html.startswith("<table>")
    assert "<td>likely label errors</td><td>3</td>" in html


def test_a_pair_that_was_marked_is_never_shown_again(catalogue: Path, tmp_path: Path) -> None:
    out = tmp_path / "shop"
    first = visionft.audit(catalogue, out=out)
    assert photos(first, "near-duplicate")
    marked = tmp_path / "marked.csv"
    marked.write_text((out / "near_duplicates.csv").read_text())
    assert photos(visionft.audit(catalogue, out=out, not_duplicates=marked), "near-duplicate") == []
    again = visionft.audit(catalogue, out=out)
    assert photos(again, "near-duplicate") == []
    assert photos(again, "copy") == photos(first, "copy")


def test_a_mark_of_an_unknown_photo_is_refused_by_its_line(catalogue: Path, tmp_path: Path) -> None:
    marked = tmp_path / "marked.csv"
    marked.write_text("first,second\nhat/00.jpg,hat/02.jpg\nhat/00.jpg,hat/none.jpg\n")
    with pytest.raises(DataError, match=r"marked.csv line 3 names 'hat/none.jpg', which PHOTOS does not have"):
        visionft.audit(catalogue, out=None, not_duplicates=marked)
    marked.write_text("a,b\n")
    with pytest.raises(DataError, match="has no column first and second"):
        visionft.audit(catalogue, out=None, not_duplicates=marked)


def test_a_folder_with_other_files_is_refused_before_any_work(catalogue: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("x")
    with pytest.raises(UsageError, match=r"--out: .* holds other files \(mine.txt\); name an empty or new folder"):
        visionft.audit(catalogue, out=tmp_path)
    with pytest.raises(UsageError, match="is a file, not a folder"):
        visionft.audit(catalogue, out=tmp_path / "mine.txt")
    with pytest.raises(UsageError, match="threshold is 0; give a likeness above 0, up to 1"):
        visionft.audit(catalogue, out=None, threshold=0)


def test_photos_of_which_none_can_be_used_are_refused(tmp_path: Path) -> None:
    for label in ("hat", "cap"):
        (tmp_path / label).mkdir()
        (tmp_path / label / "a.jpg").write_bytes(b"no photo")
    with pytest.raises(DataError, match=r"none of the 2 photos of .* can be used; the first: cap/a.jpg"):
        visionft.audit(tmp_path, out=None)
