"""What the graph of the network answers: raw logits, and an embedding of length 1."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from visionft.backbones import Network
from visionft.backbones.heads import LinearHead
from visionft.backbones.weights import WeightSource
from visionft.exporting.torch_graph import NetworkHalf


def half(projects: bool) -> NetworkHalf:
    """Return a graph whose features are the pixels (3,), and whose head doubles the first and takes the last."""
    head = LinearHead(3, 2)
    head.set_solution(torch.tensor([[2.0, 0, 0], [0, 0, 1.0]]), torch.tensor([0.0, 1.0]))
    network = Network(
        nn.Flatten(), head, name="flat", source=WeightSource("flat", "none"), features=3, num_classes=2,
        input_size=(1, 1), projects=projects,
    )  # fmt: skip
    return NetworkHalf(network).eval()


PIXELS = torch.tensor([[3.0, 0, 4.0], [0, 0, -1.0]])[..., None, None]


def test_logits_are_raw_and_the_embedding_is_the_features_at_length_one() -> None:
    logits, embedding = half(projects=False)(PIXELS)
    assert logits.tolist() == [[6.0, 5.0], [0.0, 0.0]]
    assert embedding.flatten().tolist() == pytest.approx([0.6, 0, 0.8, 0, 0, -1.0])


def test_where_the_head_projects_its_answer_is_the_embedding() -> None:
    logits, embedding = half(projects=True)(PIXELS)
    assert logits.tolist() == [[6.0, 5.0], [0.0, 0.0]]
    assert embedding[0].tolist() == pytest.approx([6 / 61**0.5, 5 / 61**0.5])
    assert embedding[1].tolist() == [0.0, 0.0], "a projection to nothing has no direction, and is no NaN"
