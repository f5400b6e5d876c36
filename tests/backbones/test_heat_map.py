"""Where a network looks: exact where that can be said exactly, gone with the head, and on the patch that decides."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression

from visionft import backbones
from visionft.backbones import Network
from visionft.backbones.heat_map import HeatMaps
from visionft.errors import BackboneError

SIDE, CELL = 128, 16


@pytest.fixture(scope="module")
def planted() -> tuple[Network, torch.Tensor, np.ndarray]:
    """Return a network whose classes are the hue of a small patch somewhere, photos, and where their patches are."""
    random = np.random.default_rng(0)
    network = backbones.create("visionft_pico", "hub", 2)
    photos = random.normal(0, 0.25, (120, 3, SIDE, SIDE)).astype(np.float32)
    places = random.integers(0, SIDE // CELL, (120, 2))
    for number, (photo, (row, column)) in enumerate(zip(photos, places, strict=True)):
        photo[2 * (number % 2), row * CELL : (row + 1) * CELL, column * CELL : (column + 1) * CELL] += 2.5
    x, labels = torch.from_numpy(photos), np.arange(120) % 2
    with torch.no_grad():
        features = network.eval().embed(x).numpy()
    solved = LogisticRegression(C=10, max_iter=1000).fit(features[:90], labels[:90])
    assert solved.score(features[90:], labels[90:]) > 0.9, "the patch decides"
    with torch.no_grad():
        weight = torch.from_numpy(np.concatenate([-solved.coef_, solved.coef_]).astype(np.float32))
        network.head.weight.copy_(weight)
    return network, x[90:], places[90:]


@pytest.mark.parametrize("name", ["visionft_pico", "test_resnet"])
def test_where_pooling_and_a_linear_head_follow_the_places_add_up_to_the_logit(name: str) -> None:
    network = backbones.create(name, "none", 3).eval()
    torch.manual_seed(0)
    torch.nn.init.normal_(network.head.weight)
    torch.nn.init.normal_(network.head.bias)
    x, classes = torch.randn(2, 3, *network.input_size), torch.tensor([2, 0])
    found = HeatMaps(network).contributions(x, classes).sum(dim=(1, 2))
    expected = network(x).detach()[[0, 1], classes] - network.head.bias.detach()[classes]
    assert torch.allclose(found, expected, atol=1e-4, rtol=1e-4)


def test_it_looks_at_the_patch_that_decides(planted: tuple[Network, torch.Tensor, np.ndarray]) -> None:
    network, x, places = planted
    heat = HeatMaps(network)(x, network(x).argmax(dim=1))
    assert heat.shape[1:] == (SIDE // CELL, SIDE // CELL)
    assert heat.amax(dim=(1, 2)).tolist() == pytest.approx([1.0] * len(x))
    warmest = np.stack(np.unravel_index(heat.flatten(1).argmax(dim=1).numpy(), heat.shape[1:]), axis=1)
    hits = (np.abs(warmest - places).max(axis=1) <= 1).mean()
    assert hits > 0.6, "by chance about 0.14: nine places of 64; these 30 photos have 0.73"


def test_the_map_changes_where_the_head_is_drawn_anew(planted: tuple[Network, torch.Tensor, np.ndarray]) -> None:
    """Adebayo et al. (arXiv 1810.03292): a map that a random head leaves alone explains nothing."""
    network, x, _ = planted
    x = x[:10]
    classes, maps = network(x).argmax(dim=1), HeatMaps(network)
    before = maps.contributions(x, classes).flatten(1)
    kept, alike = network.head.weight.detach().clone(), []
    torch.manual_seed(1)
    for _ in range(8):
        with torch.no_grad():
            network.head.weight.normal_()
        after = maps.contributions(x, classes).flatten(1)
        alike.append(torch.nn.functional.cosine_similarity(before - before.mean(1, True), after - after.mean(1, True)))
    with torch.no_grad():
        network.head.weight.copy_(kept)
    found = torch.stack(alike)
    assert abs(float(found.mean())) < 0.35, "a patch that is loud stays loud, for or against the class"
    assert float(found.min()) < -0.3, "some heads hold against the class what spoke for it"
    assert torch.equal(maps.contributions(x, classes).flatten(1), before)


def test_a_class_token_is_followed_into_the_blocks_below_it_and_the_network_is_left_as_it_was() -> None:
    network = backbones.create("test_vit", "none", 3).train()
    torch.nn.init.normal_(network.head.weight)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    heat = HeatMaps(network)(torch.randn(2, 3, *network.input_size), torch.tensor([0, 1]))
    side = network.input_size[0] // 16
    assert heat.shape == (2, side, side)
    assert float(heat.std()) > 0.01
    assert network.training
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())


def test_what_is_laid_out_over_nothing_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("visionft.backbones.heat_map._layout", lambda *_: None)
    with pytest.raises(BackboneError, match=r"no part of test_resnet is laid out over the photo, so that nobody can"):
        HeatMaps(backbones.create("test_resnet", "none", 3))
