"""Tensors that lie about where they are: they say `cuda:0`, hold ordinary memory, and refuse to meet the host's.

What torch does on a GPU is told by four rules, applied below autograd where every operation arrives once:

1. an operation takes tensors of one device; a host tensor of no dimension may join pointwise, foreach and fused ones;
2. `_to_copy` and `copy_` cross over;
3. an index may lie on the host, what is indexed may not lie there under a device's index;
4. reading a value on the host, a mask whose hits shape the result, and a copy to the host wait for the device.

Torch offers no public door for this: the private names used here and in `device.py` are the ones to look at when a
new version of torch breaks `test_pretend.py`.
"""

from __future__ import annotations

import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.utils._pytree import tree_leaves, tree_map

CUDA = torch.device("cuda", 0)
aten = torch.ops.aten

CROSSING = {aten._to_copy.default, aten.copy_.default}
INDEXED = {
    aten.index.Tensor, aten._unsafe_index.Tensor, aten.index_put.default, aten.index_put_.default,
    aten._index_put_impl_.default, aten._unsafe_index_put.default,
}  # fmt: skip
WAITING = {
    aten._local_scalar_dense.default, aten.equal.default, aten.is_nonzero.default, aten.masked_select.default,
    aten.nonzero.default, aten._unique2.default, aten.unique_dim.default, aten.bincount.default,
}  # fmt: skip
STEP_CODE = ("/visionft/",)

waits: Counter[tuple[str, str]] = Counter()
"""(what made the host wait for the device, the line of ours that asked) -> how often."""
_explicit = threading.local()


class PretendTensor(Tensor):
    """A tensor that is taken for one of `cuda:0`; `held` is the ordinary tensor over the same memory."""

    held: Tensor
    __torch_function__ = torch._C._disabled_torch_function_impl

    @staticmethod
    def __new__(cls: type[PretendTensor], held: Tensor, requires_grad: bool = False) -> PretendTensor:
        plain = held.detach()
        made: PretendTensor = Tensor._make_subclass(cls, plain, requires_grad)
        made.held = plain
        return made

    def __init__(self, *_: Any, **__: Any) -> None:
        super().__init__()

    def __repr__(self, *, tensor_contents: object = None) -> str:
        return f"PretendTensor({self.held!r})"

    def __reduce_ex__(self, protocol: Any) -> Any:
        return self.held.__reduce_ex__(protocol)

    def __deepcopy__(self, memo: dict[int, Any]) -> PretendTensor:
        if id(self) not in memo:
            twin = PretendTensor(self.held.clone(), self.requires_grad)
            twin.__dict__.update({k: v for k, v in self.__dict__.items() if k != "held"})
            memo[id(self)] = twin
            if self.grad is not None:
                twin.grad = self.grad.__deepcopy__(memo)
        found: PretendTensor = memo[id(self)]
        return found

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return apply(func, args, kwargs or {})


def is_cuda(device: Any) -> bool:
    """Whether a device argument means the pretended device."""
    return device is not None and not isinstance(device, bool) and torch.device(device).type == "cuda"


@contextmanager
def on_request() -> Iterator[None]:
    """Mark a device argument as one that Python code gave: below autograd torch also passes devices of its own."""
    before = getattr(_explicit, "on", False)
    _explicit.on = True
    try:
        yield
    finally:
        _explicit.on = before


