"""A frozen part runs once for each view, and training cannot tell."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from visionft import backbones, methods
from visionft.backbones import Network
from visionft.data import TrainPhotos
from visionft.errors import SettingsError
from visionft.machine.stop_signals import Interrupted
from visionft.methods import Group, Schedule
from visionft.runs import Run, layout
from visionft.settings import GradualMethod, HeadMethod, OptimSettings, Phase
from visionft.training import activation_store, frozen_cache, loop, train
from visionft.training.checkpoint import Checkpoint
from visionft.training.frozen_cache import FrozenPhase, frozen_phases
from visionft.training.state import TrainState

Make = Any
AGREE = 1e-4
PHOTOS = 40  # to train on
GRADUAL = {
    "name": "gradual",
    "phases": [{"epochs": 3, "unfreeze": 0.3}, {"epochs": 1, "unfreeze": 1.0, "lr": 1e-3}],
    "cycles": 2,
}
VIT = {"backbone": "test_vit", "preprocess.size": 48, "augment.size": 48}
MLP = {"method": "head", "head": "mlp", "epochs": 4}
KINDS: dict[str, dict[str, Any]] = {
    "mlp head": MLP,
    "cosine head": {**MLP, "head": "cosine"},
    "gradual": {"method": GRADUAL, "optim.ema": 0.9, "optim.norm_statistics": "batch"},
    "lora on the last blocks": {**VIT, "method": {"name": "lora", "unfreeze": 0.4}, "epochs": 3},
    "prompts of the last blocks": {**VIT, "method": {"name": "prompt", "unfreeze": 0.4}, "epochs": 3},
}
QUICK = ("gradual",)  # it freezes, thaws and freezes again


def weights(run: Run) -> dict[str, Tensor]:
    return load_file(run.path / layout.WEIGHTS)


def furthest(one: Run, other: Run) -> float:
    """Return the largest difference of the weights behind the last step: the best epoch's may be those of the first."""
    a, b = (Checkpoint.load(run.path / layout.CHECKPOINT).network for run in (one, other))
    return max(float((a[name].float() - b[name].float()).abs().max()) for name in a)


def silent(_: str) -> None:
    pass


@pytest.mark.parametrize(
    "kind", [kind if kind in QUICK else pytest.param(kind, marks=pytest.mark.slow) for kind in KINDS]
)
def test_cached_and_live_phases_over_the_same_views_agree(settings: Make, tmp_path: Path, kind: str) -> None:
    flags, lines, live_lines = {**KINDS[kind], "augment.views": 2}, list[str](), list[str]()
    cached = train(settings(out=tmp_path / "cached", **flags), lines.append)
    live = train(settings(out=tmp_path / "live", **flags, **{"hardware.prefix_bytes": 0}), live_lines.append)
    phases = 2 if kind == "gradual" else 1
    assert sum("is frozen, and ran once for 2 views of" in line for line in lines) == phases
    assert sum("and --hardware.prefix-bytes allows 0" in line for line in live_lines) == phases
    assert furthest(cached, live) <= AGREE
    other = train(settings(out=tmp_path / "other", **{**flags, "augment.views": None}), silent)
    assert furthest(cached, other) > AGREE  # else the views would not matter, and nothing was compared


def test_the_backbone_runs_once_for_each_view_of_a_photo(settings: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[int, int]] = []
    original = TrainPhotos.__getitem__

    def noting(self: TrainPhotos, sample: tuple[int, int]) -> Any:
        seen.append(sample)
        return original(self, sample)

    monkeypatch.setattr(TrainPhotos, "__getitem__", noting)
    trained: list[bool] = []
    step = loop.optimizer_step

    def watching(state: TrainState, batch: Any, cut: Any) -> None:
        step(state, batch, cut)
        trained.append(batch[0].dtype == torch.float32 and batch[0].ndim == 2)

    monkeypatch.setattr(loop, "optimizer_step", watching)
    train(settings(**MLP, **{"augment.views": 2}), silent)
    assert sorted(seen) == [(view, index) for view in (0, 1) for index in range(PHOTOS)]
    assert trained
    assert all(trained)


