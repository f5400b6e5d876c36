"""What a report says, as plain values: read from the files of a run or of an evaluation."""

from __future__ import annotations

import csv
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa
import pyarrow.parquet

from visionft import methods
from visionft.photos import printable
from visionft.reporting.audit_facts import audit_facts
from visionft.reporting.photo_answers import Answers
from visionft.runs import Run, layout
from visionft.runs.calibration_file import Calibration
from visionft.runs.run_files import read_json, verified_table
from visionft.tasks.registry import DEFAULT, part, spec_of

FORMAT = 1
Facts = dict[str, Any]
_FIGURES = (
    "n", "top1", "top5", "macro_f1", "balanced_accuracy", "log_loss", "ece", "intervals", "temperature", "uncalibrated",
)  # fmt: skip


def of_run(run: Run, evaluation: Facts) -> Facts:
    """Return the facts of a finished run, with those of one of its evaluations among them."""
    result, found = run.result, of_any_run(run, evaluation)
    start = next((row for row in found["epochs"] if row["epoch"] == 0), None)
    return {
        **found,
        "classes": [printable(name) for name in run.classes],
        "validation": {"top1": result["val"]["top1"], "interval": result["val"].get("intervals", {}).get("top1")},
        "train": result.get("train"),
        "linear_probe": start and {"val_top1": start["val_top1"], "val_loss": start["val_loss"]},
        "known_scores": _known(run),
    }


def of_any_run(run: Run, evaluation: Facts) -> Facts:
    """Return the facts that a run of every task has: how it came about, what it was made of and what it cost."""
    result, rows = run.result, epochs_of(run)
    choices = read_json(run.path / layout.CHOICES)
    return {
        "format": FORMAT,
        "kind": "run",
        "subject": printable(run.path),
        "method": run.settings.method.name,
        "backbone": run.settings.backbone,
        "verdict": result.get("verdict"),
        "kept_epoch": result.get("kept_epoch"),
        "epochs": rows,
        "phases": _phases(run, rows),
        "evaluation": evaluation,
        "weights": choices["weights"],
        "choices": [{name: _plain(value) for name, value in choice.items()} for choice in choices["choices"]],
        "settings": flattened(run.settings.model_dump(mode="json")),
        "environment": run.environment,
        "data": _data(run),
        "audit": audit_facts(run),
        "cost": {name: result.get(name) for name in ("seconds", "peak_memory_mb", "images_per_second")},
    }


@dataclass(frozen=True)
class Source:
    """What an evaluation's facts are made of beside its folder.

    Attributes:
        subject: the run or bundle, in words.
        train_counts: training photos of each class; None where nobody knows them.
        root: the folder of the photos.
    """

    subject: str
    train_counts: Mapping[str, int] | None
    root: Path | None


class HeadsReport(Protocol):
    """What a task with the stage `heads` shows."""

    def answers(self, table: pa.Table) -> pa.Table:
        """Return a row an answer, with the columns of a classifier's, of a table with a row a photo."""
        ...


def of_evaluation(folder: Path, source: Source, task: str = DEFAULT) -> Facts:
    """Return the facts of the evaluation that lies in a folder."""
    metrics = read_json(folder / "metrics.json")
    table = pyarrow.parquet.read_table(verified_table(folder / "predictions.parquet"))
    if "heads" in spec_of(task).stages:
        report: HeadsReport = part(task, "report")
        table = report.answers(table)
    return {**_figures(metrics, source, str(metrics["split"])), **_photos(metrics, table, source)}


def of_validation(run: Run) -> Facts:
    """Return the facts of the validation photos, whose answers one by one a run does not keep."""
    source = source_of(run)
    return _figures({**run.result["val"], "account": None, "seen": None, "notes": []}, source, "validation")


def source_of(run: Run, root: Path | None = None) -> Source:
    """Return what is known of the photos of a run."""
    return Source(printable(run.path), run.train_counts, root)


