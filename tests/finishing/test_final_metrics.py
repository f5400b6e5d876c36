"""The end of a run: figures recomputed on the final weights, and what result.json keeps."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from visionft.finishing.final_metrics import TRAIN_SAMPLE, _result, final_figures
from visionft.runs import Run, layout
from visionft.runs.history import Epoch

FINAL: Any = SimpleNamespace(val=SimpleNamespace(to_json=lambda: {"top1": 0.5}))


def row(epoch: int, loss: float, speed: float) -> Epoch:
    return Epoch(epoch, 1, epoch, 0.1, 1.0, loss, 0.5, 1.0, speed)


def test_a_result_names_the_kept_epoch_the_least_loss_and_the_median_speed() -> None:
    history = [row(0, 0.9, 999.0), row(1, 0.7, 10.0), row(2, 0.8, 30.0), row(3, 0.75, 20.0)]
    told = _result(FINAL, {"top1": 1.0}, "fine", history, history[3])
    assert told == {
        "val": {"top1": 0.5}, "train": {"top1": 1.0}, "verdict": "fine", "kept_epoch": 3, "least_val_loss_epoch": 1,
        "images_per_second": 20.0,
    }  # fmt: skip


def test_a_solved_head_has_the_speed_of_its_features_and_no_history_has_none() -> None:
    assert _result(FINAL, {}, "", [row(0, 0.9, 99.0)], None)["images_per_second"] == 99.0
    nothing = _result(FINAL, {}, "", [], None)
    assert (nothing["images_per_second"], nothing["least_val_loss_epoch"], nothing["kept_epoch"]) == (None, None, None)


def test_the_figures_of_a_run_are_those_of_its_final_weights(trained: Path) -> None:
    run = Run.open(trained)
    result = json.loads((trained / layout.RESULT).read_text())
    manifest = run.manifest()
    plan: Any = SimpleNamespace(settings=run.settings, network=run.network(), preprocess=run.preprocess)
    final = final_figures(plan, manifest)
    assert final.val.top1 == pytest.approx(result["val"]["top1"])
    assert final.val.log_loss == pytest.approx(result["val"]["log_loss"], rel=1e-4)
    assert final.train.n == len(manifest.rows("train")) < TRAIN_SAMPLE
    assert np.isfinite(final.val.ece)
