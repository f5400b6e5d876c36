"""What there is to learn from, in a few lines."""

from __future__ import annotations

from pathlib import Path

from tests.data.test_manifest import manifest
from visionft.data.summary import set_aside, summary
from visionft.photos import Quarantined


def test_counts_products_and_notes_are_said() -> None:
    said = str(summary(manifest()))
    assert said.splitlines()[0] == "3 photos of 2 classes: 2 train, 1 validation"
    assert "1 product: the photos of one stay together where sides were drawn" in said
    brief = summary(manifest()).brief
    assert brief.splitlines()[0] == "3 photos of 2 classes: 2 train, 1 validation"
    assert len(brief) < len(said)


def test_the_quarantine_is_counted_by_reason_and_what_was_asked_for_is_named() -> None:
    entries = [Quarantined(f"{n}.jpg", "truncated") for n in range(2)] + [Quarantined(".git", "hidden folder")]
    assert set_aside(entries, ["0.jpg", "1.jpg"], Path("run/data.json")) == [
        "3 entries in quarantine: 2 truncated and 1 hidden folder (0.jpg and 1.jpg); the whole list is in run/data.json"
    ]
    assert set_aside(entries[2:]) == ["1 entry in quarantine: 1 hidden folder"]
    assert set_aside([]) == []


def test_many_missed_photos_are_three_and_a_number() -> None:
    missed = [f"{n}.jpg" for n in range(5)]
    [line] = set_aside([Quarantined(path, "truncated") for path in missed], missed)
    assert "(0.jpg, 1.jpg, 2.jpg and 2 more)" in line
