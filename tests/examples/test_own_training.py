"""The examples of parts of a user's own run, each in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
PYTHONPATH = os.pathsep.join(filter(None, sys.path))


def told(script: str, *arguments: Path) -> str:
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / script), *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": PYTHONPATH},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
def test_a_listener_hears_of_each_epoch_and_a_logger_writes_it_down(shapes: Path, tmp_path: Path) -> None:
    said = told("listener.py", shapes, tmp_path)
    assert "heard of epoch 1: top-1 " in said
    (written,) = (tmp_path / "logs").rglob("metrics.csv")
    assert "val_top1" in written.read_text().splitlines()[0]


@pytest.mark.slow
def test_a_users_own_trainer_trains_what_was_planned(shapes: Path, tmp_path: Path) -> None:
    assert "top-1 on validation photos: " in told("lightning_trainer.py", shapes, tmp_path)
    assert list(tmp_path.glob("*.ckpt"))


@pytest.mark.slow
def test_a_network_of_ones_own_is_trained_and_its_run_stands_alone(shapes: Path, tmp_path: Path) -> None:
    assert "top-1 on validation photos: " in told("own_network.py", shapes, tmp_path)


@pytest.mark.slow
def test_a_loss_and_a_metric_of_ones_own_train_and_measure(shapes: Path, tmp_path: Path) -> None:
    said = told("own_loss.py", shapes, tmp_path)
    assert "test: kappa " in said
    assert "kappa on the training photos: " in said


@pytest.mark.slow
def test_a_pipeline_of_ones_own_is_the_same_as_an_object_and_as_a_file(shapes: Path, tmp_path: Path) -> None:
    assert "the same weights: True" in told("own_pipeline.py", shapes, tmp_path)


@pytest.mark.slow
def test_photos_in_memory_are_fitted_evaluated_and_predicted(shapes: Path, tmp_path: Path) -> None:
    said = told("photos_in_memory.py", shapes, tmp_path)
    assert "12 pictures, top-1 " in said
    forms = [line for line in said.splitlines() if line.startswith("12 ")]
    assert [line.partition(", ")[0] for line in forms] == [
        "12 pictures", "12 paths", "12 rows of a DataFrame", "12 items of a Dataset",
    ]  # fmt: skip
    assert len({line.partition(", ")[2] for line in forms}) == 1