def test_views_without_chance_are_remembered_by_themselves(settings: Make, tmp_path: Path) -> None:
    lines: list[str] = []
    flags = {**MLP, "augment.strength": "none"}
    cached = train(settings(out=tmp_path / "cached", **flags), lines.append)
    assert any("augment.views = 1  (nothing is random about a view)" in line for line in lines)
    assert any("ran once for 1 view of 40 photos" in line for line in lines)
    live = train(settings(out=tmp_path / "live", **flags, **{"augment.views": None}), silent)
    assert furthest(cached, live) <= AGREE


def test_frozen_parameters_and_buffers_stay_bit_equal_in_cached_phases(
    settings: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    states: list[tuple[bool, int, dict[str, Tensor], dict[str, Tensor]]] = []
    original = loop.optimizer_step

    def watching(state: TrainState, batch: Any, cut: Any) -> None:
        original(state, batch, cut)
        averaged = state.averaged.state_dict() if state.averaged else {}
        copies = ({k: v.clone() for k, v in kept.items()} for kept in (state.network.state_dict(), averaged))
        states.append((cut is not None, state.schedule.phase(state.step - 1), *copies))

    monkeypatch.setattr(loop, "optimizer_step", watching)
    train(settings(**{**KINDS["gradual"], "augment.views": 2}), silent)
    stem = [name for name in states[0][2] if name.startswith("backbone.stem") or "layer1" in name]
    assert stem
    assert {(cached, phase) for cached, phase, *_ in states} == {(True, 0), (False, 1), (True, 2), (False, 3)}
    for phase, frozen in ((0, True), (1, False), (2, True), (3, False)):
        networks = [network for _, p, network, _ in states if p == phase]
        moved = [name for name in stem if not torch.equal(networks[0][name], networks[-1][name])]
        assert bool(moved) != frozen, (phase, moved)
    first, *others = [averaged for _, phase, _, averaged in states if phase == 0]
    assert all(torch.equal(first[name], other[name]) for other in others for name in stem)


# 5 steps an epoch: in the first cached phase, and in the second one
@pytest.mark.parametrize("step", [12, pytest.param(22, marks=pytest.mark.slow)])
def test_a_signal_in_a_cached_phase_and_the_same_call_again_equal_the_uninterrupted_run(
    settings: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    flags = {**KINDS["gradual"], "augment.views": 2}
    whole = train(settings(out=tmp_path / "whole", **flags), silent)
    original = loop.optimizer_step

    def interrupting(state: TrainState, batch: Any, cut: Any) -> None:
        original(state, batch, cut)
        if state.step == step:
            assert cut is not None
            signal.raise_signal(signal.SIGINT)

    with monkeypatch.context() as patch:
        patch.setattr(loop, "optimizer_step", interrupting)
        with pytest.raises(Interrupted):
            train(settings(**flags), silent)
    assert Checkpoint.load(tmp_path / "run" / layout.CHECKPOINT).step == step
    resumed = weights(train(settings(**flags), silent))
    assert all(torch.equal(tensor, resumed[name]) for name, tensor in weights(whole).items())


def test_a_signal_while_the_frozen_part_runs_is_obeyed(
    settings: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flags = {**MLP, "augment.views": 2}
    whole = weights(train(settings(out=tmp_path / "whole", **flags), silent))
    original = activation_store.ActivationStore.put

    def interrupting(self: Any, *arguments: Any) -> None:
        original(self, *arguments)
        signal.raise_signal(signal.SIGINT)

    with monkeypatch.context() as patch:
        patch.setattr(activation_store.ActivationStore, "put", interrupting)
        with pytest.raises(Interrupted):
            train(settings(**flags), silent)
    resumed = weights(train(settings(**flags), silent))
    assert all(torch.equal(tensor, resumed[name]) for name, tensor in whole.items())


def test_a_file_gives_what_memory_gives_and_is_gone(
    settings: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flags, lines = {**MLP, "augment.views": 2}, list[str]()
    in_memory = weights(train(settings(out=tmp_path / "memory", **flags), silent))
    monkeypatch.setattr(activation_store, "IN_MEMORY", 0)
    run = train(settings(**flags), lines.append)
    assert any("MB in a temporary file); 4 epochs save about" in line for line in lines)
    assert all(torch.equal(tensor, in_memory[name]) for name, tensor in weights(run).items())
    assert {entry.name for entry in run.path.iterdir()} == layout.FINISHED


def test_what_is_not_compiled_is_said(settings: Make) -> None:
    lines: list[str] = []
    train(settings(**MLP, **{"augment.views": 2, "hardware.compile": True}), lines.append)
    assert any(
        line.startswith("phase 1 trains from level") and line.endswith("without torch.compile") for line in lines
    )


@pytest.mark.parametrize("mixing", ["mixup", "cutmix"])
def test_mixed_pixels_are_trained_live_and_that_is_said(settings: Make, tmp_path: Path, mixing: str) -> None:
    lines: list[str] = []
    flags = {**MLP, f"augment.{mixing}": 0.2, "augment.strength": "none"}  # for which one view is taken unasked
    with pytest.raises(SettingsError, match=rf"--augment\.views: 2 has no effect, as augment\.{mixing} mixes other"):
        settings(**flags, **{"augment.views": 2})
    run = train(settings(**flags), lines.append)
    assert (
        "phase 1 trains from pixels, with new views in each epoch, though its lower part is frozen: "
        f"--augment.{mixing} mixes the pixels of two photos, other ones in each step"
    ) in lines
    plain = train(settings(out=tmp_path / "plain", **flags, **{"augment.views": None}), silent)
    assert furthest(run, plain) == 0


def test_a_backbone_that_cannot_be_cut_is_trained_live_and_that_is_said(
    settings: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines: list[str] = []
    flags = {**VIT, "method": {"name": "lora", "unfreeze": 0.4}, "epochs": 3}
    plain = train(settings(out=tmp_path / "plain", **flags), silent)
    monkeypatch.setattr(frozen_cache.backbones, "cut", lambda *_: None)
    run = train(settings(**flags, **{"augment.views": 2}), lines.append)
    assert (
        "phase 1 trains from pixels, with new views in each epoch, as its part below level 4 is frozen, but test_vit "
        "cannot be cut there or below"
    ) in lines
    assert furthest(run, plain) == 0


def test_a_disk_without_room_is_said_and_trained_without(
    settings: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines: list[str] = []
    monkeypatch.setattr(activation_store, "IN_MEMORY", 0)
    monkeypatch.setattr(activation_store, "require_space", full)
    train(settings(**MLP, **{"augment.views": 2}), lines.append)
    assert "phase 1 computes its frozen part in each epoch: the disk is full" in lines


def full(*_: Any) -> None:
    from visionft.errors import DiskSpaceError

    raise DiskSpaceError("the disk is full")


def planned(network: Network, method: Any, epochs: int) -> tuple[Schedule, tuple[Group, ...]]:
    depth = backbones.depth_map(network)
    optim = OptimSettings(lr=1e-3, head_lr=1e-3, layer_decay=1.0)
    schedule = methods.schedule(method, optim, methods.Facts(depth.levels, 5, epochs))
    return schedule, methods.groups(network, depth)


def test_phases_with_a_frozen_part_and_more_epochs_than_views_are_found() -> None:
    network = backbones.create("test_vit", "none", 3)
    head = backbones.depth_map(network).head
    assert frozen_phases(*planned(network, HeadMethod(), 6), 4) == (FrozenPhase(1, 0, 6, head, 4),)
    assert frozen_phases(*planned(network, HeadMethod(), 4), 4) == ()
    phases = (Phase(epochs=2, unfreeze=0.5), Phase(epochs=3, unfreeze=0.0), Phase(epochs=9, unfreeze=1.0))
    gradual = GradualMethod(head_first=False, phases=phases)
    assert [(p.number, p.first, p.level) for p in frozen_phases(*planned(network, gradual, 1), 1)] == [
        (1, 0, 3),
        (2, 2, head),
    ]
