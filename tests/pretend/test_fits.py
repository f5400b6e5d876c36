"""Whole fits on the pretended GPU: no tensor is on the wrong side on any path, and no step waits for the device."""

from __future__ import annotations

import signal
import weakref
from collections import Counter
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from lightning.fabric import Fabric

import visionft
from tests.pretend.device import pretended
from tests.pretend.tensors import waits
from visionft.runs import layout
from visionft.settings.fields import leaves
from visionft.training import loop, step
from visionft.training.checkpoint import Checkpoint
from visionft.training.objective import Objective
from visionft.training.run_writer import RunWriter
from visionft.training.state import TrainState

BASE: dict[str, Any] = {
    "backbone": "visionft_pico", "epochs": 1, "optim.batch_size": 16, "optim.micro_batch": 8, "hardware.workers": 0,
    "hardware.threads": 1, "hardware.device": "cuda", "hardware.precision": "bf16", "augment.strength": "light",
    "preprocess.size": 64, "augment.size": 64,
}  # fmt: skip
VIT: dict[str, Any] = {
    "backbone": "test_vit", "weights": "none", "preprocess.size": 160, "augment.size": 160, "epochs": 1,
}  # fmt: skip

PATHS: dict[str, dict[str, Any]] = {
    "full: average, frozen norms, calibration, solved start": {},
    "full: fp32, no average, own statistics of batch norms, strong augmentation": {
        "hardware.precision": "fp32", "optim.ema": 0.0, "optim.norm_statistics": "batch", "augment.strength": "strong",
        "hardware.channels_last": False, "optim.clip": 0.0,
    },
    "full: fp16 with its scaler": {"hardware.precision": "fp16"},
    "full: mixup, CutMix, smoothing, class weights, pull to the start": {
        "augment.mixup": 0.4, "augment.cutmix": 0.4, "optim.label_smoothing": 0.2, "optim.class_weights": "balanced",
        "optim.l2_sp": 0.01, "optim.layer_decay": 0.8,
    },
    "full: gradient checkpointing, growing crops, early stopping": {
        "backbone": "test_resnet", "weights": "none",
        "hardware.gradient_checkpointing": True, "augment.start_size": 32, "optim.patience": 1,
    },
    "full: decoded photos, padded": {
        "data.cache": "decoded", "preprocess.mode": "pad", "preprocess.size": 96,
        "augment.size": 96,
    },
    "full from scratch: new head": {"weights": "none", "epochs": 1},
    "head: solved": {
        "method.name": "head", "epochs": "auto", "optim.batch_size": "auto", "optim.micro_batch": "auto",
        "augment.strength": "auto", "hardware.precision": "auto", "preprocess.size": "auto", "augment.size": "auto",
    },
    "head: cosine by epochs, views behind the frozen part": {
        "method.name": "head", "head": "cosine", "augment.views": 2,
    },
    "head: mlp by epochs": {"method.name": "head", "head": "mlp"},
    "gradual: phases, remembered prefixes": {
        "method.name": "gradual", "augment.views": 1, "epochs": 3, "hardware.prefix_bytes": 10_000_000,
    },
    "lora on convolutions": {"method.name": "lora", "method.rank": 2},
    "lora on attention: bf16 base, dropout, ratio of rates": {
        **VIT, "method.name": "lora", "method.rank": 2, "method.base_dtype": "bf16", "method.dropout": 0.1,
        "method.lr_ratio": 4.0, "method.rslora": True, "method.targets": "qv",
    },
    "qlora: int8 base": {**VIT, "method.name": "qlora", "method.quantization": "int8", "method.rank": 2},
    "adapter": {**VIT, "method.name": "adapter", "method.width": 8},
    "prompt": {**VIT, "method.name": "prompt", "method.tokens": 2},
    "bitfit above a frozen part": {"method.name": "bitfit", "method.unfreeze": 0.5, "augment.views": 1},
    "norm, logits adjusted": {"method.name": "norm", "optim.logit_adjustment": 1.0},
}  # fmt: skip

