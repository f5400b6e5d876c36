"""The test of the test: the pretended device refuses and counts what a GPU would, and computes as the processor."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from torch import nn

from tests.pretend.device import pretended
from tests.pretend.tensors import PretendTensor, waits

MIXED = "same device"


@pytest.fixture(autouse=True)
def device() -> Iterator[None]:
    with pretended():
        yield


def there(*shape: int) -> torch.Tensor:
    return torch.ones(*shape, device="cuda")


def test_tensors_say_where_they_are_and_go_where_they_are_told() -> None:
    x = torch.ones(3)
    y = x.to("cuda")
    assert (x.device.type, y.device.type, y.is_cuda, y.get_device()) == ("cpu", "cuda", True, 0)
    assert y.cpu().device.type == "cpu"
    assert torch.zeros_like(y).is_cuda
    assert (y + 1).is_cuda
    assert y[:2].is_cuda
    assert not y.to("cpu").is_cuda
    assert x.to(y).is_cuda
    assert torch.device(y.device).type == "cuda"


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: there(3) + torch.ones(3),
        lambda: torch.ones(3).add_(there(3)),
        lambda: there(3) @ torch.ones(3),
        lambda: torch.stack([there(3), torch.ones(3)]),
        lambda: nn.functional.linear(there(2, 3), torch.ones(4, 3)),
        lambda: nn.functional.cross_entropy(there(2, 3), torch.zeros(2, dtype=torch.long)),
        lambda: torch.ones(3)[torch.zeros(1, dtype=torch.long, device="cuda")],
        lambda: there(3).index_put_((torch.zeros(1, dtype=torch.long),), torch.ones(1)),
        lambda: torch.where(there(3) > 0, there(3), torch.zeros(3)),
        lambda: nn.Linear(3, 2)(there(1, 3)),
        lambda: nn.Linear(3, 2).to("cuda")(torch.ones(1, 3)),
        lambda: setattr(there(3), "data", torch.ones(3)),
    ],
)
def test_devices_are_not_mixed(wrong: object) -> None:
    with pytest.raises(RuntimeError, match=MIXED):
        wrong()  # type: ignore[operator]


def test_numpy_is_refused_as_on_a_gpu() -> None:
    with pytest.raises(TypeError, match=r"Use Tensor.cpu\(\)"):
        there(3).numpy()


def test_a_host_scalar_may_join() -> None:
    assert (there(3) * torch.tensor(2.0)).is_cuda


@pytest.mark.parametrize(
    ("waiting", "kind"),
    [
        (lambda: there(1).item(), "_local_scalar_dense"),
        (lambda: there(3).tolist(), "tolist"),
        (lambda: bool(there(1) > 0), "_local_scalar_dense"),
        (lambda: there(3).nonzero(), "nonzero"),
        (lambda: there(3)[there(3) > 0], "mask"),
        (lambda: there(3)[torch.zeros(1, dtype=torch.long)], "index from the host"),
        (lambda: there(3).cpu(), "copy to the host"),
        (lambda: torch.ones(3).to("cuda"), "blocking copy to the device"),
        (lambda: torch.tensor([1.0], device="cuda"), "tensor from the host"),
        (lambda: torch.cuda.synchronize(), "synchronize"),
    ],
)
def test_waits_are_counted(waiting: object, kind: str) -> None:
    waits.clear()
    waiting()  # type: ignore[operator]
    assert kind in {found for found, _ in waits}


def test_what_does_not_wait_is_not_counted() -> None:
    x, layer = there(4, 3), nn.Linear(3, 2).to("cuda")
    host = torch.ones(4, 3)
    waits.clear()
    layer(x).sum().backward()
    host.to("cuda", non_blocking=True)
    assert not waits


def test_training_gives_what_the_processor_gives() -> None:
    def trained(device: str) -> list[torch.Tensor]:
        torch.manual_seed(0)
        net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 36, 2))
        net.to(device)
        optimizer = torch.optim.AdamW(net.parameters(), 1e-2, fused=True)
        for step in range(3):
            x = torch.randn(5, 3, 8, 8, generator=torch.Generator().manual_seed(step)).to(device)
            nn.functional.cross_entropy(net(x), torch.tensor([0, 1, 0, 1, 1]).to(device)).backward()
            nn.utils.clip_grad_norm_(net.parameters(), 1.0)
            optimizer.step()
            optimizer.zero_grad()
        assert all(p.device.type == device for p in net.parameters())
        return [tensor.detach().cpu() for tensor in net.state_dict().values()]

    for here, pretended_there in zip(trained("cpu"), trained("cuda"), strict=True):
        torch.testing.assert_close(here, pretended_there)


def test_moving_a_module_keeps_its_parameters() -> None:
    layer = nn.Linear(2, 2)
    before = layer.weight
    layer.to("cuda")
    assert layer.weight is before
    assert isinstance(layer.weight, PretendTensor)
    layer.to("cpu")
    assert layer.weight is before
    assert not layer.weight.is_cuda
