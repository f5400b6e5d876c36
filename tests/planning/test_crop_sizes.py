"""Progressive resizing in a run: it trains and resumes, and what it cannot go with is said."""

from __future__ import annotations

import json
import re
import signal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import visionft as vft
from visionft.data import Sides
from visionft.errors import UsageError
from visionft.machine.stop_signals import Interrupted
from visionft.runs import layout
from visionft.training.early_stopping import StopOnSignal
from visionft.training.eta import Eta
from visionft.training.state import TrainState

GROWING = {"epochs": 3, "augment.size": 48, "augment.start_size": 16}


def test_a_run_whose_crops_grow_goes_on_bit_for_bit(
    shapes: Path, tmp_path: Path, small: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    flags = {**small, **GROWING}
    whole = vft.fit(shapes, out=tmp_path / "whole", say=lambda _: None, **flags)

    seen: list[int] = []
    leave = StopOnSignal._stop_if_asked

    def ask(self: StopOnSignal, state: TrainState) -> None:
        seen.append(state.step)
        if state.step == 7:
            self.interruption.signal = signal.SIGINT
        leave(self, state)

    monkeypatch.setattr(StopOnSignal, "_stop_if_asked", ask)
    with pytest.raises(Interrupted):
        vft.fit(shapes, out=tmp_path / "parts", say=lambda _: None, **flags)
    monkeypatch.undo()
    parts = vft.fit(shapes, out=tmp_path / "parts", say=lambda _: None, **flags)
    assert seen[-1] == 7
    assert (parts.path / layout.WEIGHTS).read_bytes() == (whole.path / layout.WEIGHTS).read_bytes()


def test_what_is_left_counts_larger_crops_as_more_work() -> None:
    photos = SimpleNamespace(augment=SimpleNamespace(sides=Sides(32, 64, 2)))
    eta = Eta(SimpleNamespace(dataset=photos, steps_per_epoch=10), lambda *_: None, print)  # type: ignore[arg-type]
    assert eta._left(5, 20) == pytest.approx(5 + 10 * 4)
    assert eta._left(10, 20) == pytest.approx(10)


def test_crops_grow_where_nothing_else_changes_a_photo(shapes: Path, tmp_path: Path, small: dict[str, Any]) -> None:
    flags = {**small, **GROWING, "augment.strength": "none"}
    run = vft.fit(shapes, out=tmp_path / "run", say=lambda _: None, **flags)
    choices = json.loads((run.path / "choices.json").read_text())["choices"]
    assert {"setting": "augment.views", "value": None, "reason": "views grow from epoch to epoch"} in choices


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"augment.start_size": 64}, "--augment.start-size 64 is above --augment.size 48: crops grow; give at most 48"),
        (
            {"augment.views": 2, "method": "gradual"},
            r"views that come again \(--augment.views 2\) have one size; leave one of the two out",
        ),
        (
            {"backbone": "test_vit", "preprocess.size": 160, "augment.size": 160},
            "--augment.start-size 16: test_vit takes one size only, 160; leave it out",
        ),
    ],
)
def test_what_cannot_grow_is_one_sentence(
    changes: dict[str, Any], sentence: str, shapes: Path, tmp_path: Path, small: dict[str, Any]
) -> None:
    with pytest.raises(UsageError, match=sentence):
        vft.fit(shapes, out=tmp_path / "run", say=lambda _: None, **{**small, **GROWING, **changes})
    assert not (tmp_path / "run").exists()


def test_crops_of_another_size_than_the_only_one_are_one_sentence(
    shapes: Path, tmp_path: Path, small: dict[str, Any]
) -> None:
    flags = {**small, "backbone": "test_vit", "preprocess.size": 160, "augment.size": 128}
    wanted = re.escape("--augment.size 128: test_vit takes one size only, 160 (--preprocess.size); leave it out")
    with pytest.raises(UsageError, match=f"^{wanted}$"):
        vft.fit(shapes, out=tmp_path / "run", say=lambda _: None, **flags)
    assert not (tmp_path / "run").exists()


def test_a_teacher_and_growing_crops_do_not_go_together(
    shapes: Path, trained: Path, tmp_path: Path, small: dict[str, Any]
) -> None:
    with pytest.raises(UsageError, match="a teacher sees views of one size in all epochs; leave one of the two out"):
        vft.fit(shapes, out=tmp_path / "run", distill=trained, say=lambda _: None, **{**small, **GROWING})
