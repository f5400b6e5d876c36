"""The best weights of a run that was interrupted answer, are measured and exported, and say what they are."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

import visionft as vft
from tests.resealing import make_older, reseal
from visionft.backbones import forward_batches
from visionft.cli import main
from visionft.data import EvalPhotos, eval_batches
from visionft.errors import RunError
from visionft.runs import Run, atomic_write, layout
from visionft.runs.unfinished import best_epoch
from visionft.training import loop
from visionft.training.state import TrainState


def silent(_: str) -> None:
    pass


class PowerCutError(Exception):
    """Ends a training as nothing foreseen does."""


def interrupted(photos: Path, out: Path, flags: dict[str, Any]) -> Path:
    """Return a run that ended in the middle of its second epoch."""
    original = loop.optimizer_step

    def cut(state: TrainState, *words: Any) -> None:
        original(state, *words)
        if state.step == state.schedule.total_steps - 1:
            raise PowerCutError

    patch = pytest.MonkeyPatch()
    patch.setattr(loop, "optimizer_step", cut)
    with pytest.raises(PowerCutError):
        vft.fit(photos, out=out, say=silent, **{**flags, "epochs": 2})
    patch.undo()
    return out


@pytest.fixture(scope="module")
def kept(shapes: Path, small: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return interrupted(shapes, tmp_path_factory.mktemp("unfinished") / "run", small)


@pytest.fixture
def run(kept: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(kept, tmp_path / "run"))


def said(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[dict[str, Any], str]:
    assert main([*map(str, words), "--json"]) == 0
    done = capsys.readouterr()
    return json.loads(done.out.splitlines()[-1]), done.err


def test_it_opens_only_where_that_is_asked_for(run: Path) -> None:
    with pytest.raises(RunError, match="is not finished; run the same `visionft fit` again to go on with it"):
        Run.open(run)
    opened = Run.open(run, unfinished=True)
    assert opened.epoch == best_epoch(run) == 1
    assert opened.result.keys() == {"unfinished", "epoch", "val"}
    assert f"run {run}: full (not finished, after epoch 1) on test_resnet, 3 classes, validation top-1" in str(opened)
    assert "<td>not finished</td>" in opened._repr_html_()
    assert opened.calibration is None


def test_it_answers_with_the_best_weights_that_training_measured(run: Path) -> None:
    opened = Run.open(run, unfinished=True)
    network, manifest = opened.network(), opened.manifest()
    assert all(torch.equal(value, network.state_dict()[name]) for name, value in load_file(run / layout.BEST).items())
    batches = eval_batches(EvalPhotos(manifest.rows("validation"), manifest.root, opened.preprocess), 64, 0)
    answers = forward_batches(network, batches, opened.preprocess, device="cpu")
    top1 = float((answers["logits"].argmax(1) == answers["labels"]).mean())
    assert top1 == pytest.approx(opened.result["val"]["top1"], abs=1e-6)


def test_predict_says_so(run: Path, shapes: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told, words = said(capsys, "predict", run, shapes / "disc")
    assert (told["unfinished"], told["epoch"], told["answered"]) == (True, 1, 20)
    assert "by a run that is not finished: its best weights so far are those of epoch 1" in words


def test_evaluate_says_so_and_leaves_the_run_as_it_is(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = sorted(run.rglob("*"))
    told, words = said(capsys, "evaluate", run)
    assert (told["unfinished"], told["epoch"]) == (True, 1)
    assert f"note: the run {run} is not finished; these are its best weights so far, of epoch 1, without a" in words
    assert sorted(run.rglob("*")) == before, "what lies in a run's folder is of its final weights"
    said(capsys, "evaluate", run, "--out", tmp_path / "figures")
    record = json.loads((tmp_path / "figures" / "metrics.json").read_text())
    assert (record["unfinished"], record["epoch"]) == (True, 1)


def test_export_says_so_in_words_record_and_card(
    run: Path, shapes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told, words = said(capsys, "export", run, "--out", tmp_path / "bundle")
    assert (told["unfinished"], told["epoch"], told["agreement"]) == (True, 1, 1.0)
    assert f"note: the run {run} is not finished; these are its best weights so far, of epoch 1" in words
    record = json.loads((tmp_path / "bundle" / "bundle.json").read_text())
    assert (record["provenance"]["unfinished"], record["provenance"]["epoch"]) == (True, 1)
    assert (
        "The run was not finished: these are its best weights so far, of epoch 1."
        in (tmp_path / "bundle" / "README.md").read_text()
    )
    by_run, by_bundle = (vft.predict(place, shapes / "disc") for place in (run, tmp_path / "bundle"))
    assert [row.label for row in by_run] == [row.label for row in by_bundle]
    assert np.allclose([row.probability for row in by_run], [row.probability for row in by_bundle], atol=1e-3)


def test_the_run_goes_on_as_if_nobody_had_asked(run: Path, shapes: Path, small: dict[str, Any], tmp_path: Path) -> None:
    vft.evaluate(run)
    whole = vft.fit(shapes, out=tmp_path / "whole", say=silent, **{**small, "epochs": 2})
    done = vft.fit(shapes, out=run, say=silent, **{**small, "epochs": 2})
    assert done.epoch is None
    assert (run / layout.WEIGHTS).read_bytes() == (whole.path / layout.WEIGHTS).read_bytes()
    assert (run / layout.EVALUATION / "test" / "metrics.json").is_file()
    assert vft.evaluate(run).unfinished is None


def test_additions_are_merged_as_at_the_end(shapes: Path, small: dict[str, Any], tmp_path: Path) -> None:
    flags = {**small, "backbone": "test_vit", "preprocess.size": 160, "augment.size": 160, "method": "lora"}
    run = interrupted(shapes, tmp_path / "run", flags)
    network = Run.open(run, unfinished=True).network()
    assert any("parametrizations" in name or "lora" in name.lower() for name in load_file(run / layout.BEST))
    assert not any("parametrizations" in name or "lora" in name.lower() for name in network.state_dict())
    assert len(vft.predict(run, shapes / "disc")) == 20


def without_weights(run: Path) -> None:
    atomic_write.remove(run / layout.BEST)


def with_lost_weights(run: Path) -> None:
    (run / layout.BEST).unlink()


def with_cut_weights(run: Path) -> None:
    (run / layout.BEST).write_bytes((run / layout.BEST).read_bytes()[:1000])


def without_figures(run: Path) -> None:
    (run / layout.METRICS).unlink()


def with_other_figures(run: Path) -> None:
    (run / layout.METRICS).write_text("epoch,val_top1,val_loss\n7,0.5,0.5\n")
    reseal(run)


def without_classes(run: Path) -> None:
    (run / layout.CLASSES).unlink()


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (
            without_weights,
            r"is not finished and has no weights yet; run the same `visionft fit` again to go on with it",
        ),
        (with_lost_weights, r"best\.safetensors is damaged \(it is missing\); restore it"),
        (with_cut_weights, r"best\.safetensors is damaged \(1,000 bytes, written as .*\); restore it"),
        (without_figures, r"metrics\.csv is damaged \(it is missing\); restore it"),
        (with_other_figures, r"metrics\.csv is damaged \(no row of epoch 1\); restore it"),
        (without_classes, r"lacks classes\.json; restore it from a copy or train again"),
    ],
)
def test_what_is_damaged_is_named(spoil: Callable[[Path], None], words: str, run: Path) -> None:
    spoil(run)
    with pytest.raises(RunError, match=words):
        str(Run.open(run, unfinished=True))


def test_weights_of_an_older_version_have_the_epoch_of_the_best_row(run: Path) -> None:
    save_file(load_file(run / layout.BEST), run / layout.BEST)
    make_older(run)
    assert best_epoch(run) == 1


def test_weights_that_change_meanwhile_are_not_mixed_up(run: Path) -> None:
    opened = Run.open(run, unfinished=True)
    save_file(load_file(run / layout.BEST), run / layout.BEST, {"epoch": "2"})
    reseal(run)
    with pytest.raises(RunError, match="is being trained just now and has other best weights than a moment ago; run"):
        opened.network()


def test_what_needs_a_finished_run_says_so(run: Path, shapes: Path, small: dict[str, Any], tmp_path: Path) -> None:
    others = {name: value for name, value in small.items() if name not in ("backbone", "weights", "preprocess.size")}
    with pytest.raises(RunError, match="is not finished; run the same `visionft fit` again to go on with it"):
        vft.fit(shapes, out=tmp_path / "next", say=silent, from_run=run, **others)
    with pytest.raises(RunError, match="is not finished"):
        vft.blend(run, say=silent)
