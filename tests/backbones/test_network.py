"""The network can be exported with any batch, and trained end to end."""

import copy

import pytest
import torch
from torch.nn import functional as F

from visionft import backbones
from visionft.backbones import HeadKind


@pytest.mark.parametrize(("name", "head"), [("test_byobnet", "mlp"), ("test_vit", "linear"), ("test_vit", "cosine")])
def test_export_with_a_dynamic_batch(name: str, head: HeadKind) -> None:
    torch.manual_seed(0)
    network = backbones.create(name, "none", 3, head, size=96)
    torch.nn.init.normal_(next(network.head.parameters()))
    batch = {"x": {0: torch.export.Dim("batch", min=1)}}
    program = torch.export.export(network, (torch.randn(2, 3, 96, 96),), dynamic_shapes=batch)
    for n in (1, 5):
        x = torch.randn(n, 3, 96, 96)
        torch.testing.assert_close(program.module()(x), network(x), rtol=1e-4, atol=1e-5)


def test_a_copy_answers_alike() -> None:
    network = backbones.create("test_byobnet", "none", 3, "cosine", size=64)
    x = torch.randn(2, 3, 64, 64)
    assert torch.equal(copy.deepcopy(network)(x), network(x))


def test_it_learns() -> None:
    torch.manual_seed(0)
    network = backbones.create("test_byobnet", "none", 2, size=64).train()
    labels = torch.arange(16) % 2
    x = torch.randn(16, 3, 64, 64) + labels[:, None, None, None]
    optimizer = torch.optim.AdamW(network.parameters(), lr=3e-3)
    for _ in range(15):
        optimizer.zero_grad()
        loss = F.cross_entropy(network(x), labels)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    assert loss.item() < 0.3
