"""`with pretended():` torch has a GPU, whose tensors are those of `tensors.py`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from importlib import import_module
from types import SimpleNamespace
from typing import Any
from unittest import mock

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from tests.pretend.tensors import CUDA, PretendTensor, apply, aten, is_cuda, on_request, wait, waits

CARD = SimpleNamespace(name="Pretended GPU", total_memory=80 << 30, major=9, minor=0, multi_processor_count=132)
FAKES: dict[str, Callable[..., Any]] = {
    "is_available": lambda: True,
    "is_initialized": lambda: True,
    "_lazy_init": lambda: None,
    "device_count": lambda: 1,
    "current_device": lambda: 0,
    "set_device": lambda _: None,
    "get_device_name": lambda *_: CARD.name,
    "get_device_properties": lambda *_: CARD,
    "get_device_capability": lambda *_: (CARD.major, CARD.minor),
    "is_bf16_supported": lambda *_, **__: True,
    "synchronize": lambda *_: wait("synchronize"),
    "empty_cache": lambda: None,
    "max_memory_allocated": lambda *_: 123_000_000,
    "memory_allocated": lambda *_: 0,
    "memory_stats": lambda *_: {},
    "reset_peak_memory_stats": lambda *_: None,
    "manual_seed": lambda _: None,
    "manual_seed_all": lambda _: None,
    "get_rng_state": lambda *_: torch.get_rng_state(),
    "get_rng_state_all": list,
    "set_rng_state": lambda *_: None,
    "set_rng_state_all": lambda *_: None,
}


class _Generator(torch.Generator):
    """A generator of the host, whatever device it is asked for: torch makes those of a GPU in its driver."""

    def __new__(cls, device: object = None) -> _Generator:
        made: _Generator = super().__new__(cls)
        return made


@contextmanager
def pretended() -> Iterator[None]:
    """Let torch have one GPU for as long as this lasts; `tensors.waits` counts from zero."""
    waits.clear()
    swapped = torch.__future__.get_swap_module_params_on_conversion()
    torch.__future__.set_swap_module_params_on_conversion(True)
    try:
        with ExitStack() as stack:
            for name, fake in FAKES.items():
                stack.enter_context(mock.patch.object(torch.cuda, name, fake))
            _patch_autocast(stack)
            _patch_optimizers(stack)
            stack.enter_context(mock.patch.object(nn.Module, "_apply", _apply))
            stack.enter_context(mock.patch.object(torch, "Generator", _Generator))
            stack.enter_context(torch.backends.cudnn.flags(enabled=False))
            stack.enter_context(_Functions())
            yield
    finally:
        torch.__future__.set_swap_module_params_on_conversion(swapped)


def _patch_autocast(stack: ExitStack) -> None:
    """Let the processor's autocast stand for the device's."""
    made = torch.amp.autocast_mode.autocast.__init__

    def init(self: Any, device_type: str, *args: Any, **kwargs: Any) -> None:
        made(self, "cpu" if device_type == "cuda" else device_type, *args, **kwargs)

    stack.enter_context(mock.patch.object(torch.amp.autocast_mode.autocast, "__init__", init))
    for name in ("is_autocast_enabled", "get_autocast_dtype", "set_autocast_enabled", "set_autocast_dtype"):
        plain = getattr(torch, name)
        stack.enter_context(mock.patch.object(torch, name, _of_the_processor(plain)))


def _of_the_processor(plain: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *args: plain(*("cpu" if argument == "cuda" else argument for argument in args))


def _patch_optimizers(stack: ExitStack) -> None:
    """Optimizers group tensors by the device that C++ sees, and ask it whether a graph is captured."""
    foreach = import_module("torch.utils._foreach_utils")
    whole = foreach._group_tensors_by_device_and_dtype

    def grouped(lists: Any, with_indices: bool = False) -> Any:
        found = whole(lists, with_indices)
        return {
            (CUDA if isinstance(value[0][0][0], PretendTensor) else device, dtype): value
            for (device, dtype), value in found.items()
        }

    for place in (foreach, *map(import_module, ("torch.optim.optimizer", "torch.nn.utils.clip_grad"))):
        stack.enter_context(mock.patch.object(place, "_group_tensors_by_device_and_dtype", grouped, create=True))
    health = "_accelerator_graph_capture_health_check"
    stack.enter_context(mock.patch.object(torch.optim.Optimizer, health, create=True))


def _apply(self: nn.Module, function: Callable[[Tensor], Tensor], recurse: bool = True) -> nn.Module:
    """Convert a module as torch does where parameters are swapped: the objects stay, what they are changes."""
    for child in self.children() if recurse else ():
        child._apply(function)
    for name, parameter in self._parameters.items():
        if parameter is None:
            continue
        gradient = parameter.grad
        with torch.no_grad():
            converted = function(parameter)
        if converted is parameter:
            continue
        new = nn.Parameter(converted, parameter.requires_grad)
        parameter.grad = None
        try:
            torch.utils.swap_tensors(parameter, new)
        except RuntimeError:  # something holds a weak reference, as an autograd node does: a new object then
            self._parameters[name] = parameter = new
        if gradient is not None:
            parameter.grad = function(gradient)
    for name, buffer in self._buffers.items():
        if buffer is not None:
            self._buffers[name] = function(buffer)
    return self


class _Operations(TorchDispatchMode):
    """Brings operations under the rules that have no pretended tensor among their arguments yet."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return apply(func, args, kwargs or {})


