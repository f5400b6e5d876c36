"""Where the photos of runs are now, and what is said of those that moved."""

from __future__ import annotations

import shutil
from pathlib import Path

from visionft.runs import Run
from visionft.workflows.located_photos import locate_runs, notes_of


def test_photos_in_their_place_need_no_word(trained: Path) -> None:
    runs, found = locate_runs({"": Run.open(trained)}, None, ("validation",))
    assert notes_of(found) == []
    assert len(runs[""].manifest().rows("validation")) == 10
    assert len(runs[""].manifest().rows("train")) == 0


def test_moved_photos_are_found_by_their_bytes_and_lost_ones_are_counted(
    trained: Path, shapes: Path, tmp_path: Path
) -> None:
    moved = Path(shutil.copytree(shapes, tmp_path / "moved"))
    run = Run.open(trained)
    lost = run.manifest().rows("validation").paths[0]
    (moved / lost).unlink()
    runs, found = locate_runs({"shoes": run}, moved, ("validation",))
    assert len(runs["shoes"].manifest().rows("validation")) == 9
    assert runs["shoes"].manifest().root == moved
    notes = notes_of(found)
    assert notes
    assert all(note.startswith("shoes: ") for note in notes)
    assert notes[-1] == f"shoes: {found['shoes'].account}"
    assert (found["shoes"].account.asked, found["shoes"].account.measured) == (10, 9)
