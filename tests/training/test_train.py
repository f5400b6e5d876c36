"""A run learns, leaves what it promises, and goes on bit for bit after any interruption."""

from __future__ import annotations

import json
import re
import signal
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from visionft import backbones
from visionft.errors import MemoryShortError, RunBusyError, RunError, RunMismatchError, WeightsError
from visionft.runs import Run, layout, locking
from visionft.training import Classifier, Interrupted, train
from visionft.training.checkpointing import Checkpoint

LEARNT = 0.7  # chance is a third

Make = Any
Stopping = Any


def silent(line: str) -> None:
    pass


def weights(run: Run) -> dict[str, torch.Tensor]:
    return load_file(run.path / layout.WEIGHTS)


def same(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def test_learns(settings: Make) -> None:
    run = train(settings(epochs=12, **{"augment.strength": "light"}), silent)
    assert run.result["train"]["top1"] >= LEARNT


def test_leaves_exactly_the_files_of_the_contract(settings: Make) -> None:
    run = train(settings(), silent)
    assert {entry.name for entry in run.path.iterdir()} == layout.FINISHED


def test_a_solved_head_is_a_run_without_epochs(settings: Make) -> None:
    run = train(settings(method="head", epochs="auto"), silent)
    assert {entry.name for entry in run.path.iterdir()} == layout.UNTRAINED
    assert run.settings.epochs == 0
    assert run.result["kept_epoch"] == 0


@pytest.mark.parametrize("head", ["mlp", "cosine"])
def test_other_heads_are_trained_while_the_backbone_stays_bit_equal(settings: Make, head: str) -> None:
    wanted = settings(method="head", head=head, epochs=2)
    run = train(wanted, silent)
    torch.manual_seed(wanted.seed)
    start = backbones.create("test_resnet", "none", 3, head, size=32).state_dict()
    for name, tensor in weights(run).items():
        if name.startswith("backbone."):
            assert torch.equal(tensor, start[name]), name
    moved = [name for name in start if name.startswith("head.") and not torch.equal(weights(run)[name], start[name])]
    assert moved


def test_repeats_bit_for_bit(settings: Make, tmp_path: Path) -> None:
    first = train(settings(), silent)
    second = train(settings(out=tmp_path / "again"), silent)
    assert same(weights(first), weights(second))


def test_workers_do_not_change_the_outcome(settings: Make, tmp_path: Path) -> None:
    first = train(settings(), silent)
    second = train(settings(out=tmp_path / "again", **{"hardware.workers": 2}), silent)
    assert same(weights(first), weights(second))


GRADUAL = {
    "name": "gradual",
    "phases": [{"epochs": 1, "unfreeze": 0.3}, {"epochs": 1, "unfreeze": 1.0, "lr": 1e-3}],
    "cycles": 2,
}


@pytest.mark.parametrize("step", [1, 5, 7, 10, 18])
def test_a_signal_at_any_step_and_the_same_call_again_equal_the_uninterrupted_run(
    settings: Make, tmp_path: Path, stopping_at: Stopping, step: int
) -> None:
    flags = {"method": GRADUAL, "optim.ema": 0.9, "optim.norm_statistics": "batch"}
    whole = train(settings(out=tmp_path / "whole", **flags), silent)
    with stopping_at(step) as caught:
        train(settings(**flags), silent)
    assert caught.value.exit_code == 130
    assert Checkpoint.load(tmp_path / "run" / layout.CHECKPOINT).step == step

    resumed = train(settings(**flags), silent)
    assert same(weights(whole), weights(resumed))
    keys = ("epoch", "phase", "step", "lr", "train_loss", "val_loss", "val_top1")
    rows = [
        [line.split(",")[i] for i in range(len(keys))]
        for line in (whole.path / layout.METRICS).read_text().splitlines()
    ]
    again = [
        [line.split(",")[i] for i in range(len(keys))]
        for line in (resumed.path / layout.METRICS).read_text().splitlines()
    ]
    assert [row[:4] + row[5:] for row in rows] == [row[:4] + row[5:] for row in again]


def test_frozen_levels_stay_bit_equal_through_a_cyclic_schedule(
    settings: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[int, dict[str, torch.Tensor]]] = []
    original = Classifier.training_step

    def watching(self: Classifier, batch: Any, batch_idx: int) -> None:
        original(self, batch, batch_idx)
        seen.append((self.schedule.phase(self.step - 1), {k: v.clone() for k, v in self.network.state_dict().items()}))

    monkeypatch.setattr(Classifier, "training_step", watching)
    train(settings(method=GRADUAL, **{"optim.norm_statistics": "batch"}), silent)
    stem = [name for name in seen[0][1] if name.startswith("backbone.stem") or ".bn1." in name.split("layer")[0]]
    assert stem
    for phase, frozen in ((0, True), (1, False), (2, True), (3, False)):
        states = [state for p, state in seen if p == phase]
        moved = [name for name in stem if not torch.equal(states[0][name], states[-1][name])]
        assert bool(moved) != frozen, (phase, moved)


def test_goes_on_after_dying_before_the_first_checkpoint(
    settings: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = train(settings(out=tmp_path / "whole"), silent)

    def die(*_: Any) -> None:
        raise RuntimeError("power cut")

    with monkeypatch.context() as patch:
        patch.setattr(sys.modules["visionft.training.train"], "train_epochs", die)
        with pytest.raises(RuntimeError, match="power cut"):
            train(settings(), silent)
    assert same(weights(whole), weights(train(settings(), silent)))


def test_a_finished_run_is_returned_as_it_is(settings: Make) -> None:
    first = train(settings(), silent)
    stamp = (first.path / layout.WEIGHTS).stat().st_mtime_ns
    lines: list[str] = []
    train(settings(), lines.append)
    assert any("is finished already; give another --out" in line for line in lines)
    assert (first.path / layout.WEIGHTS).stat().st_mtime_ns == stamp


def test_other_settings_are_refused_by_name(settings: Make) -> None:
    train(settings(), silent)
    with pytest.raises(RunMismatchError, match=r"optim\.lr was auto, is 0\.01; seed was 0, is 3"):
        train(settings(seed=3, **{"optim.lr": 0.01}), silent)


def test_a_setting_that_is_younger_than_a_run_has_its_default_there(settings: Make) -> None:
    run = train(settings(), silent)
    record = json.loads((run.path / layout.CHOICES).read_text())
    for section, name in (("optim", "l2_sp"), ("method", "head_first")):
        del record["requested"][section][name]
    del record["requested"]["classes"]
    (run.path / layout.CHOICES).write_text(json.dumps(record))

    assert train(settings(), silent).path == run.path
    with pytest.raises(RunMismatchError, match=r"\(optim\.l2_sp was 0\.0, is 3\.0\)"):
        train(settings(**{"optim.l2_sp": 3.0}), silent)


def test_a_run_goes_on_whether_or_not_its_photos_are_opened_again(settings: Make) -> None:
    run = train(settings(), silent)
    assert train(settings(**{"data.scan_cache": False}), silent).path == run.path


def test_other_photos_are_refused(settings: Make, shapes: Path) -> None:
    train(settings(), silent)
    extra = shapes / "disc" / "new.jpg"
    extra.write_bytes((shapes / "square" / "00.jpg").read_bytes()[:-2] + b"  \xff\xd9")
    try:
        with pytest.raises(RunMismatchError, match=r"60 photos then, 61 now"):
            train(settings(), silent)
    finally:
        extra.unlink()


def test_a_run_in_use_is_refused(settings: Make) -> None:
    run = train(settings(), silent)
    with locking.held(run.path), pytest.raises(RunBusyError, match=r"in use by another process \(number \d+\)"):
        train(settings(), silent)


def test_a_folder_of_somebody_else_is_left_alone(settings: Make, tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "thesis.tex").write_text("mine")
    with pytest.raises(RunError, match=r"holds other files \(thesis.tex\); choose an empty or new folder with --out"):
        train(settings(), silent)
    assert [entry.name for entry in (tmp_path / "run").iterdir()] == ["thesis.tex"]


def test_a_failure_before_the_start_leaves_no_folder(settings: Make, tmp_path: Path) -> None:
    with pytest.raises(WeightsError):
        train(settings(weights=str(tmp_path / "missing.safetensors")), silent)
    assert not (tmp_path / "run").exists()


def test_a_damaged_checkpoint_is_said(settings: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(self: Classifier, batch: Any, batch_idx: int) -> None:
        self.step += 1
        signal.raise_signal(signal.SIGTERM)

    with monkeypatch.context() as patch:
        patch.setattr(Classifier, "training_step", stop)
        with pytest.raises(Interrupted) as caught:
            train(settings(), silent)
    assert caught.value.exit_code == 143
    (tmp_path / "run" / layout.CHECKPOINT).write_bytes(b"PK\x03\x04 not a checkpoint")
    with pytest.raises(RunError, match=r"checkpoint\.pt is damaged .*; delete it to train again from the start"):
        train(settings(), silent)


class Narrow(nn.Module):
    """A network on a device with room for so many photos."""

    def __init__(self, network: nn.Module, room: int) -> None:
        super().__init__()
        self.network, self.room = network, room

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if len(x) > self.room:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return self.network(x)


def narrowed(monkeypatch: pytest.MonkeyPatch, room: int) -> None:
    original = Classifier.__init__

    def init(self: Classifier, *args: Any, **kwargs: Any) -> None:
        original(self, *args, **kwargs)
        self._forward = Narrow(self.network, room)

    monkeypatch.setattr(Classifier, "__init__", init)


def test_out_of_memory_halves_the_micro_batch_under_the_same_effective_batch(
    settings: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flags = {"optim.norm_statistics": "frozen"}  # batch statistics would differ between micro-batches, as they must
    reference = train(settings(out=tmp_path / "accumulated", **flags, **{"optim.micro_batch": 2}), silent)
    narrowed(monkeypatch, 3)
    run = train(settings(**flags), silent)
    assert Checkpoint.load(run.path / layout.CHECKPOINT).micro_batch == 2
    assert same(weights(run), weights(reference))


def test_no_room_for_one_photo_is_said(settings: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    narrowed(monkeypatch, 0)
    with pytest.raises(MemoryShortError, match="no room for a single photo"):
        train(settings(), silent)


def test_accumulated_gradients_equal_those_of_the_whole_batch(settings: Make, tmp_path: Path) -> None:
    flags = {"optim.norm_statistics": "frozen", "epochs": 1}
    whole = train(settings(out=tmp_path / "whole", **flags), silent)
    parts = train(settings(out=tmp_path / "parts", **flags, **{"optim.micro_batch": 3}), silent)
    for name, tensor in weights(whole).items():
        assert torch.allclose(tensor, weights(parts)[name], atol=1e-4), name


def test_early_stopping_ends_before_the_last_epoch(settings: Make) -> None:
    said: list[str] = []
    run = train(settings(epochs=30, **{"optim.patience": 1, "optim.lr": 0.5}), said.append)
    epochs = len((run.path / layout.METRICS).read_text().splitlines()) - 1
    assert epochs < 30
    told = [line for line in said if line.startswith("stopped")]
    assert len(told) == 1
    assert re.fullmatch(
        rf"stopped after epoch {epochs} of 30: the validation loss was lowest after epoch {epochs - 1}, and "
        r"--optim\.patience 1 allows no more epochs without a lower one",
        told[0],
    )


def test_the_record_explains_the_run(settings: Make) -> None:
    run = train(settings(**{"optim.lr": "auto"}), silent)
    record = json.loads((run.path / layout.CHOICES).read_text())
    reasons = {choice["setting"]: choice["reason"] for choice in record["choices"]}
    assert reasons["optim.lr"] == "from scratch"
    assert "auto" not in (run.path / layout.SETTINGS).read_text().replace("out: auto", "")
