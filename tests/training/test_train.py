"""A run learns, leaves what it promises, and goes on bit for bit after any interruption."""

from __future__ import annotations

import csv
import json
import re
import resource
import signal
import sys
from pathlib import Path
from typing import Any

import pytest
import timm
import torch
from safetensors.torch import load_file, save_file
from torch import nn

import visionft
from tests.disks import read_only
from tests.resealing import reseal
from visionft import backbones
from visionft.backbones import forward_batches
from visionft.data import EvalPhotos, eval_batches
from visionft.errors import BackboneError, MemoryShortError, RunBusyError, RunError, RunMismatchError, WeightsError
from visionft.machine.devices import has_bf16
from visionft.machine.stop_signals import Interrupted
from visionft.runs import Run, layout, lock
from visionft.settings import from_yaml
from visionft.training import loop, train
from visionft.training.callbacks import Figures
from visionft.training.checkpoint import Checkpoint
from visionft.training.objective import Objective
from visionft.training.run_writer import RunWriter
from visionft.training.state import TrainState

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


@pytest.mark.skipif(
    has_bf16("cpu") is False, reason="SKIPPED ALOUD: the processor has no bf16, so nothing could differ"
)
def test_a_solved_head_has_one_figure(settings: Make) -> None:
    run = train(settings(backbone="visionft_pico", weights="hub", method="head", epochs="auto"), silent)
    (solved,) = csv.DictReader((run.path / layout.METRICS).read_text().splitlines())
    network, rows = run.network(), run.manifest().rows("validation")
    batches = eval_batches(EvalPhotos(rows, run.manifest().root, run.preprocess), 64, 0)
    answers = forward_batches(network, batches, run.preprocess, device="cpu")
    loss = torch.nn.functional.cross_entropy(*map(torch.from_numpy, (answers["logits"], answers["labels"]))).item()
    assert float(solved["val_top1"]) == pytest.approx(run.result["val"]["top1"], abs=1e-6)
    assert float(solved["val_loss"]) == pytest.approx(loss, abs=1e-5)
    batches = eval_batches(EvalPhotos(rows, run.manifest().root, run.preprocess), 64, 0)
    other = forward_batches(network, batches, run.preprocess, device="cpu", dtype=torch.bfloat16)
    assert abs(other["embedding"] - answers["embedding"]).max() > 1e-3, "bf16 would have had another one"


def test_epochs_say_in_which_arithmetic_their_figures_are(settings: Make) -> None:
    lines: list[str] = []
    run = train(settings(**{"hardware.precision": "bf16"}), lines.append)
    assert sum("% in bf16  " in line for line in lines) == 2
    rows = csv.DictReader((run.path / layout.METRICS).read_text().splitlines())
    kept = next(row for row in rows if int(row["epoch"]) == run.result["kept_epoch"])
    told = any("these are the figures in fp32, of what is exported; in bf16, as training computes" in s for s in lines)
    assert told == (float(kept["val_top1"]) != run.result["val"]["top1"])
    plain: list[str] = []
    train(settings(out=run.path.with_name("plain"), epochs=1), plain.append)
    assert not any("in fp32" in line for line in plain)


def test_a_network_whose_answers_are_not_finite_is_said_before_anything_is_solved(
    settings: Make, tmp_path: Path
) -> None:
    state = timm.create_model("test_resnet", num_classes=0).state_dict()
    large = {name: value * 1e30 if name.endswith("conv1.weight") else value for name, value in state.items()}
    large |= {name: torch.full_like(value, 1e30) for name, value in state.items() if name.endswith("bn1.weight")}
    save_file(large, tmp_path / "w.safetensors")
    words = r"test_resnet answers numbers that are not finite for (\d+) of \1 train photos, such as disc/.*; give other"
    with pytest.raises(BackboneError, match=words):
        train(settings(weights=str(tmp_path / "w.safetensors"), method="head", epochs="auto"), silent)
    assert not (tmp_path / "run" / layout.RESULT).exists()


