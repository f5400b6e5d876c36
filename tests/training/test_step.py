"""The mathematics of a step: micro-batches add up, the average follows, a validation changes nothing."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from tests.fits import Begun
from visionft.backbones import normalise
from visionft.data import Batch
from visionft.training.state import TrainState
from visionft.training.step import optimizer_step, validate, validation_step

Make = Callable[..., Begun]
PLAIN = {"optim.norm_statistics": "frozen", "augment.strength": "none", "method.head_first": False}


def batch_of(one: Begun) -> Batch:
    one.loader.set_epoch(0)
    return next(iter(one.loader))


def weights(state: TrainState) -> dict[str, Tensor]:
    return {name: tensor.clone() for name, tensor in state.network.state_dict().items()}


@pytest.mark.parametrize("micro_batch", [1, 3, 8])
def test_micro_batches_add_up_to_their_batch(begun: Make, micro_batch: int) -> None:
    whole, parts = begun(**PLAIN), begun(**PLAIN, **{"optim.micro_batch": micro_batch})
    for one in (whole, parts):
        optimizer_step(one.state, batch_of(one))
    assert parts.state.take_loss() == pytest.approx(whole.state.take_loss(), rel=1e-6)
    theirs = weights(whole.state)
    assert all(torch.allclose(tensor, theirs[name], atol=1e-6) for name, tensor in weights(parts.state).items())


def test_the_loss_is_the_cross_entropy_of_the_batch(begun: Make) -> None:
    one = begun(**PLAIN, **{"optim.label_smoothing": 0.0})
    pixels, labels, rows = batch_of(one)
    with torch.no_grad():
        expected = F.cross_entropy(one.state.network(normalise(pixels, one.plan.preprocess, "cpu")), labels).item()
    optimizer_step(one.state, (pixels, labels, rows))
    assert one.state.take_loss() == pytest.approx(expected, rel=1e-5)


def test_the_gradient_is_clipped_to_its_norm(begun: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    one = begun(**PLAIN, **{"optim.clip": 1e-3})
    norms: list[float] = []

    def note() -> None:
        found = [p.grad.norm() for p in one.state.network.parameters() if p.grad is not None]
        norms.append(torch.stack(found).norm().item())

    monkeypatch.setattr(one.state, "take_optimizer_step", note)
    optimizer_step(one.state, batch_of(one))
    assert norms == [pytest.approx(1e-3, rel=1e-3)]


def test_a_step_is_counted_and_leaves_no_gradient(begun: Make) -> None:
    one = begun(**PLAIN)
    before = weights(one.state)
    optimizer_step(one.state, batch_of(one))
    assert one.state.step == 1
    assert all(parameter.grad is None for parameter in one.state.network.parameters())
    assert any(not torch.equal(tensor, before[name]) for name, tensor in weights(one.state).items())


def test_a_validation_counts_what_it_is_given_and_changes_nothing(begun: Make) -> None:
    one = begun(**PLAIN)
    optimizer_step(one.state, batch_of(one))
    before, modes = weights(one.state), [module.training for module in one.state.network.modules()]
    batches = [batch_of(one), batch_of(one)]
    figures = validate(one.state, batches)
    assert [module.training for module in one.state.network.modules()] == modes
    assert all(torch.equal(tensor, before[name]) for name, tensor in weights(one.state).items())
    one.state.final_network.eval()
    loss, hits, photos = validation_step(one.state, batches[0][0], batches[0][1]).tolist()
    assert photos == 8
    assert (figures.loss, figures.top1) == (pytest.approx(loss / 8, rel=1e-6), hits / 8)
