"""What a training leaves in its folder, event by event."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.fits import Begun
from visionft.errors import RunError
from visionft.runs import layout
from visionft.runs.history import Epoch
from visionft.training.callbacks import Figures
from visionft.training.checkpoint import Checkpoint
from visionft.training.run_writer import RunWriter, sentence

Make = Callable[..., Begun]


def written(one: Begun, folder: Path, fresh: bool = True) -> tuple[RunWriter, list[str]]:
    said: list[str] = []
    return RunWriter(folder, [], fresh, said.append), said


def test_before_the_first_step_there_is_something_to_go_on_from(begun: Make, tmp_path: Path) -> None:
    one = begun()
    writer, _ = written(one, tmp_path)
    writer.started(one.state)
    assert Checkpoint.load(tmp_path / layout.CHECKPOINT).step == 0
    assert (tmp_path / layout.START).is_file()


def test_a_run_that_goes_on_writes_no_other_start(begun: Make, tmp_path: Path) -> None:
    one = begun()
    writer, _ = written(one, tmp_path, fresh=False)
    writer.started(one.state)
    assert list(tmp_path.iterdir()) == []


def test_an_epoch_is_a_row_a_line_and_a_checkpoint_and_the_best_is_kept(begun: Make, tmp_path: Path) -> None:
    one = begun()
    writer, said = written(one, tmp_path)
    writer.started(one.state)
    for step, figures in ((5, Figures(1.0, 0.5)), (10, Figures(2.0, 0.4))):
        one.state.step = step
        writer.stepped(one.state, 8)
        writer.validated(one.state, figures)
    rows = list(csv.DictReader((tmp_path / layout.METRICS).read_text().splitlines()))
    assert [(row["epoch"], row["val_loss"]) for row in rows] == [("1", "1.0"), ("2", "2.0")]
    assert said[0].startswith("epoch 1/2  phase 1  train loss nan  validation loss 1.0000  top-1 50.00%  ")
    assert Checkpoint.load(tmp_path / layout.CHECKPOINT).step == 10
    assert len(writer.history) == 2
    assert (tmp_path / layout.BEST).is_file()


def test_an_old_checkpoint_is_replaced_inside_an_epoch(begun: Make, tmp_path: Path) -> None:
    one = begun(**{"hardware.checkpoint_seconds": 0.0})
    writer, _ = written(one, tmp_path)
    writer.started(one.state)
    one.state.step = 3
    writer.stepped(one.state, 8)
    assert Checkpoint.load(tmp_path / layout.CHECKPOINT).step == 3


def test_a_stop_inside_an_epoch_is_kept(begun: Make, tmp_path: Path) -> None:
    one = begun()
    writer, _ = written(one, tmp_path)
    writer.started(one.state)
    one.state.step = 2
    writer.finished(one.state)
    assert Checkpoint.load(tmp_path / layout.CHECKPOINT).step == 2


def test_lost_weights_take_no_place(begun: Make, tmp_path: Path) -> None:
    one = begun()
    writer, _ = written(one, tmp_path)
    one.state.step = 5
    with pytest.raises(RunError, match="training diverged in epoch 1: the validation loss is nan; give a lower"):
        writer.validated(one.state, Figures(float("nan"), 0.0))
    assert not (tmp_path / layout.BEST).exists()


def test_other_arithmetic_is_said() -> None:
    row: dict[str, Any] = dict.fromkeys(Epoch.__dataclass_fields__, 1)
    assert "top-1 100.00% in bf16  " in sentence(Epoch(**row), 3, "bf16")
    assert "top-1 100.00%  " in sentence(Epoch(**row), 3)