def test_a_training_that_diverges_is_left_and_the_best_weights_stay(
    settings: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = loop.validate

    def diverging(state: TrainState, *words: Any) -> Figures:
        return original(state, *words) if state.epoch < 2 else Figures(float("nan"), 1.0)

    monkeypatch.setattr(loop, "validate", diverging)
    with pytest.raises(
        RunError, match=r"training diverged in epoch 2: the validation loss is nan; give a lower --optim"
    ):
        train(settings(), silent)
    rows = list(csv.DictReader((tmp_path / "run" / layout.METRICS).read_text().splitlines()))
    assert [row["epoch"] for row in rows] == ["1"]
    assert (tmp_path / "run" / layout.BEST).is_file()


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
    original = loop.optimizer_step

    def watching(state: TrainState, *words: Any) -> None:
        original(state, *words)
        copies = {k: v.clone() for k, v in state.network.state_dict().items()}
        seen.append((state.schedule.phase(state.step - 1), copies))

    monkeypatch.setattr(loop, "optimizer_step", watching)
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


def test_corrected_flags_are_compared_before_the_old_splits_are_laid_over_the_photos(
    settings: Make, shapes: Path, tmp_path: Path, stopping_at: Stopping
) -> None:
    catalogue = tmp_path / "catalogue"  # class/product/photo: without a depth every product is a class
    for photo in sorted(shapes.glob("*/*.jpg")):
        place = catalogue / photo.parent.name / f"sku{int(photo.stem) % 2}" / photo.name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(photo.read_bytes())
    with stopping_at(1):
        train(settings(photos=catalogue, **{"data.depth": 2}), silent)
    with pytest.raises(RunMismatchError, match=r"\(data.depth was 2, is 1\); give the same ones or another --out"):
        train(settings(photos=catalogue, **{"data.depth": 1}), silent)


AUTO = {"optim.lr": "auto", "optim.micro_batch": "auto", "augment.size": "auto", "hardware.threads": "auto"}


def test_what_auto_became_may_be_given_instead_of_it(settings: Make, tmp_path: Path, stopping_at: Stopping) -> None:
    whole = train(settings(out=tmp_path / "whole", **AUTO), silent)
    with stopping_at(3):
        train(settings(**AUTO), silent)
    resolved = from_yaml(tmp_path / "run" / layout.SETTINGS)
    assert resolved.out == tmp_path / "run"
    assert resolved.optim.lr != "auto"
    other = resolved.model_copy(update={"optim": resolved.optim.model_copy(update={"lr": 0.5})})
    with pytest.raises(RunMismatchError, match=r"settings \(optim\.lr was auto, is 0\.5\); give"):
        train(other, silent)
    lines: list[str] = []
    assert same(weights(whole), weights(train(resolved, lines.append)))
    assert any("going on with the unfinished run" in line and "after step 3" in line for line in lines)
    train(resolved, lines.append)
    assert lines[-1].endswith("is finished already; give another --out to train again")
    train(settings(out=tmp_path / "again", **{"optim.lr": resolved.optim.lr}), silent)
    with pytest.raises(RunMismatchError, match=r"optim\.lr was 0\.\d+, is auto"):
        train(settings(out=tmp_path / "again"), silent)


def test_the_settings_of_a_run_mean_that_run_wherever_it_is_now(settings: Make, tmp_path: Path) -> None:
    first = train(settings(), silent)
    first.path.rename(tmp_path / "moved")
    lines: list[str] = []
    again = visionft.fit(config=tmp_path / "moved" / layout.SETTINGS, say=lines.append)
    assert again.path == tmp_path / "moved"
    assert any("is finished already" in line for line in lines)
    with pytest.raises(RunMismatchError, match=r"moved was made with other settings \(seed was 0, is 1\)"):
        visionft.fit(config=tmp_path / "moved" / layout.SETTINGS, say=silent, seed=1)
    other = visionft.fit(config=tmp_path / "moved" / layout.SETTINGS, say=silent, out=tmp_path / "other")
    assert same(weights(again), weights(other))


def test_a_setting_that_is_younger_than_a_run_has_its_default_there(settings: Make) -> None:
    run = train(settings(), silent)
    record = json.loads((run.path / layout.CHOICES).read_text())
    for section, name in (("optim", "l2_sp"), ("method", "head_first")):
        del record["requested"][section][name]
    del record["requested"]["classes"]
    (run.path / layout.CHOICES).write_text(json.dumps(record))
    reseal(run.path)

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
    with lock.held(run.path), pytest.raises(RunBusyError, match=r"in use by another process \(number \d+\)"):
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
    def stop(state: TrainState, *words: Any) -> None:
        state.step += 1
        signal.raise_signal(signal.SIGTERM)

    with monkeypatch.context() as patch:
        patch.setattr(loop, "optimizer_step", stop)
        with pytest.raises(Interrupted) as caught:
            train(settings(), silent)
    assert caught.value.exit_code == 143
    (tmp_path / "run" / layout.CHECKPOINT).write_bytes(b"PK\x03\x04 not a checkpoint")
    with pytest.raises(RunError, match=r"checkpoint\.pt is damaged .*; delete it to train again from the start"):
        train(settings(), silent)


@pytest.mark.parametrize("name", [layout.BEST, layout.START, layout.SPLITS, layout.PREPROCESS])
@pytest.mark.parametrize("damage", ["lost", "flipped"])
def test_an_unfinished_run_whose_files_changed_does_not_go_on(
    settings: Make, tmp_path: Path, stopping_at: Stopping, name: str, damage: str
) -> None:
    with stopping_at(6):
        train(settings(), silent)
    path, kept = tmp_path / "run" / name, (tmp_path / "run" / name).read_bytes()
    if damage == "lost":
        path.unlink()
    else:
        path.write_bytes(kept[:-9] + bytes([kept[-9] ^ 1]) + kept[-8:])
    found = "it is missing" if damage == "lost" else r"its digest is not the one in digests\.json"
    remedy = ", or delete checkpoint.pt to train again from the start" if name in (layout.BEST, layout.START) else ""
    with pytest.raises(RunError, match=rf"{name} is damaged \({found}\); restore it from a copy{remedy}"):
        train(settings(), silent)
    path.write_bytes(kept)
    assert (train(settings(), silent).path / layout.RESULT).is_file()


def test_the_best_weights_of_an_epoch_whose_checkpoint_was_not_written_any_more_are_no_damage(
    settings: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = train(settings(out=tmp_path / "whole"), silent)
    original = RunWriter.write_best

    def power_cut(self: RunWriter, state: TrainState) -> None:
        original(self, state)
        if state.step:
            raise SystemError("power cut")

    with monkeypatch.context() as patch:
        patch.setattr(RunWriter, "write_best", power_cut)
        with pytest.raises(SystemError, match="power cut"):
            train(settings(), silent)
    assert same(weights(whole), weights(train(settings(), silent)))


def test_a_flipped_bit_in_a_checkpoint_is_said(settings: Make, tmp_path: Path, stopping_at: Stopping) -> None:
    with stopping_at(3):
        train(settings(), silent)
    path = tmp_path / "run" / layout.CHECKPOINT
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    words = r"checkpoint\.pt is damaged \(its digest is not the one in digests\.json\); delete it to train again"
    with pytest.raises(RunError, match=words):
        train(settings(), silent)
    path.unlink()
    assert (train(settings(), silent).path / layout.RESULT).is_file()


def test_a_run_on_a_disk_that_became_read_only_is_said(settings: Make, tmp_path: Path, stopping_at: Stopping) -> None:
    with stopping_at(3):
        train(settings(), silent)
    with (
        read_only(tmp_path / "run"),
        pytest.raises(RunError, match=r"run.lock cannot be used to hold .*; make its fol"),
    ):
        train(settings(), silent)
    assert (train(settings(), silent).path / layout.RESULT).is_file()


def test_a_limit_on_the_size_of_files_is_said(settings: Make, tmp_path: Path) -> None:
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, limits[1]))
    try:
        with pytest.raises(RunError, match=r"could not be written \(the file would be larger than .*ulimit -f`\)"):
            train(settings(), silent)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert (train(settings(), silent).path / layout.RESULT).is_file()


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
    original = Objective.__init__

    def init(self: Objective, *args: Any, **kwargs: Any) -> None:
        original(self, *args, **kwargs)
        self._ask = Narrow(self.network, room)

    monkeypatch.setattr(Objective, "__init__", init)


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
    with pytest.raises(MemoryShortError, match=r"^this machine has no room for a single photo"):
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
    assert "auto" not in (run.path / layout.SETTINGS).read_text().replace("layout: auto", "")
