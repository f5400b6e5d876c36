"""Where the photos of runs are now, and what is said of those that moved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from visionft.workflows.remote_photos import local_place
from visionft.workflows.run_or_bundle import place_of

if TYPE_CHECKING:
    from visionft.data import Located
    from visionft.runs import Run


def locate_runs(
    runs: Mapping[str, Run], place: str | Path | None, splits: Sequence[str]
) -> tuple[dict[str, Run], dict[str, Located]]:
    """Return the runs with the photos of some splits alone, those that are as they were, and their accounts."""
    from visionft.data import locate

    where = place_of(place, "--data")
    where = None if where is None else local_place(where)
    found = {name: locate(run.manifest(), splits, run.settings.data, where) for name, run in runs.items()}
    return {name: replace(run, photos=found[name].manifest) for name, run in runs.items()}, found


def notes_of(located: Mapping[str, Located]) -> list[str]:
    """Say where photos moved to, and which are gone or changed."""
    notes = []
    for name, found in located.items():
        of = f"{name}: " if name else ""
        notes += [f"{of}{found.note}"] if found.note else []
        notes += [f"{of}{found.account}"] if found.account.left_out else []
    return notes
