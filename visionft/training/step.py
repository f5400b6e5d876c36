"""One optimizer step: batch -> loss -> backward -> clip -> step; and one validation."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from visionft import backbones
from visionft.backbones import Cut
from visionft.compat.torch_private import is_batch_norm
from visionft.data import Batch
from visionft.errors import MemoryShortError
from visionft.machine.memory import is_out_of_memory
from visionft.planning.whole_batches import compares
from visionft.runs.criterion import Figures, Targets
from visionft.training.mixup import mixes
from visionft.training.state import TrainState
from visionft.training.step_rng import seed_step


def optimizer_step(state: TrainState, batch: Batch, cut: Cut | None = None) -> None:
    """Take one step; nothing here waits for the device.

    Args:
        state: goes from its step to the next.
        batch: this process's photos uint8 [B, H, W, 3] or what crosses the cut [B, ...], labels int64 [B], rows int64
            [B]; on the state's device. B may be 0 where there are several processes.
        cut: where the frozen part of the network ends, if the batch begins there.

    Raises:
        MemoryShortError: the device has no room for a single photo.
        ProcessLostError: another process ended.
    """
    seed_step(state.settings.seed, state.step, state.ranks.rank)
    state.enter_step()
    x, labels, indices = batch
    photos = state.ranks.sum(len(labels))
    inputs, targets = _inputs(state, x, labels, photos, cut)
    state.add_loss(_backward(state, inputs, targets, indices, photos, cut))
    _clip(state)
    state.take_optimizer_step()
    if state.l2_sp is not None:
        state.l2_sp.apply(state.optimizer)
    state.optimizer.zero_grad(set_to_none=True)
    if state.averaged is not None:
        state.averaged.update(state.step)
    state.step, state.photos = state.step + 1, photos


def _inputs(state: TrainState, x: Tensor, labels: Tensor, photos: int, cut: Cut | None) -> tuple[Tensor, Targets]:
    """Return what the network is given; photos that are mixed may be mixed with those of another process."""
    ranks = state.ranks
    if ranks.world == 1 or not mixes(state.settings.augment):
        return state.objective.inputs(x, labels, state.step, cut)
    whole = ranks.gathered(x, photos), ranks.gathered(labels, photos)
    inputs, targets = state.objective.inputs(*whole, state.step, cut)
    own = ranks.share(photos)
    return inputs[own], targets[own]


def _backward(state: TrainState, x: Tensor, targets: Targets, indices: Tensor, photos: int, cut: Cut | None) -> Tensor:
    """Add up the gradients of micro-batches, at half their size after each out-of-memory error; return the loss [].

    Where one process has no room all of them halve: each is then in the same state as the others.
    """
    loss = _accumulated(state, x, targets, indices, photos, cut)
    while state.ranks.any(loss is None):
        _halve(state)
        loss = _accumulated(state, x, targets, indices, photos, cut)
    assert loss is not None, "there was room in all processes"
    state.ranks.add_gradients(state.parameters, loss)
    _share_statistics(state, len(x) / photos)
    return loss


def _share_statistics(state: TrainState, share: float) -> None:
    """Let the running statistics of norms be the mean of those that each process saw, by its photos."""
    if state.ranks.world == 1:
        return
    norms = [norm for norm in state.network.modules() if norm.training and is_batch_norm(norm)]
    found = [statistic for norm in norms for statistic in norm.buffers() if statistic.is_floating_point()]
    state.ranks.add_all([statistic.mul_(share) for statistic in found])


def _accumulated(
    state: TrainState, x: Tensor, targets: Targets, indices: Tensor, photos: int, cut: Cut | None
) -> Tensor | None:
    """Return the share in the mean loss of a batch of so many photos; none where there was no room.

    What the failed pass held is free again on return.
    """
    total = torch.zeros((), device=state.device)
    if not len(x):
        return total
    pieces = (torch.split(tensor, state.micro_batch) for tensor in (x, indices))
    try:
        for part, rows, aims in zip(*pieces, targets.split(state.micro_batch), strict=True):
            with state.fabric.autocast():
                loss = state.objective(part, rows, aims, cut) / photos
            state.fabric.backward(loss)
            total += loss.detach()
    except RuntimeError as error:
        if not is_out_of_memory(error):
            raise
        return None
    return total


def _halve(state: TrainState) -> None:
    if compares(state.settings):
        raise MemoryShortError(
            f"{_place(state)} has no room for a batch of {state.micro_batch} photos, and the loss "
            f"{state.settings.loss} compares all of them; choose a smaller --optim.batch-size, --backbone or "
            "--preprocess.size, and another --out"
        )
    if state.micro_batch == 1:
        raise MemoryShortError(
            f"{_place(state)} has no room for a single photo in training; "
            "choose a smaller --backbone or --preprocess.size"
        )
    state.optimizer.zero_grad(set_to_none=True)
    torch.cuda.empty_cache()
    state.micro_batch //= 2
    short = "out of GPU memory" if state.device.type == "cuda" else "out of memory"
    state.say(f"{short}: going on with micro-batches of {state.micro_batch} under the same effective batch")


def _place(state: TrainState) -> str:
    return "the GPU" if state.device.type == "cuda" else "this machine"


def _clip(state: TrainState) -> None:
    # Not Fabric's: it clips over the optimizer's groups, what is no part of the network included, in their order.
    if state.scaler is not None:  # fp16: the norm is that of the true gradient
        state.scaler.unscale_(state.optimizer)
    if state.settings.optim.clip > 0:
        nn.utils.clip_grad_norm_(state.network.parameters(), state.settings.optim.clip)


def validate(state: TrainState, batches: Iterable[Batch], cut: Cut | None = None) -> Figures:
    """Return the loss and the score of the weights that would be exported; one synchronisation with the device.

    Args:
        state: in training mode before and afterwards.
        batches: this process's share of the photos: uint8 [B, H, W, 3] or what crosses the cut [B, ...], labels int64
            [B], rows int64 [B].
        cut: of the final network, where the batches begin there.
    """
    criterion = state.objective.loss
    if criterion.gathers:
        return _measured(state, batches, cut)
    state.final_network.eval()
    sums = []
    for batch in batches:
        x, labels, _ = state.fabric.to_device(batch)
        sums.append(validation_step(state, x, labels, cut))
    state.train_mode()
    if not sums:  # more processes than photos
        none = torch.zeros(0, device=state.device)
        sums = [criterion.sums(none.new_zeros(0, state.network.num_classes), none.long())]
    return criterion.figures(state.ranks.add(torch.stack(sums).sum(0)).tolist())


def _measured(state: TrainState, batches: Iterable[Batch], cut: Cut | None) -> Figures:
    """Return figures that are of all photos together; each process has a share of them."""
    state.final_network.eval()
    outputs = [torch.zeros(0, state.network.num_classes, device=state.device)]
    labels = [torch.zeros(0, dtype=torch.int64, device=state.device)]
    for batch in batches:
        x, truth, _ = state.fabric.to_device(batch)
        outputs.append(_outputs(state, x, cut))
        labels.append(truth)
    state.train_mode()
    own = torch.cat(outputs), torch.cat(labels)
    n = state.ranks.sum(len(own[1]))
    return state.objective.loss.measured(*(state.ranks.gathered(part, n) for part in own))


def validation_step(state: TrainState, x: Tensor, labels: Tensor, cut: Cut | None = None) -> Tensor:
    """Return what the task's figures are made of, summed over a batch, float32 [S], and still on the device."""
    return state.objective.loss.sums(_outputs(state, x, cut), labels)


def _outputs(state: TrainState, x: Tensor, cut: Cut | None) -> Tensor:
    """Return what the final network answers, float32 [B, K]."""
    with torch.no_grad(), state.fabric.autocast():
        outputs: Tensor = cut.suffix(x) if cut else state.final_network(_normalised(state, x))
    return outputs.float()


def _normalised(state: TrainState, x: Tensor) -> Tensor:
    return backbones.normalise(x, state.objective.preprocess, state.device)
