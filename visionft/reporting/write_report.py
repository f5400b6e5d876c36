"""Write a report into the folder of a run or of an evaluation: made again at any time, and never a run's undoing."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pyarrow.parquet

from visionft.data import Manifest
from visionft.errors import VisionftError
from visionft.photos import printable
from visionft.reporting import charts, facts, query_facts
from visionft.reporting.album import Album, Encoded
from visionft.reporting.heat_pictures import heat_pictures
from visionft.reporting.page import render
from visionft.reporting.query_facts import shows_queries
from visionft.reporting.query_page import render_queries
from visionft.reporting.views import write_views
from visionft.runs import Run, layout
from visionft.runs.atomic_write import remove, replacing, write_text
from visionft.runs.run_files import read_json, verified_table
from visionft.tasks.registry import DEFAULT, spec_of

Say = Callable[[str], None]
Facts = dict[str, Any]
PREFERRED = ("test", "validation")
"""Evaluations that a run's page shows the photos of, the first that is there."""


def attempt(make: Callable[[], Path | None], say: Say, again: str) -> Path | None:
    """Make a report, or say in a line why there is none: figures that are written already do not depend on it.

    Args:
        make: writes it.
        say: receives the line.
        again: the command that makes it again.
    """
    try:
        return make()
    except VisionftError as error:
        say(f"no report: {error}; `{again}` makes it again")
    except Exception as error:  # noqa: BLE001  # hours of training must not end in the traceback of a picture
        say(f"no report: {type(error).__name__}: {error}; `{again}` makes it again")
    return None


def report_run(
    run: Run, *, pictures: bool = True, root: Path | None = None, again: bool = True, explain: bool = False
) -> Path:
    """Write report.html, report.json and the pictures of a finished run, and the pages of its evaluations.

    Args:
        run: finished.
        pictures: whether photos are shown.
        root: the folder that its photos moved to, with the same paths below it; none: where they were.
        again: also where there is a report already.
        explain: whether the run's own page shows where the network looks on its worst, most confused and least sure
            photos: a pass forth and back for each of up to 72.

    Raises:
        BackboneError: no part of the network is laid out over the photo, so that nothing can be explained.
        RunError: a file of the run is damaged, or nothing can be written.
    """
    manifest = run.manifest()
    folders = _evaluations(run)
    encoded = {folder.name: _encoded(manifest, folder, root) for folder in folders}
    for folder in folders:
        if again or not _is_there(folder / layout.REPORT):
            report_evaluation(folder, run, encoded[folder.name], pictures=pictures)
    if not again and _is_there(run.path / layout.REPORT):
        return run.path / layout.REPORT
    shown = next((folder for name in PREFERRED for folder in folders if folder.name == name), None)
    own = Encoded(None) if shown is None else encoded[shown.name]
    found = _facts_of(run, shown, facts.source_of(run, own.root))
    _draw(run, manifest, found, pictures=pictures, root=root)
    with heat_pictures(run, own) if explain else nullcontext(None) as heat:
        return _write(run.path, found, Album(own, pictures, heat=heat), run.task)


def report_evaluation(
    folder: Path, run: Run | None, encoded: Encoded, *, pictures: bool = True, task: str = DEFAULT
) -> Path:
    """Write report.html and report.json beside the figures in a folder.

    Args:
        folder: holds metrics.json and predictions.parquet.
        run: what was measured; none: a bundle.
        encoded: its photos.
        pictures: whether they are shown.
        task: what a bundle answers; a run knows that itself.

    Raises:
        RunError: a file is damaged, or nothing can be written.
    """
    task = task if run is None else run.task
    subject = printable(read_json(folder / "metrics.json")["subject"])
    counts = None if run is None or run.epoch is not None else run.train_counts
    source = facts.Source(subject, counts, encoded.root)
    if shows_queries(task):
        found = query_facts.of_query_evaluation(folder, source, task)
    else:
        found = facts.of_evaluation(folder, source, task)
    return _write(folder, found, Album(encoded, pictures), task)


def _facts_of(run: Run, evaluation: Path | None, source: facts.Source) -> Facts:
    """Return the facts of a run with those of an evaluation, or of its validation where there is none."""
    if shows_queries(run.task):
        if evaluation is None:
            return query_facts.of_query_run(run, query_facts.of_query_validation(run, source))
        return query_facts.of_query_run(run, query_facts.of_query_evaluation(evaluation, source, run.task))
    found = facts.of_validation(run) if evaluation is None else facts.of_evaluation(evaluation, source, run.task)
    return facts.of_run(run, found)


def _write(folder: Path, found: Facts, album: Album, task: str) -> Path:
    """Write the facts, and then the page: where it stands, nothing is missing."""
    page = render_queries(found, album, spec_of(task).score) if shows_queries(task) else render(found, album)
    text = json.dumps(found, indent=1, ensure_ascii=False, default=str)
    write_text(folder / layout.REPORT_FACTS, f"{text}\n")
    write_text(folder / layout.REPORT, page)
    return folder / layout.REPORT


def _draw(run: Run, manifest: Manifest, found: Facts, *, pictures: bool, root: Path | None) -> None:
    """Write the pictures that lie in a run's folder beside the page."""
    if any(row["epoch"] > 0 for row in found["epochs"]):
        with replacing(run.path / layout.CURVES) as temporary:
            score = spec_of(run.task).score
            charts.write_png(charts.curves(found["epochs"], found["phases"], score), temporary)
    evaluation = found["evaluation"]
    if not shows_queries(run.task):
        names = [row["name"] for row in evaluation["per_class"]]
        with replacing(run.path / layout.CONFUSION) as temporary:
            charts.write_png(charts.confusion(evaluation["confusion"], names), temporary)
    if not pictures:
        remove(run.path / layout.AUGMENTED)
        return
    with replacing(run.path / layout.AUGMENTED) as temporary:
        write_views(run, manifest, manifest.root if root is None else root, temporary)


def _evaluations(run: Run) -> list[Path]:
    """Return the folders of a run that hold figures with the answers to photos one by one."""
    place = run.path / layout.EVALUATION
    inner = sorted(place.iterdir()) if place.is_dir() else []
    return [folder for folder in inner if (folder / "predictions.parquet").is_file()]


def _encoded(manifest: Manifest, folder: Path, root: Path | None) -> Encoded:
    """Return where the photos of an evaluation are: those of the run's own splits have digests to compare with."""
    table = manifest.table.select(["path", "digest"]).to_pydict()
    known = dict(zip(table["path"], table["digest"], strict=True))
    paths = pyarrow.parquet.read_table(verified_table(folder / "predictions.parquet"), columns=["path"])
    files = {printable(path): (path, known.get(path)) for path in paths["path"].to_pylist()}
    if root is not None:
        return Encoded(root, files)
    if folder.name in ("train", *PREFERRED) and all(path in known for path, _ in files.values()):
        return Encoded(manifest.root, files)
    return Encoded(_remembered(folder), files)


def _remembered(folder: Path) -> Path | None:
    """Return the folder of photos that an earlier report of the same evaluation names."""
    if not _is_there(folder / layout.REPORT_FACTS):
        return None
    record: Mapping[str, Any] = read_json(folder / layout.REPORT_FACTS)
    root = record.get("photos_root")
    return Path(root) if isinstance(root, str) else None


def _is_there(path: Path) -> bool:
    return os.path.lexists(path)
