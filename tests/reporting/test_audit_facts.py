"""What a run's page says of its photos: by its own records, and by an audit that was made or followed."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.reporting.reading import Page
from tests.resealing import reseal
from visionft.reporting import report_run
from visionft.reporting.audit_facts import audit_facts
from visionft.runs import Run, layout

LABEL = {
    "kind": "label", "words": "'disc' has probability 0.02", "photos": ["disc/00.jpg"], "confidence": 0.98,
    "figure": 0.02, "suggestions": [],
}  # fmt: skip
BLURRED = {"kind": "blurred", "words": "sharpness 3", "photos": [f"disc/{n:02}.jpg" for n in range(9)]}


@pytest.fixture
def run(trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(tmp_path)
    return Run.open(shutil.copytree(trained, tmp_path / "run"))


def audited(run: Run, folder: Path, **other: Any) -> Path:
    """Write the record of an audit of the run's photos."""
    source = json.loads((run.path / layout.DATA).read_text())["source"]
    folder.mkdir(parents=True)
    record = {"photos": source, "findings": [LABEL, *[BLURRED] * 7], **other}
    (folder / "audit.json").write_text(json.dumps(record))
    return folder


def follow(run: Run, file: Path) -> None:
    record = json.loads((run.path / layout.DATA).read_text())
    record["suggestions"] = {"file": str(file), "sha256": "0" * 64, "applied": {"drop": 2, "relabel": 1}}
    (run.path / layout.DATA).write_text(json.dumps(record))
    reseal(run.path)


def test_the_records_alone_find_nothing_wrong_with_sound_photos(run: Run) -> None:
    found = audit_facts(run)
    assert found == {"quick": [], "made": None, "folder": None, "problem": None, "applied": None}
    page = Page(report_run(run).read_text(encoding="utf-8"))
    assert "The records of the run show nothing wrong" in page.text
    assert "visionft audit" in page.text


def test_an_audit_that_was_made_is_told(run: Run) -> None:
    folder = audited(run, Path("audits") / "shapes")
    found = audit_facts(run)
    assert found["folder"] == str(folder)
    label, blurred = found["made"]
    assert (label["kind"], label["number"], label["grave"]) == ("label", 1, True)
    assert (blurred["number"], len(blurred["examples"])) == (7, 5)
    assert blurred["examples"][0] == {"words": "sharpness 3", "photos": BLURRED["photos"][:4], "more": 5}
    page = Page(report_run(run).read_text(encoding="utf-8"))
    assert page.row("likely label errors")[1] == "1"
    assert "The first 5 of 7." in page.text


def test_an_audit_that_was_followed_is_told_with_what_was_done(run: Run, tmp_path: Path) -> None:
    folder = audited(run, tmp_path / "elsewhere")
    follow(run, folder / "suggestions.csv")
    found = audit_facts(run)
    assert found["folder"] == str(folder)
    assert found["applied"]["counts"] == {"drop": 2, "relabel": 1}
    text = Page(report_run(run).read_text(encoding="utf-8")).text
    assert f"The run followed {folder / 'suggestions.csv'}: 2 drop, 1 relabel." in text
    assert "It is of the photos as they were before the run followed it." in text


def test_an_audit_of_other_photos_or_a_damaged_one_is_not_taken_for_theirs(run: Run) -> None:
    folder = audited(run, Path("audits") / "shapes", photos="/elsewhere")
    assert audit_facts(run)["made"] is None
    (folder / "audit.json").write_text("{")
    found = audit_facts(run)
    assert found["made"] is None
    assert found["problem"].endswith("run `visionft audit` again")
    assert "run `visionft audit` again" in Page(report_run(run).read_text(encoding="utf-8")).text