def apply(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Run one operation on what the tensors hold, if the rules allow it, and mark the results."""
    tensors = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, Tensor)]
    ours = [tensor for tensor in tensors if isinstance(tensor, PretendTensor)]
    device = kwargs.get("device")
    if ours and not is_cuda(device) and not getattr(_explicit, "on", False):
        device = None
    on_device = is_cuda(device) if device is not None else bool(ours)
    if func is aten.copy_.default:
        on_device = isinstance(args[0], PretendTensor)
    elif func in INDEXED:
        _check_index(func, args)
    elif func not in CROSSING:
        _check_together(func, tensors)
    _record(func, args, kwargs, bool(ours), on_device)
    if "device" in kwargs:
        kwargs = {**kwargs, "device": None if device is None else torch.device("cpu"), **_unpinned(kwargs)}
    result = func(*tree_map(_held, args), **tree_map(_held, kwargs))
    return tree_map(_marking(ours, tensors, on_device), result)


def _unpinned(kwargs: dict[str, Any]) -> dict[str, Any]:
    return {"pin_memory": False} if kwargs.get("pin_memory") else {}


def _held(value: Any) -> Any:
    return value.held if isinstance(value, PretendTensor) else value


def _marking(ours: list[Any], tensors: list[Tensor], on_device: bool) -> Callable[[Any], Any]:
    """Return what makes a result one of the device: the same object where an operation returns what it was given."""
    wrappers = {id(tensor.held): tensor for tensor in ours}
    given = {id(tensor) for tensor in tensors}

    def mark(value: Any) -> Any:
        if not isinstance(value, Tensor) or id(value) in given:
            return value
        if id(value) in wrappers:
            return wrappers[id(value)]
        return PretendTensor(value) if on_device else value

    return mark


def _check_together(func: Any, tensors: list[Tensor]) -> None:
    hosts = [tensor for tensor in tensors if not isinstance(tensor, PretendTensor)]
    if not hosts or len(hosts) == len(tensors):
        return
    name = str(func)
    scalars_join = torch.Tag.pointwise in func.tags or "_foreach" in name or "_fused" in name
    if any(tensor.dim() for tensor in hosts) or not scalars_join:
        raise _mixed(func, tensors)


def _check_index(func: Any, args: tuple[Any, ...]) -> None:
    indexed, indices, *values = args
    used = [index for index in indices if index is not None]
    if not isinstance(indexed, PretendTensor) and any(isinstance(index, PretendTensor) for index in used):
        raise _mixed(func, [indexed, *used])
    for value in values:
        if (
            isinstance(value, Tensor)
            and value.dim()
            and isinstance(value, PretendTensor) != isinstance(indexed, PretendTensor)
        ):
            raise _mixed(func, [indexed, value])


def _mixed(func: Any, tensors: list[Tensor]) -> RuntimeError:
    places = ", ".join(f"{'cuda:0' if isinstance(t, PretendTensor) else 'cpu'} {tuple(t.shape)}" for t in tensors)
    return RuntimeError(f"Expected all tensors to be on the same device, but {func} got {places}")


def _record(func: Any, args: Any, kwargs: dict[str, Any], ours: bool, on_device: bool) -> None:
    if func in WAITING and ours:
        wait(str(func.overloadpacket).removeprefix("aten."))
    elif func in INDEXED and isinstance(args[0], PretendTensor):
        if any(index is not None and index.dtype in (torch.bool, torch.uint8) for index in args[1]):
            wait("mask")
        elif any(index is not None and not isinstance(index, PretendTensor) for index in args[1]):
            wait("index from the host")
    elif func is aten._to_copy.default and ours and not on_device:
        wait("copy to the host")
    elif func is aten._to_copy.default and not ours and on_device and not kwargs.get("non_blocking"):
        wait("blocking copy to the device")
    elif func is aten.copy_.default and isinstance(args[0], PretendTensor) != isinstance(args[1], PretendTensor):
        wait("copy_ across")


def wait(kind: str) -> None:
    """Count one wait of the host, under the nearest line of the package."""
    waits[kind, _line()] += 1


def _line() -> str:
    frame = sys._getframe(2)
    while frame is not None:
        name = frame.f_code.co_filename.replace("\\", "/")
        if any(part in name for part in STEP_CODE) and "/tests/" not in name:
            return f"{name.rpartition('/visionft/')[2]}:{frame.f_code.co_name}"
        frame = frame.f_back  # type: ignore[assignment]
    return "elsewhere"
