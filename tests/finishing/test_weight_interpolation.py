"""The line between start and end: exact at both ends, straight between, and measured in one pass."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from visionft import backbones
from visionft.backbones import Network, forward_batches
from visionft.backbones.rewrites import fuse_bn
from visionft.data import EvalPhotos, eval_batches
from visionft.finishing import weight_interpolation
from visionft.finishing.weight_interpolation import Line, Point, best, measure
from visionft.finishing.wise_ft import _prepared
from visionft.metrics import log_loss
from visionft.runs import Run


def network(seed: int) -> Network:
    torch.manual_seed(seed)
    made = backbones.create("test_resnet", "none", 3, size=32)
    for module in made.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_var.uniform_(0.5, 2)
            module.num_batches_tracked.fill_(seed)
    return made


def state(made: Network) -> dict[str, torch.Tensor]:
    return {name: tensor.clone() for name, tensor in made.state_dict().items()}


def test_both_ends_are_exact_in_any_order() -> None:
    start, end = state(network(3)), network(7)
    wanted, line = state(end), Line(end, start)
    for coefficient in (0.3, 1.0, 0.0, 0.7, 1.0, 0.0):
        line.move_to(coefficient)
        if coefficient in (0.0, 1.0):
            ends = wanted if coefficient else start
            for name, tensor in end.state_dict().items():
                assert torch.equal(tensor, ends[name] if tensor.is_floating_point() else wanted[name]), name


def test_between_it_is_straight_and_counters_are_those_of_the_end() -> None:
    start, end = state(network(3)), network(7)
    wanted, line = state(end), Line(end, start)
    line.move_to(0.25)
    for name, tensor in end.state_dict().items():
        if tensor.is_floating_point():
            assert torch.allclose(tensor, 0.75 * start[name] + 0.25 * wanted[name], atol=1e-6), name
        else:
            assert int(tensor) == 7, name
    kinds = {name.rpartition(".")[2] for name in wanted}
    assert {"running_mean", "running_var", "num_batches_tracked", "weight", "bias"} <= kinds


def test_a_linear_network_moves_its_answers_in_a_line() -> None:
    """The head alone differs, so the logits are linear in the coefficient."""
    start, end = network(3), network(3)
    torch.manual_seed(1)
    torch.nn.init.normal_(end.head.weight)
    x = torch.randn(2, 3, 32, 32)
    at_start, at_end = start(x), end(x)
    line = Line(end, state(start))
    line.move_to(0.4)
    assert torch.allclose(end(x), 0.6 * at_start + 0.4 * at_end, atol=1e-5)


def test_the_best_has_the_highest_top1_then_the_lowest_loss_then_the_nearest_start() -> None:
    points = [
        Point(0.0, 0.5, 0.8),
        Point(0.2, 0.3, 0.9),
        Point(0.4, 0.2, 0.9),
        Point(0.6, 0.2, 0.9),
        Point(1, 0.1, 0.7),
    ]
    assert best(points) is points[2]
    assert best(points[:2]) is points[1]
    assert best(points[::-1]) is points[2]


def test_blends_are_measured_by_one_copy_and_to_the_bit(trained: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the number of batches and coefficients: each used to copy the network, and fold it, anew."""
    run, coefficients, copies = Run.open(trained), (0.0, 0.5, 1.0), list[Network]()
    plan, manifest = _prepared(run), run.manifest()
    line, deepcopy = Line(plan.network, run.start().state_dict()), fuse_bn.copy.deepcopy
    monkeypatch.setattr(weight_interpolation, "BATCH", 5)

    def counted(thing: Any, memo: Any = None) -> Any:
        copies.extend([thing] if isinstance(thing, Network) else [])
        return deepcopy(thing, memo)

    monkeypatch.setattr(fuse_bn.copy, "deepcopy", counted)

    points = measure(line, plan, manifest, coefficients)

    assert len(copies) == 1
    rows = manifest.rows("validation")
    assert len(rows) > 5
    for point in points:
        line.move_to(point.coefficient)
        batches = eval_batches(EvalPhotos(rows, manifest.root, run.preprocess), 5)
        answers = forward_batches(line.network, batches, run.preprocess, device="cpu", want=("logits",))
        logits, labels = answers["logits"], answers["labels"]
        assert point.top1 == np.mean(logits.argmax(1) == labels)
        assert point.log_loss == pytest.approx(log_loss(logits, labels), rel=1e-12)
