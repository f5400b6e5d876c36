"""What was trained here: the runs of a folder as a table."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from visionft.errors import RunError
from visionft.workflows.run_or_bundle import place_of

if TYPE_CHECKING:
    from visionft.runs.run_list import RunList

FOLDER = "runs"
"""Where fit puts its runs unless told otherwise."""


def list_runs(folder: str | Path = FOLDER) -> RunList:
    """List the runs below a folder with their figures and the command that comes next; torch is not imported.

    Args:
        folder: a folder of runs, searched three levels deep, or a run itself.

    Returns:
        A row a run, sorted by name: finished or not, its task, method and backbone, its figures. A damaged run is a
        row too, with what is wrong with it.

    Raises:
        RunError: there is no such folder.
    """
    place = place_of(folder, "the folder of runs") or Path()
    if not place.is_dir():
        wrong = "is not a folder" if place.exists() else "does not exist"
        raise RunError(f"the folder of runs {place} {wrong}; give the one that holds what `visionft fit` wrote")
    from visionft.runs.run_list import list_runs as found_below

    return found_below(place)
