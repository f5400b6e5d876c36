"""What frozen features are worth before anything is trained."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.torch import load_file

from tests.advising.test_recommendation import LOOK
from visionft import data
from visionft.advising import first_look
from visionft.data import Manifest
from visionft.metrics import wilson
from visionft.runs import layout
from visionft.settings import DataSettings
from visionft.training import train


@pytest.fixture(scope="module")
def manifest(shapes: Path) -> Manifest:
    return data.prepare(shapes, DataSettings())


@pytest.mark.parametrize(
    ("counts", "k"), [([300, 300], 20), ([14, 14, 12], 14), ([1, 1, 1], 1), ([0, 3, 0, 5], 4), ([2, 900, 900], 20)]
)
def test_as_many_neighbours_vote_as_half_of_the_classes_have(counts: list[int], k: int) -> None:
    assert first_look.neighbours(np.repeat(np.arange(len(counts)), counts)) == k


def test_the_interval_is_wilsons_on_the_validation_photos() -> None:
    assert LOOK.interval(0.865) == wilson(round(0.865 * 341), 341)


def test_it_is_the_solved_head_of_fit(settings: Any, manifest: Manifest) -> None:
    wanted = settings(method="head", epochs="auto")
    seen: list[tuple[int, int]] = []
    look = first_look.look(wanted, manifest, advance=lambda done, total: seen.append((done, total)))
    run = train(wanted, lambda _: None)
    assert look.probe_top1 == pytest.approx(run.result["val"]["top1"])
    assert (look.photos, look.held_out, look.classes) == (40, 10, 3)
    assert seen[-1] == (50, 50)
    assert look.neighbours == 14
    assert 0 <= look.knn_top1 <= 1
    assert look.stored_bytes == sum(tensor.nbytes for tensor in load_file(run.path / layout.WEIGHTS).values())
    assert json.dumps(look.interval(look.probe_top1))
