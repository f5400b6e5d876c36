"""The facts of a run: those of its own files, and no others."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from visionft.reporting import facts
from visionft.runs import Run, layout


@pytest.fixture(scope="module")
def run(trained: Path) -> Run:
    return Run.open(trained)


@pytest.fixture(scope="module")
def found(run: Run) -> dict[str, Any]:
    source = facts.source_of(run, run.manifest().root)
    return facts.of_run(run, facts.of_evaluation(run.path / layout.EVALUATION / "test", source))


def test_the_figures_are_those_of_the_files(run: Run, found: dict[str, Any]) -> None:
    test = json.loads((run.path / "evaluation" / "test" / "metrics.json").read_text())
    for name in ("n", "top1", "macro_f1", "log_loss", "ece", "intervals", "confusion"):
        assert found["evaluation"][name] == test[name]
    assert found["validation"]["top1"] == run.result["val"]["top1"]
    assert found["verdict"] == run.result["verdict"]
    assert found["cost"]["seconds"] == run.result["seconds"]


def test_the_majority_class_is_that_of_training(run: Run, found: dict[str, Any]) -> None:
    counts = run.manifest().counts()
    most = max(run.classes, key=lambda name: counts["train"][name])
    majority = found["evaluation"]["majority"]
    assert (majority["name"], majority["of_training"]) == (most, True)
    assert majority["top1"] == counts["test"][most] / sum(counts["test"].values())


def test_epochs_are_the_rows_of_metrics_csv(run: Run, found: dict[str, Any]) -> None:
    with (run.path / layout.METRICS).open() as file:
        rows = list(csv.DictReader(file))
    assert [row["epoch"] for row in found["epochs"]] == [int(row["epoch"]) for row in rows]
    assert [row["val_loss"] for row in found["epochs"]] == [float(row["val_loss"]) for row in rows]
    assert found["phases"] == [{"phase": 1, "first": 1, "last": 1, "unfreeze": 1.0}]


def test_known_scores_are_those_of_the_calibration(run: Run, found: dict[str, Any]) -> None:
    assert run.calibration is not None
    assert found["known_scores"]["scores"] == list(run.calibration.known_scores)
    assert found["known_scores"]["threshold"] is run.answering().threshold is None, "10 photos set no threshold"


def test_settings_come_with_reasons(run: Run, found: dict[str, Any]) -> None:
    assert found["settings"]["optim.batch_size"] == run.settings.optim.batch_size
    assert found["settings"]["report.pictures"] == "all"
    reasons = {choice["setting"]: choice["reason"] for choice in found["choices"]}
    assert reasons
    assert all(reasons.values())
    assert found["weights"]["kind"] == "none"


def test_without_a_test_split_the_figures_are_those_of_validation(run: Run) -> None:
    validation = facts.of_validation(run)
    assert (validation["split"], validation["top1"]) == ("validation", run.result["val"]["top1"])
    assert "worst" not in validation


def test_everything_goes_into_json(found: dict[str, Any]) -> None:
    assert json.loads(json.dumps(found, allow_nan=False))["evaluation"]["kind"] == "evaluation"
