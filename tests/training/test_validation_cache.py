"""What never changes about validation photos is computed once, and the figures cannot tell."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from visionft import backbones
from visionft.data import EvalPhotos
from visionft.runs import Run, layout
from visionft.training import activation_store, train, validation_cache
from visionft.training.ema import same_below

Make = Any
Stopping = Any
VALIDATION = 10
MLP = {"method": "head", "head": "mlp", "epochs": 4}
GRADUAL = {
    "name": "gradual",
    "phases": [{"epochs": 3, "unfreeze": 0.3}, {"epochs": 1, "unfreeze": 1.0, "lr": 1e-3}],
    "cycles": 2,
}
VIT = {"backbone": "test_vit", "preprocess.size": 48, "augment.size": 48}
KINDS: dict[str, dict[str, Any]] = {
    "mlp head": MLP,
    "full": {"method": "full", "epochs": 3},
    "mlp head in bf16": {**MLP, "hardware.precision": "bf16"},
    "gradual": {"method": GRADUAL, "optim.ema": 0.9, "optim.norm_statistics": "batch"},
    "gradual without averages": {"method": GRADUAL, "optim.ema": 0.0},
    "lora on the last blocks": {**VIT, "method": {"name": "lora", "unfreeze": 0.4}, "epochs": 3},
    "crops smaller than validation": {**MLP, "preprocess.size": 48},
}
QUICK = ("mlp head", "gradual", "lora on the last blocks")
ONCE = f"{VALIDATION} validation photos run through its frozen part once"
EACH = f"{VALIDATION} validation photos run through its frozen part in each epoch"
DECODED = f"{VALIDATION} validation photos are decoded once (0.0 MB in memory)"


@pytest.fixture(autouse=True)
def _cuts_are_worth_trying(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(validation_cache, "TRIED", 0)


def silent(_: str) -> None:
    pass


def figures(run: Run) -> list[tuple[str, str, str]]:
    """Return what an epoch's validation depends on and found, to the last digit."""
    with (run.path / layout.METRICS).open(newline="") as file:
        return [(row["train_loss"], row["val_loss"], row["val_top1"]) for row in csv.DictReader(file)]


@pytest.mark.parametrize(
    "kind", [kind if kind in QUICK else pytest.param(kind, marks=pytest.mark.slow) for kind in KINDS]
)
def test_figures_are_those_of_whole_passes(settings: Make, tmp_path: Path, kind: str) -> None:
    lines, live_lines = list[str](), list[str]()
    halves = train(settings(out=tmp_path / "halves", **KINDS[kind]), lines.append)
    whole = train(settings(out=tmp_path / "whole", **KINDS[kind], **{"hardware.prefix_bytes": 0}), live_lines.append)
    assert sum(ONCE in line for line in lines) == {"gradual without averages": 2, "full": 0}.get(kind, 1), lines
    assert not any(ONCE in line or "decoded once" in line for line in live_lines)
    assert sum("validation photos are decoded in each epoch: they need" in line for line in live_lines) == 1
    assert figures(halves) == figures(whole)


def test_what_is_remembered_follows_the_phases_and_is_said(settings: Make) -> None:
    lines: list[str] = []
    train(settings(**KINDS["gradual"]), lines.append)
    assert [line for line in lines if f"{VALIDATION} validation photos " in line and "calibration" not in line] == [
        f"phase 1: {ONCE} (0.0 MB in memory)",
        DECODED,  # for phase 2, and for what follows
        f"phase 3: {EACH}, as the averages of its weights still move",
    ]


@pytest.mark.parametrize("flags", [MLP, {"method": "full", "epochs": 4}])
def test_each_photo_is_decoded_once(settings: Make, monkeypatch: pytest.MonkeyPatch, flags: dict[str, Any]) -> None:
    read: list[int] = []
    original = validation_cache.eval_batches

    def noting(photos: EvalPhotos, *arguments: Any) -> Iterator[Any]:
        for batch in original(photos, *arguments):
            read.extend(batch[2].tolist())
            yield batch

    monkeypatch.setattr(validation_cache, "eval_batches", noting)
    run = train(settings(**flags), silent)
    assert len([row for row in figures(run) if row[0] != "nan"]) == 4
    assert sorted(read) == list(range(VALIDATION))


def test_a_cut_within_the_backbone_is_not_tried_for_a_few_photos(
    settings: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines: list[str] = []
    monkeypatch.setattr(
        validation_cache, "TRIED", 2 * VALIDATION
    )  # as many as the two epochs after the first would save
    train(settings(**KINDS["lora on the last blocks"]), lines.append)
    assert any(line.startswith(f"{VALIDATION} validation photos are decoded once") for line in lines)
    assert not any("through its frozen part" in line for line in lines)


@pytest.mark.parametrize("step", [7, 18])  # 5 steps an epoch: of the second epoch, and of the last one
def test_a_run_that_is_interrupted_comes_to_the_same_figures(
    settings: Make, tmp_path: Path, stopping_at: Stopping, step: int
) -> None:
    whole = train(settings(out=tmp_path / "whole", **MLP), silent)
    with stopping_at(step):
        train(settings(**MLP), silent)
    lines: list[str] = []
    resumed = train(settings(**MLP), lines.append)
    assert any(ONCE in line for line in lines) == (step == 7)  # in a last epoch there is nothing to save
    assert figures(resumed) == figures(whole)


def test_a_disk_without_room_is_said(settings: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    from visionft.errors import DiskSpaceError

    def full(*_: Any) -> None:
        raise DiskSpaceError("the disk is full")

    monkeypatch.setattr(activation_store, "IN_MEMORY", 0)
    monkeypatch.setattr(activation_store, "require_space", full)
    lines: list[str] = []
    train(settings(**MLP), lines.append)
    assert f"phase 1: {EACH}, as the disk is full" in lines
    assert (
        f"{VALIDATION} validation photos are decoded in each epoch: they need 30,720 bytes, and 0 may be kept "
        "(--hardware.prefix-bytes, a gigabyte at most)"
    ) in lines


def test_a_backbone_that_cannot_be_cut_is_validated_whole_and_that_is_said(
    settings: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(validation_cache.backbones, "cut", lambda *_: None)
    lines: list[str] = []
    train(settings(**MLP), lines.append)
    assert any(line.endswith("in each epoch, as test_resnet cannot be cut there or below") for line in lines)


def test_networks_are_compared_below_a_level_alone() -> None:
    torch.manual_seed(0)
    one = backbones.create("test_resnet", "none", 3)
    head = backbones.depth_map(one).head
    other = backbones.create("test_resnet", "none", 3)
    other.load_state_dict(one.state_dict())
    assert same_below(head + 1, one, other)
    with torch.no_grad():
        other.head.weight[0, 0] += 1
    assert same_below(head, one, other)
    assert not same_below(head + 1, one, other)
    buffers = dict(other.backbone.named_buffers())
    last, first = (next(name for name in order if "mean" in name) for order in (reversed(buffers), iter(buffers)))
    with torch.no_grad():
        buffers[last].add_(1)
    assert same_below(1, one, other)
    assert not same_below(head, one, other)
    with torch.no_grad():
        buffers[first].add_(1)
    assert not same_below(1, one, other)