OTHERWISE = {
    "from_run": "test_a_second_run_goes_on_learns_from_it_and_measures_what_it_forgot",
    "distill": "test_a_second_run_goes_on_learns_from_it_and_measures_what_it_forgot",
    "distillation.temperature": "test_a_second_run_goes_on_learns_from_it_and_measures_what_it_forgot",
    "distillation.truth": "test_a_second_run_goes_on_learns_from_it_and_measures_what_it_forgot",
    "distillation.features": "test_a_second_run_goes_on_learns_from_it_and_measures_what_it_forgot",
    "retention": "test_a_second_run_goes_on_learns_from_it_and_measures_what_it_forgot",
    "task": "test_numbers_are_learnt_there_too",
    "loss": "test_numbers_are_learnt_there_too",
    "embedding.size": "test_embeddings_are_learnt_there_too",
    "embedding.per_class": "test_embeddings_are_learnt_there_too",
    "hardware.compile": "torch.compile traces through no tensor subclass that lies; benchmarks/gpu.py has it",
}
HOST = {
    "photos", "out", "seed", "apply", "augment.pipeline", "report.pictures",
    "data.inside", "data.layout", "data.depth", "data.group_by", "data.validation",
    "data.test",
    "data.splits", "data.split_by", "data.sampling", "optim.effective_beta",
    "data.path_column", "data.label_column", "data.taxonomy",
    "data.cache_gb", "data.max_pixels", "data.scan_cache", "classes.rename",
    "preprocess.crop_pct", "augment.flip", "hardware.checkpoint_seconds", "optim.warmup", "optim.weight_decay",
    "optim.lr", "optim.head_lr", "augment.size", "method.solver", "method.head_first", "method.phases", "method.cycles",
    "method.alpha", "method.scale", "method.deep", "labels.at_least_one", "labels.precision",
}  # fmt: skip
"""Settings that change numbers or what the host does, and no path of tensors."""


def flags(**given: Any) -> dict[str, Any]:
    """Return the flags of a fit; what another one of the method would refuse is left out."""
    found = {**BASE, **given}
    return {name: value for name, value in found.items() if value != "auto"}


@pytest.mark.parametrize("name", PATHS)
def test_no_tensor_is_on_the_wrong_side(name: str, shapes: Path, tmp_path: Path) -> None:
    with pretended():
        run = visionft.fit(shapes, out=tmp_path / "run", say=lambda _: None, **flags(**PATHS[name]))
    assert run.path.is_dir()
    assert (run.path / "evaluation" / "test" / "metrics.json").is_file()


def test_a_second_run_goes_on_learns_from_it_and_measures_what_it_forgot(shapes: Path, tmp_path: Path) -> None:
    quiet: Any = {"say": lambda _: None}
    with pretended():
        first = visionft.fit(shapes, out=tmp_path / "first", **quiet, **flags(epochs=1))
        second = visionft.fit(
            shapes, out=tmp_path / "second", from_run=first, distill=first, retention=shapes, **quiet,
            **{k: v for k, v in flags(epochs=1).items() if k != "backbone"},
            **{"distillation.temperature": 3.0, "distillation.truth": 0.5, "distillation.features": 0.5},
        )  # fmt: skip
        visionft.blend(second, **quiet)
        visionft.evaluate(second, split="validation")
        exported = visionft.export(second, tmp_path / "bundle")
    assert exported.bundle.is_dir()


def test_numbers_are_learnt_there_too(shapes: Path, tmp_path: Path) -> None:
    photos = sorted(shapes.rglob("*.jpg"))
    rows = [f"{photo},{number % 7}" for number, photo in enumerate(photos)]
    (tmp_path / "numbers.csv").write_text("\n".join(["path,label", *rows]) + "\n")
    wanted = flags(task="regression", loss="l1", **{"method.name": "lora", "method.rank": 2})
    with pretended():
        run = visionft.fit(tmp_path / "numbers.csv", out=tmp_path / "run", say=lambda _: None, **wanted)
    assert run.result["val"]["mae"] >= 0


