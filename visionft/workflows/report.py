"""The report of a run: one page for people, and the same facts for programs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from visionft.errors import DataError, UsageError
from visionft.tasks.registry import require, spec_of
from visionft.workflows.remote_photos import local_place
from visionft.workflows.run_or_bundle import holds_bundle, path_of, place_of, run_at

if TYPE_CHECKING:
    from visionft.evaluation import Evaluation
    from visionft.runs import Run

Say = Callable[[str], None]


def report(
    run: Run | str | Path, *, data: str | Path | None = None, pictures: str | None = None, explain: bool = False
) -> Path:
    """Write report.html and report.json of a run and of its evaluations again, from what lies in its folder.

    Args:
        run: a finished run or its folder.
        data: the folder that its photos moved to, with the same paths below it; none: where they were.
        pictures: `all` or `none`; none of both: as the run was told.
        explain: show where the network looks on the worst, most confused and least sure photos of the run's page.

    Returns:
        The page.

    Raises:
        RunError: there is no finished run, a file of it is damaged, or nothing can be written.
        DataError: there is no such folder.
        UsageError: a bundle is given, or the run's task has no answers that can be explained.
        BackboneError: no part of the run's network is laid out over the photo.
    """
    path, root = path_of(run), place_of(data, "--data")
    root = None if root is None else local_place(root)
    if holds_bundle(path):
        raise UsageError(f"{path} is a bundle, and a report is made of a run; give the run")
    if root is not None and not root.is_dir():
        raise DataError(f"there is no folder {root}: give the one that the photos of the run are in now")
    opened = run_at(path)
    require(opened.task, "report", f"report, asked for of the run {path},", "use the figures that evaluate prints")
    if explain:
        require(opened.task, "explain", "--explain", "leave it out")
    from visionft.reporting import report_run

    return report_run(opened, pictures=shown(opened, pictures), root=root, explain=explain)


def shown(run: Run, pictures: str | None) -> bool:
    """Tell whether photos are shown: as is asked for, else as the run was told."""
    return (run.settings.report.pictures if pictures is None else pictures) == "all"


def report_once(run: Run, say: Say, pictures: str | None = None, root: Path | None = None) -> None:
    """Write what a finished run lacks of its reports; whatever hinders it is a line, and no failure."""
    if "report" not in spec_of(run.task).stages:
        return
    from visionft.reporting import attempt, report_run
    from visionft.runs import layout

    known = (run.path / layout.REPORT).is_file()
    private = pictures == "none" or run.settings.report.pictures == "none"
    again = f"visionft report {run.path}"
    page = attempt(lambda: report_run(run, pictures=not private, root=root, again=False), say, again)
    if page is not None and not known:
        say(f"report: {page}")


def reported(evaluation: Evaluation, run: Run | None, pictures: str | None, again: str) -> Evaluation:
    """Write the report of an evaluation that was written, beside its figures; a note says so where it could not be."""
    from visionft.reporting import attempt, report_evaluation
    from visionft.reporting.album import Encoded

    folder, notes, task = evaluation.written, list(evaluation.notes), evaluation.task
    if folder is None or "report" not in spec_of(task).stages:
        return evaluation
    wanted = shown(run, pictures) if run is not None else pictures != "none"
    encoded = Encoded(evaluation.root, evaluation.files())
    page = attempt(lambda: report_evaluation(folder, run, encoded, pictures=wanted, task=task), notes.append, again)
    return replace(evaluation, report=page, notes=tuple(notes))
