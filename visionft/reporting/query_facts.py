"""What a page shows of a task that answers photos with photos: the task's own facts, beside those of every run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa
import pyarrow.parquet

from visionft.photos import printable
from visionft.reporting.facts import FORMAT, Source, epochs_of, of_any_run
from visionft.runs import Run
from visionft.runs.run_files import read_json, verified_table
from visionft.tasks.registry import part, spec_of

Facts = dict[str, Any]


class QueryReport(Protocol):
    """What a task with the stage `queries` shows."""

    def facts(self, metrics: Mapping[str, Any], table: pa.Table | None) -> Facts:
        """Return figures, hardest products, and queries with what they found, in plain values.

        Args:
            metrics: as metrics.json has them.
            table: a row a photo; None where they were not kept.
        """
        ...


def shows_queries(task: str) -> bool:
    """Tell whether a page of this task shows queries with what they found."""
    return "queries" in spec_of(task).stages


def of_query_evaluation(folder: Path, source: Source, task: str) -> Facts:
    """Return the facts of the evaluation that lies in a folder."""
    metrics = read_json(folder / "metrics.json")
    table = pyarrow.parquet.read_table(verified_table(folder / "predictions.parquet"))
    return _facts(metrics, table, source, task, str(metrics["split"]))


def of_query_run(run: Run, evaluation: Facts) -> Facts:
    """Return the facts of a finished run, with those of one of its evaluations among them."""
    score, result = spec_of(run.task).score, run.result
    start = next((row for row in epochs_of(run) if row["epoch"] == 0), None)
    return {
        **of_any_run(run, evaluation),
        "score": {
            "words": score.words,
            "validation": result["val"].get(score.name),
            "train": (result.get("train") or {}).get(score.name),
            "start": None if start is None else start[score.column],
            "column": score.column,
        },
    }


def of_query_validation(run: Run, source: Source) -> Facts:
    """Return the facts of the validation photos, whose answers one by one a run does not keep."""
    return _facts({**run.result["val"], "account": None, "seen": None}, None, source, run.task, "validation")


def _facts(metrics: Mapping[str, Any], table: pa.Table | None, source: Source, task: str, split: str) -> Facts:
    report: QueryReport = part(task, "report")
    return {
        "format": FORMAT,
        "kind": "evaluation",
        "subject": source.subject,
        "split": printable(split),
        **report.facts(metrics, table),
        "photos_root": None if source.root is None else printable(source.root.absolute()),
        "account": metrics.get("account"),
        "seen": metrics.get("seen"),
        "notes": metrics.get("notes", []),
    }
