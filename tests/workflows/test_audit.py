"""What an audit is asked, and where it writes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from visionft import auditing
from visionft.errors import RunError, UsageError
from visionft.workflows import audit, quick_audit


@pytest.fixture
def looked(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Return what the work was asked; it finds nothing here."""
    calls: list[Any] = []

    def noted(photos: Path, listing: Any, settings: Any, look: Any, *, labelled: bool) -> Any:
        calls.append((photos, listing.table.num_rows, settings, look, labelled))
        return "found"

    monkeypatch.setattr("visionft.auditing.audit_photos.audit_photos", noted)
    monkeypatch.setattr(auditing, "write", lambda found, folder, marked: (found, folder, marked))
    return calls


def test_it_is_written_beside_the_photos_name_unless_it_is_told(
    looked: list[Any], shapes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert audit(shapes) == ("found", Path("audits/shapes"), set())
    assert audit(shapes, out=tmp_path / "x") == ("found", tmp_path / "x", set())
    assert audit(shapes, out=None) == "found"
    photos, rows, settings, look, labelled = looked[0]
    assert (photos, rows, labelled) == (shapes, 60, True)
    assert settings.layout == "auto"
    assert look.threshold == auditing.THRESHOLD


def test_marks_and_settings_reach_the_work(looked: list[Any], shapes: Path, tmp_path: Path) -> None:
    (tmp_path / "marked.csv").write_text("first,second\ndisc/00.jpg,disc/01.jpg\n")
    _, _, marked = audit(
        shapes, out=tmp_path / "x", not_duplicates=tmp_path / "marked.csv", threshold=0.5, **{"data.depth": 1}
    )
    assert marked == {("disc/00.jpg", "disc/01.jpg")}
    _, _, settings, look, _ = looked[0]
    assert (settings.depth, look.threshold) == (1, 0.5)


@pytest.mark.parametrize("threshold", [0, -0.5, 1.01])
def test_a_likeness_out_of_range_is_refused(looked: list[Any], shapes: Path, threshold: float) -> None:
    with pytest.raises(UsageError, match=f"threshold is {threshold:g}; give a likeness above 0, up to 1"):
        audit(shapes, threshold=threshold)
    assert looked == []


def test_what_is_no_run_and_what_is_no_folder_of_an_audit_are_refused_before_the_work(
    looked: list[Any], shapes: Path, tmp_path: Path
) -> None:
    with pytest.raises(RunError, match="there is no run or bundle at"):
        audit(shapes, against=tmp_path / "gone")
    (tmp_path / "thesis.tex").touch()
    with pytest.raises(UsageError, match=r"holds other files \(thesis\.tex\)"):
        audit(shapes, out=tmp_path)
    assert looked == []


def test_a_quick_audit_opens_no_photo(shapes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("visionft.photos.decoder.decode", lambda *_, **__: pytest.fail("opened"))
    assert quick_audit(shapes).counts == {"photos": {"disc": 20, "square": 20, "stripes": 20}}
    assert not quick_audit(shapes).opened