class _Functions(TorchFunctionMode):
    """What Python code asks of tensors and torch: where they are, to go elsewhere, to be made on a device."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if func is Tensor.to:
            return _to(*args, **kwargs)
        if func in (Tensor.cuda, Tensor.cpu):
            return _to(args[0], CUDA if func is Tensor.cuda else torch.device("cpu"))
        if func is Tensor.pin_memory:
            return args[0]
        if args and isinstance(args[0], PretendTensor) and func in ANSWERS:
            return ANSWERS[func](*args)
        if is_cuda(kwargs.get("device")):
            return _made(func, args, kwargs)
        return func(*args, **kwargs)


def _refuse_numpy(*_: Any) -> Any:
    raise TypeError(
        "can't convert cuda:0 device type tensor to numpy. Use Tensor.cpu() to copy the tensor to host memory"
    )


def _tolist(tensor: PretendTensor) -> Any:
    wait("tolist")
    return tensor.held.tolist()


def _set_data(tensor: PretendTensor, value: Tensor) -> None:
    if not isinstance(value, PretendTensor):
        raise RuntimeError("Expected all tensors to be on the same device, but `.data` of cuda:0 was given one of cpu")
    tensor.held = value.held
    with torch._C.DisableTorchFunction():
        Tensor.data.__set__(tensor, value.held)  # type: ignore[attr-defined]


ANSWERS: dict[Any, Callable[..., Any]] = {
    Tensor.device.__get__: lambda _: CUDA,  # type: ignore[attr-defined]
    Tensor.is_cuda.__get__: lambda _: True,  # type: ignore[attr-defined]
    Tensor.is_cpu.__get__: lambda _: False,  # type: ignore[attr-defined]
    Tensor.data.__get__: lambda tensor: tensor.detach(),  # type: ignore[attr-defined]
    Tensor.data.__set__: _set_data,  # type: ignore[attr-defined]
    Tensor.get_device: lambda _: 0,
    Tensor.tolist: _tolist,
    Tensor.numpy: _refuse_numpy,
    Tensor.__array__: _refuse_numpy,
}


def _made(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Make a tensor on the device: from one that lies there, or on the host and marked."""
    if any(isinstance(leaf, PretendTensor) for leaf in tree_leaves((args, kwargs))):
        return func(*args, **{name: value for name, value in kwargs.items() if name != "device"})
    if func in (torch.tensor, torch.as_tensor):
        wait("tensor from the host")
    on_host = {**kwargs, "device": "cpu"} | {name: False for name in ("pin_memory", "requires_grad") if name in kwargs}
    return PretendTensor(func(*args, **on_host), kwargs.get("requires_grad", False))


def _to(tensor: Tensor, *args: Any, **kwargs: Any) -> Tensor:
    copy = kwargs.pop("copy", False)
    if args and isinstance(args[0], Tensor):
        other = args[0]
        device: Any = CUDA if isinstance(other, PretendTensor) else other.device
        dtype, non_blocking, layout = other.dtype, kwargs.get("non_blocking", False), kwargs.get("memory_format")
    else:
        device, dtype, non_blocking, layout = torch._C._nn._parse_to(*args, **kwargs)
    here = isinstance(tensor, PretendTensor)
    if not here and not is_cuda(device):
        with torch._C.DisableTorchFunction():
            return Tensor.to(tensor, *args, **kwargs, **({"copy": True} if copy else {}))
    there = is_cuda(device) if device is not None else here
    laid_out = layout in (None, torch.preserve_format) or tensor.is_contiguous(memory_format=layout)
    if there == here and dtype in (None, tensor.dtype) and not copy and laid_out:
        return tensor
    wanted: dict[str, Any] = {"dtype": dtype, "non_blocking": bool(non_blocking)}
    if layout is not None:
        wanted["memory_format"] = layout
    if there != here:
        wanted["device"] = CUDA if there else torch.device("cpu")
    with torch._C.DisableTorchFunction(), _Operations(), on_request():
        moved: Tensor = aten._to_copy.default(tensor, **wanted)
        return moved
