"""The step that a fit would take, on tensors that have sizes and no memory: what would live in it, and its work."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor, nn

from visionft import backbones, methods
from visionft.advising.cuda_autocast import CudaAutocast
from visionft.advising.live_bytes import Course, LiveBytes
from visionft.advising.nf4_sizes import as_nf4
from visionft.backbones import Network
from visionft.backbones.create import Outputs
from visionft.compat.torch_private import fake_tensors
from visionft.planning.crop_sizes import crop
from visionft.planning.gradient_checkpointing import checkpoint_gradients
from visionft.planning.memory_efficient import memory_efficient
from visionft.planning.precision import DTYPES
from visionft.preprocess import Preprocess
from visionft.runs.criterion import Criterion
from visionft.settings import FitSettings, QloraMethod
from visionft.training.objective import Objective
from visionft.training.state import TrainState
from visionft.training.step import optimizer_step, validation_step


class FakeTraining:
    """Training that can be asked what a step would take; nothing is computed.

    Args:
        settings: resolved but for micro-batch and precision, with the device that is asked about.
        network: with its method's additions, on the meta device; it becomes fake and is of no other use afterwards.
        preprocess: its transform.
        schedule: what trains when.
        criterion: the task's loss.
        precision: "fp32", "bf16" or "fp16".
        step: of the schedule, which says what trains.
    """

    def __init__(
        self,
        settings: FitSettings,
        network: Network,
        preprocess: Preprocess,
        schedule: methods.Schedule,
        criterion: Criterion,
        precision: str,
        step: int = 0,
    ) -> None:
        self.settings, self.network, self.preprocess = settings, network, preprocess
        self.size = crop(settings, network.input_size)
        self.dtype = DTYPES[precision]
        self.live = LiveBytes()
        self._block = fake_tensors()
        for size in (self.size, preprocess.size):  # constants that are kept for the process have to be real ones
            backbones.normalise(torch.zeros(1, *size, 3, dtype=torch.uint8), preprocess, "cpu")
        self._efficient = memory_efficient(settings, network)  # as long as the network is
        self._efficient.__enter__()
        with self._running():
            make_fake(network, bool(settings.hardware.channels_last))
            self.live.hold([*network.parameters(), *network.buffers()])
            objective = _stays(Objective(network, preprocess, settings, criterion))
            self.state = TrainState(_fabric(self.dtype), objective, schedule, lambda _: None)
            self.state.step = step
            self.state.begin(None, Path())
            self._begin_moments()

    def step(self, photos: int, *, further: bool) -> Course:
        """Return the course of an optimizer step over a batch that passes at once.

        Args:
            photos: of the batch.
            further: whether it is the last piece of a larger batch: gradients of those before it lie beside it.
        """
        self.state.micro_batch, step = photos, self.state.step
        with self._running():
            if further:
                self._make_gradients()
            course = Course(self.live, photos)
            optimizer_step(self.state, (self._pixels(photos, self.size), *_numbers(photos)))
            course.end()
        self.state.step = step  # what trains stays the same
        return course

    def validation(self, photos: int) -> Course:
        """Return the course of a batch of the validation, under the weights that would be exported."""
        self.state.final_network.eval()
        with self._running():
            course = Course(self.live, photos)
            validation_step(self.state, self._pixels(photos, self.preprocess.size), _numbers(photos)[0])
            course.end()
        self.state.train_mode()
        return course

    def _make_gradients(self) -> None:
        for parameter in self.state.parameters:
            if parameter.requires_grad:
                parameter.grad = torch.empty_like(parameter)

    def _begin_moments(self) -> None:
        """Let the optimizer have what its first step leaves, by one without a pass."""
        self._make_gradients()
        self.state.take_optimizer_step()
        self.state.optimizer.zero_grad(set_to_none=True)

    @contextmanager
    def _running(self) -> Iterator[None]:
        rules = CudaAutocast() if self.settings.hardware.device == "cuda" else nullcontext()
        with self._block(), self.live, rules:
            yield

    def _pixels(self, photos: int, size: tuple[int, int]) -> Tensor:
        return torch.empty(photos, *size, 3, dtype=torch.uint8)


def fake_features(
    settings: FitSettings, network: Network, size: tuple[int, int], dtype: torch.dtype | None, counts: Sequence[int]
) -> list[Course]:
    """Return the courses of frozen passes over some photos (H, W) of each count, as a solved head has them.

    The network is folded in a copy, whose weights lie beside its own.
    """
    live, courses = LiveBytes(), []
    with fake_tensors()(), live, torch.no_grad():
        make_fake(network, bool(settings.hardware.channels_last))
        folded = copy.deepcopy(network).eval()
        live.hold([*network.parameters(), *network.buffers(), *folded.parameters(), *folded.buffers()])
        for photos in counts:
            course = Course(live, photos)
            with torch.autocast("cpu", dtype or torch.bfloat16, enabled=dtype is not None):
                folded.embed(torch.empty(photos, *size, 3, dtype=torch.uint8).float().permute(0, 3, 1, 2))
            course.end()
            courses.append(course)
    return courses


def meta_network(settings: FitSettings, outputs: Outputs) -> Network:
    """Return the network of settings on the meta device, before a method changes it: no weights are drawn or fetched.

    Raises:
        BackboneError: timm has no such backbone, or it does not take this size.
    """
    with torch.device("meta"):
        return backbones.structure(settings.backbone, outputs, settings.head, size=settings.preprocess.sides)


def edit(settings: FitSettings, network: Network, checkpointing: bool) -> None:
    """Give a network on the meta device what its method adds.

    Raises:
        BackboneError: it has no place for that, or no gradient checkpointing.
    """
    method = settings.method
    packed = isinstance(method, QloraMethod) and method.quantization == "nf4"
    with torch.device("meta"):
        methods.edit(network, method.model_copy(update={"quantization": "int8"}) if packed else method, check=False)
        if packed:
            as_nf4(network)
    if checkpointing:
        checkpoint_gradients(network)


def make_fake(network: nn.Module, channels_last: bool) -> None:
    """Put fake tensors in the place of those on meta, in the memory order that training gives them."""
    made: dict[int, Tensor] = {}  # what has two names stays one

    def fake(tensor: Tensor) -> Tensor:
        if id(tensor) not in made:
            order = torch.channels_last if channels_last and tensor.ndim == 4 else torch.contiguous_format
            made[id(tensor)] = torch.empty(tensor.shape, dtype=tensor.dtype, memory_format=order)
        return made[id(tensor)]

    for module in network.modules():
        for name, parameter in list(module.named_parameters(recurse=False)):
            found = fake(parameter)
            if not isinstance(found, nn.Parameter):
                found = made[id(parameter)] = nn.Parameter(found, requires_grad=parameter.requires_grad)
            module.register_parameter(name, found)
        for name, buffer in list(module.named_buffers(recurse=False)):
            setattr(module, name, fake(buffer))
    _stays(network)


def _stays(module: Any) -> Any:
    """Let a module stay where it is: torch cannot move fake parameters, and these need not be moved."""
    module.to = lambda *_, **__: module
    return module


def _fabric(dtype: torch.dtype | None) -> Any:
    """Return what a training state asks Lightning's Fabric for, which refuses a device that is not here."""
    return SimpleNamespace(
        device=torch.device("cpu"),
        setup_optimizers=lambda optimizer: optimizer,
        autocast=lambda: torch.autocast("cpu", dtype or torch.bfloat16, enabled=dtype is not None),
        backward=lambda loss: loss.backward(),
        to_device=lambda batch: batch,
        strategy=SimpleNamespace(precision=None),
    )


def _numbers(photos: int) -> tuple[Tensor, Tensor]:
    return torch.zeros(photos, dtype=torch.int64), torch.zeros(photos, dtype=torch.int64)
