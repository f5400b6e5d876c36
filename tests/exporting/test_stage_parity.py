"""The two halves of the graph, each beside its reference: which one is to blame."""

from __future__ import annotations

import copy
from dataclasses import replace

import numpy as np
import onnx
import pytest
import torch

from tests.exporting.fakes import FakeRun, rendered
from visionft.backbones import Network
from visionft.exporting.reference_answers import Truth
from visionft.exporting.stage_parity import BATCH_SIZES, Stages, largest
from visionft.metrics import Postprocess


@pytest.fixture(scope="module")
def stages(run: FakeRun, built: onnx.ModelProto) -> Stages:
    return Stages(built, run.preprocess)


def disturbed(network: Network) -> Network:
    other = copy.deepcopy(network)
    with torch.no_grad():
        other.head.bias += torch.tensor([0.0, 0.5, 1.0])
    return other


def test_equal_models_differ_by_rounding_alone_in_every_batch_size(run: FakeRun, stages: Stages) -> None:
    images = [rendered(seed, 60, 80) for seed in range(9)]
    truth = Truth(run.trained, run.preprocess, Postprocess.plain()).of(images)

    found = stages.network_differences(truth.pixels, truth.probabilities)

    assert tuple(found) == tuple(f"network half in batches of {size}" for size in BATCH_SIZES)
    assert max(found.values()) < 1e-4
    assert stages.pixel_difference(images) < 0.01


def test_what_is_no_number_is_no_agreement(run: FakeRun, stages: Stages) -> None:
    truth = Truth(run.trained, run.preprocess, Postprocess.plain()).of([rendered(seed, 60, 80) for seed in range(3)])
    truth.probabilities[1] = np.nan

    found = stages.network_differences(truth.pixels, truth.probabilities)

    assert [bool(np.isnan(value)) for value in found.values()] == [True] * len(BATCH_SIZES)


def test_a_network_that_differs_is_blamed(run: FakeRun, stages: Stages) -> None:
    words = stages.blame([rendered(0, 60, 80)], disturbed(run.trained))

    assert words.startswith("the network half is at fault: the preprocess half differs by ")
    assert "the network half by 0." in words


def test_a_transform_that_differs_is_blamed(run: FakeRun, stages: Stages) -> None:
    other = copy.copy(stages)
    other.preprocess = replace(run.preprocess, resize="squash")

    assert other.blame([rendered(0, 60, 120)], run.trained).startswith("the preprocess half is at fault")


def test_both_halves_can_be_at_fault(run: FakeRun, stages: Stages) -> None:
    other = copy.copy(stages)
    other.preprocess = replace(run.preprocess, resize="squash")

    assert other.blame([rendered(0, 60, 120)], disturbed(run.trained)).startswith("both halves are at fault")


def test_what_is_no_number_is_further_off_than_any() -> None:
    assert largest(np.array([0.5, -2.0])) == 2
    assert largest(np.array([0.5, np.nan, -2.0])) == np.inf