def several_labels(shapes: Path, place: Path) -> Path:
    """Write a manifest of several labels a photo, some of them unknown."""
    names = ("a", "b", "a|b", "", "?a", "b|?a")
    rows = [f"{photo},{names[number % 6]}" for number, photo in enumerate(sorted(shapes.rglob("*.jpg")))]
    place.write_text("\n".join(["path,label", *rows]) + "\n")
    return place


@pytest.mark.parametrize("loss", ["bce", "asl"])
def test_several_labels_are_learnt_there_too(loss: str, shapes: Path, tmp_path: Path) -> None:
    wanted = flags(task="multilabel", loss=loss, **{"optim.class_weights": "balanced", "augment.cutmix": 0.5})
    with pretended():
        run = visionft.fit(
            several_labels(shapes, tmp_path / "a.csv"), out=tmp_path / "run", say=lambda _: None, **wanted
        )
    assert run.result["val"]["map"] >= 0


def nested(shapes: Path, place: Path) -> Path:
    """Write a manifest of a taxonomy, some photos of which are labelled above a leaf."""
    names = ("a/x", "a/y", "b", "a")
    rows = [f"{photo},{names[number % 4]}" for number, photo in enumerate(sorted(shapes.rglob("*.jpg")))]
    place.write_text("\n".join(["path,label", *rows]) + "\n")
    return place


def columns(shapes: Path, place: Path) -> Path:
    """Write a manifest of two columns in the cells of one, the second one unknown here and there."""
    photos = sorted(shapes.rglob("*.jpg"))
    rows = [f"{photo},{'xyz'[number % 3]},{('u', 'v', '')[number // 20]}" for number, photo in enumerate(photos)]
    place.write_text("\n".join(["path,a,b", *rows]) + "\n")
    return place


@pytest.mark.slow
@pytest.mark.parametrize("loss", ["arcface", "supcon"])  # one_hot, of proxy_anchor, is more than the stand-in can do
def test_embeddings_are_learnt_there_too(loss: str, shapes: Path, tmp_path: Path) -> None:
    wanted = flags(task="retrieval", loss=loss, **{"embedding.size": 16, "embedding.per_class": 2})
    pieces = {} if loss == "arcface" else {"optim.micro_batch": 16}
    with pretended():
        run = visionft.fit(shapes, out=tmp_path / "run", say=lambda _: None, **{**wanted, **pieces})
    assert run.result["val"]["recall1"] >= 0


