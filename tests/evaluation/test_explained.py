"""An explanation as a picture and in words, and the map it comes from."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from visionft import backbones
from visionft.classes import Classes
from visionft.evaluation import explained
from visionft.evaluation.explained import STRENGTH, WARM, Explained, explainer
from visionft.preprocess import Preprocess

PIXELS = np.array([[[255, 0, 0], [0, 255, 0]], [[0, 0, 255], [255, 255, 255]]], np.uint8)


def found(heat: list[list[float]], label: str = "hat", answer: str = "hat") -> Explained:
    return Explained(label, answer, 0.25, PIXELS, np.array(heat, np.float32))


def test_what_is_cold_is_grey_and_the_warmest_place_has_its_share_of_colour() -> None:
    picture = found([[0, 0], [0, 1]]).picture
    assert picture.dtype == np.uint8
    assert [picture[0, 0].tolist(), picture[0, 1].tolist(), picture[1, 0].tolist()] == [[76] * 3, [150] * 3, [29] * 3]
    assert picture[1, 1].tolist() == [round(255 * (1 - STRENGTH) + STRENGTH * colour) for colour in WARM]


def test_the_picture_is_written_beside_the_photo_without_metadata(tmp_path: Path) -> None:
    one = found([[0, 1], [0.5, 0]])
    file = one.write(str(tmp_path / "new" / "heat.png"))
    with Image.open(file) as picture:
        assert (picture.format, picture.size) == ("PNG", (4, 2))
        assert np.array_equal(np.asarray(picture), np.concatenate([PIXELS, one.picture], axis=1))
        assert not picture.info
    assert [path.name for path in file.parent.iterdir()] == ["heat.png"]


def test_it_is_said_what_was_asked_answered_and_whether_anything_speaks_for_it() -> None:
    assert str(found([[1, 0], [0, 0]])) == "hat 25.0%"
    assert str(found([[1, 0], [0, 0]], answer="bag")) == "hat 25.0%; the run answers bag"
    assert str(found([[0, 0], [0, 0]])) == "hat 25.0%, and nothing in the photo speaks for it"


def test_a_map_grows_to_the_photo_with_its_warmest_place_still_1() -> None:
    heat = torch.zeros(3, 3)
    heat[1, 1] = 1
    grown = explained._grown(heat, np.zeros((6, 12, 3), np.uint8))
    assert (grown.shape, grown.dtype) == ((6, 12), np.float32)
    assert (grown.min(), grown.max()) == (0, 1)
    assert np.allclose(grown, grown[::-1, ::-1])
    assert not explained._grown(torch.zeros(3, 3), np.zeros((6, 6, 3), np.uint8)).any()


@pytest.fixture(scope="module")
def run() -> Any:
    """Return what an explanation asks of a run: a network that is sure of `bag`, and answers in three classes."""
    torch.manual_seed(0)
    network = backbones.create("test_resnet", "none", 3).eval()
    torch.nn.init.normal_(network.head.weight)
    with torch.no_grad():
        network.head.bias.copy_(torch.tensor([100.0, 0.0, 0.0]))
    answering = SimpleNamespace(probabilities=lambda logits: torch.from_numpy(logits).softmax(1).numpy())
    return SimpleNamespace(
        network=lambda: network, device=torch.device("cpu"), answering=lambda: answering,
        classes=Classes.of(["sock", "hat", "bag"]),
        preprocess=Preprocess((64, 64), "squash", 64, "bilinear", (0.5,) * 3, (0.5,) * 3),
    )  # fmt: skip


def test_a_run_explains_its_answer_or_the_class_that_is_asked_for(run: Any) -> None:
    photo = np.random.default_rng(0).integers(0, 256, (50, 40, 3), np.uint8)
    with explainer(run) as explain:
        own, other = explain(photo, None), explain(photo, "sock")
        with pytest.raises(KeyError):
            explain(photo, "shoe")
    assert (own.label, own.answer, other.label, other.answer) == ("bag", "bag", "sock", "bag")
    assert own.probability > 0.99
    assert own.probability + other.probability <= 1
    assert own.heat.shape == (64, 64)
    assert np.array_equal(own.pixels, run.preprocess.pixels(photo))
    assert not np.array_equal(own.heat, other.heat)
    assert {own.heat.max(), other.heat.max()} <= {0, 1}