def _figures(metrics: Mapping[str, Any], source: Source, split: str) -> Facts:
    return {
        "format": FORMAT,
        "kind": "evaluation",
        "subject": source.subject,
        "split": printable(split),
        **{name: metrics.get(name) for name in _FIGURES},
        "words": metrics.get("words"),
        "majority": metrics.get("majority") or _majority(metrics, source.train_counts),
        "per_class": [{**row, "name": printable(row["name"])} for row in metrics["per_class"]],
        "confusion": metrics["confusion"],
        "further": metrics.get("further", []),
        "slices": metrics.get("slices"),
        "shots": metrics.get("shots", []),
        "products": metrics.get("products"),
        "account": metrics.get("account"),
        "seen": metrics.get("seen"),
        "notes": metrics.get("notes", []),
    }


def _majority(metrics: Mapping[str, Any], train_counts: Mapping[str, int] | None) -> Facts:
    """Return what always answering the most frequent class would be worth."""
    supports = {row["name"]: row["support"] for row in metrics["per_class"]}
    counts = train_counts or supports
    most = max(supports, key=lambda name: counts.get(name, 0))
    return {"name": printable(most), "top1": supports[most] / metrics["n"], "of_training": train_counts is not None}


def _photos(metrics: Mapping[str, Any], table: pa.Table, source: Source) -> Facts:
    answers = Answers(table, [row["name"] for row in metrics["per_class"]])
    return {
        "photos_root": None if source.root is None else printable(source.root.absolute()),
        "pairs": answers.pairs(),
        "right": answers.right(),
        "worst": answers.worst(),
        "least_sure": answers.least_sure(),
        "reliability": answers.reliability(),
    }


def epochs_of(run: Run) -> list[dict[str, Any]]:
    """Return the rows of metrics.csv in plain values; None for what is no finite number."""
    text = verified_table(run.path / layout.METRICS).read_text(encoding="utf-8")
    return [{name: _number(value) for name, value in row.items()} for row in csv.DictReader(text.splitlines())]


def _number(text: str) -> float | int | None:
    value = float(text)
    if not math.isfinite(value):
        return None
    return int(value) if value.is_integer() and "." not in text else value


def _phases(run: Run, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the epochs of each phase that training came to, and the share of the depth that trains in it."""
    trained = [row for row in rows if row["epoch"] > 0]
    if not trained:
        return []
    plan = methods.phases(run.settings.method, int(run.settings.epochs), any(row["epoch"] == 0 for row in rows))
    found = []
    for number, phase in enumerate(plan, 1):
        own = [row["epoch"] for row in trained if row["phase"] == number]
        if own:
            found.append({"phase": number, "first": own[0], "last": own[-1], "unfreeze": phase.unfreeze})
    return found


def _known(run: Run) -> Facts | None:
    if not isinstance(run.calibration, Calibration):
        return None
    return {
        "scores": list(run.calibration.known_scores),
        "threshold": run.answering().threshold,
        "temperature": run.calibration.temperature.temperature,
    }


def _data(run: Run) -> Facts:
    record = read_json(run.path / layout.DATA)
    quarantine = record["quarantine"]
    counts = {**record["counts"], "train": run.train_counts}
    return {
        "source": printable(record.get("source", record["root"])),
        "fingerprint": record["fingerprint"],
        "photos": record.get("photos"),
        "counts": {split: {printable(name): count for name, count in of.items()} for split, of in counts.items()},
        "account": record.get("account"),
        "quarantine": quarantine,
        "notes": record["notes"],
    }


def flattened(tree: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return nested settings by dotted names, in printable words."""
    found: dict[str, Any] = {}
    for name, value in tree.items():
        if isinstance(value, Mapping):
            found |= flattened(value, f"{prefix}{name}.")
        else:
            found[prefix + name] = _plain(value)
    return found


def _plain(value: Any) -> Any:
    return printable(value) if isinstance(value, str | os.PathLike) else value