@pytest.mark.parametrize("task", ["classification", "multilabel", "hierarchical", "multihead"])
def test_a_step_never_waits_for_the_device(
    task: str, shapes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = {"multilabel": several_labels, "hierarchical": nested, "multihead": columns}
    photos = written[task](shapes, tmp_path / "a.csv") if task in written else shapes
    inside, steps = Counter[tuple[str, str]](), Counter[str]()

    def count(room: ModuleType, name: str) -> None:
        plain = getattr(room, name)

        def counted(*arguments: Any) -> Any:
            before = Counter(waits)
            answer = plain(*arguments)
            inside.update(waits - before)
            steps[name] += 1
            return answer

        monkeypatch.setattr(room, name, counted)

    count(loop, "optimizer_step")
    count(step, "validation_step")
    with pretended():
        wanted = flags(task=task, **{"augment.mixup": 0.2, "epochs": 1})
        wanted |= {"data.label_column": "a,b"} if task == "multihead" else {}
        visionft.fit(photos, out=tmp_path / "run", say=lambda _: None, **wanted)
    assert set(steps) == {"optimizer_step", "validation_step"}
    assert inside == {}


def test_every_setting_has_a_path_or_a_reason() -> None:
    known = set(leaves())
    tried = {name for path in [BASE, *PATHS.values()] for name in path}
    assert known, "the tree of settings has leaves"
    assert known - tried - HOST - OTHERWISE.keys() == set()


def test_a_planted_tensor_of_the_host_is_found(shapes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = Objective.forward
    planted = torch.ones(3)
    monkeypatch.setattr(Objective, "forward", lambda *arguments: (plain(*arguments) + planted).mean())
    with pretended(), pytest.raises(RuntimeError, match="same device"):
        visionft.fit(shapes, out=tmp_path / "run", say=lambda _: None, **flags())


def test_a_pass_without_room_is_tried_again_at_half_its_size_and_holds_nothing(
    shapes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain, losses, alive = Fabric.backward, [], []

    def short(self: Fabric, loss: torch.Tensor) -> None:
        if not losses:
            losses.append(weakref.ref(loss))
            raise torch.OutOfMemoryError("planted")
        plain(self, loss)

    said: list[str] = []
    with pretended():
        # The memory of the pass that failed is wanted back before the smaller one begins.
        monkeypatch.setattr(torch.cuda, "empty_cache", lambda: alive.extend(loss() for loss in losses))
        monkeypatch.setattr(Fabric, "backward", short)
        run = visionft.fit(shapes, out=tmp_path / "run", say=said.append, **flags(**{"optim.micro_batch": 8}))
    halved = "out of GPU memory: going on with micro-batches of 4 under the same effective batch"
    assert [line for line in said if "memory:" in line] == [halved]
    assert set(alive) == {None}, "the graph of the pass that failed lived on beside the new one"
    assert run.path.is_dir()


def test_a_schedulers_variables_change_nothing(shapes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Under SLURM Lightning would resume from any hpc_ckpt_N.ckpt in the working folder, another fit's too."""
    for name, value in {"SLURM_NTASKS": "1", "SLURM_JOB_ID": "7", "SLURM_JOB_NAME": "fit", "SLURM_PROCID": "0"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "hpc_ckpt_1.ckpt").write_bytes(b"the checkpoint of another fit")
    before = signal.getsignal(signal.SIGUSR1)
    given = {**flags(), "hardware.device": "cpu", "hardware.precision": "fp32"}
    run = visionft.fit(shapes, out=tmp_path / "run", say=lambda _: None, **given)
    assert signal.getsignal(signal.SIGUSR1) is before
    assert len((run.path / "metrics.csv").read_text().splitlines()) == 1 + 2
    assert (tmp_path / "hpc_ckpt_1.ckpt").read_bytes() == b"the checkpoint of another fit"


def test_a_resumed_run_in_fp16_goes_on_with_its_loss_scale(
    shapes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A scale that starts anew skips other steps than the whole run did, so that the weights are others'."""
    given = flags(**{"hardware.precision": "fp16", "epochs": 2, "optim.micro_batch": 16})
    write, take, begun = RunWriter.checkpoint, loop.optimizer_step, []

    def stopping(self: RunWriter, state: TrainState) -> None:
        write(self, state)
        if state.step:
            raise KeyboardInterrupt

    def watched(state: TrainState, *arguments: Any) -> None:
        assert state.scaler is not None
        begun.append(dict(state.scaler.state_dict()))
        take(state, *arguments)

    with pretended():
        monkeypatch.setattr(RunWriter, "checkpoint", stopping)
        with pytest.raises(KeyboardInterrupt):
            visionft.fit(shapes, out=tmp_path / "run", say=lambda _: None, **given)
        monkeypatch.setattr(RunWriter, "checkpoint", write)
        kept = Checkpoint.load(tmp_path / "run" / layout.CHECKPOINT)
        monkeypatch.setattr(loop, "optimizer_step", watched)
        visionft.fit(shapes, out=tmp_path / "run", say=lambda _: None, **given)
    assert kept.scaler["_growth_tracker"] == kept.step > 0  # steps since the scale last changed
    assert begun[0] == kept.scaler
