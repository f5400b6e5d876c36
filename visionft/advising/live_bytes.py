"""What a step does, seen operation by operation: the bytes that live, and the work of each operation."""

from __future__ import annotations

import math
import weakref
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.flop_counter import flop_registry

from visionft.compat.torch_private import TorchDispatchMode, place_of

ATTENTION = "_scaled_dot_product_flash_attention_for_cpu"
"""The processor's name of an operation, which torch's own table of work has by the names of a GPU alone."""


class Work(NamedTuple):
    """The work of one operation.

    Attributes:
        flops: multiplications and additions of matrix products and convolutions.
        bytes: read and written, each tensor once.
        half: whether it computes in 16 bits.
    """

    flops: int
    bytes: int
    half: bool


class LiveBytes(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Note the storages of the tensors that operations in this block make, until nothing holds them any more.

    What an operation needs inside and gives back before it ends is not seen.

    Attributes:
        now: bytes that live.
        changes: bytes that came (above 0) and went since `begin`, in their order.
        work: of each operation since `begin`.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.now = 0
        self.changes: list[int] = []
        self.work: list[Work] = []
        self._sizes: dict[int, int] = {}

    def begin(self) -> None:
        """Begin new lists."""
        self.changes, self.work = [], []

    def hold(self, tensors: Iterable[Tensor]) -> None:
        """Count tensors, each storage once."""
        for tensor in tensors:
            key = place_of(tensor)[0]
            if key not in self._sizes:
                storage = tensor.untyped_storage()
                self._sizes[key] = storage.nbytes()
                self._change(storage.nbytes())
                weakref.finalize(storage, self._drop, key)

    def _drop(self, key: int) -> None:
        self._change(-self._sizes.pop(key))

    def _change(self, size: int) -> None:
        self.now += size
        self.changes.append(size)

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        answer = func(*args, **(kwargs or {}))
        made = list(_tensors(answer))
        self.hold(made)
        if not func.is_view:
            self._note(func, args, kwargs or {}, answer, made)
        return answer

    def _note(self, func: Any, args: Any, kwargs: Any, answer: Any, made: list[Tensor]) -> None:
        given = [*_tensors(args), *_tensors(kwargs.values())]
        if not given:  # what only takes memory
            return
        touched = {id(tensor): tensor.numel() * tensor.element_size() for tensor in (*given, *made)}
        half = any(tensor.dtype in (torch.bfloat16, torch.float16) for tensor in made)
        self.work.append(Work(_flops(func, args, kwargs, answer), sum(touched.values()), half))


class Course:
    """What lived and was done between two moments, as numbers: of so many photos.

    Args:
        live: what watches; its lists begin anew.
        photos: that are treated.
    """

    def __init__(self, live: LiveBytes, photos: int) -> None:
        live.begin()
        self._live, self.photos, self.start = live, photos, live.now
        self.changes: NDArray[np.float64] = np.zeros(0)
        self.work: NDArray[np.float64] = np.zeros((0, 3))

    def end(self) -> None:
        """Take what was noted."""
        self.changes = np.array(self._live.changes, dtype=np.float64)
        self.work = np.array(self._live.work, dtype=np.float64).reshape(-1, 3)


class Line:
    """The courses of any number of photos, from two: every size in them is a + b * photos.

    Args:
        few: of some photos.
        more: the same of more photos.

    Raises:
        ValueError: the two did not do the same things.
    """

    def __init__(self, few: Course, more: Course) -> None:
        if few.changes.shape != more.changes.shape or few.work.shape != more.work.shape:
            raise ValueError(f"{few.photos} photos made {len(few.changes)} changes, {more.photos} {len(more.changes)}")
        self._few, self._more, self._start = few, more, few.start

    def peak(self, photos: int) -> int:
        """Return the bytes that live at most."""
        return int(self._start + max(0.0, np.cumsum(self._at(self._few.changes, self._more.changes, photos)).max()))

    def work(self, photos: int) -> NDArray[np.float64]:
        """Return (operations, 3): see `Work`."""
        return self._at(self._few.work, self._more.work, photos)

    def _at(self, few: NDArray[np.float64], more: NDArray[np.float64], photos: int) -> NDArray[np.float64]:
        share = (photos - self._few.photos) / (self._more.photos - self._few.photos)
        return few + share * (more - few)


def _flops(func: Any, args: Any, kwargs: Any, answer: Any) -> int:
    packet = func.overloadpacket
    name = str(packet).rpartition(".")[2]
    if name.startswith(ATTENTION):
        back = name.endswith("backward")
        return _attention(*args[1:3], back=True) if back else _attention(*args[:2], back=False)
    count = flop_registry.get(packet)
    return 0 if count is None else int(count(*args, **kwargs, out_val=answer))


def _attention(query: Tensor, key: Tensor, *, back: bool) -> int:
    """Return the work of softmax(Q K^T) V with Q (B, H, N, D): two products, or five in the backward pass."""
    *outer, n, d = query.shape
    return 2 * math.prod(outer) * n * key.shape[-2] * d * (5 if back else 2)


def _tensors(values: Any) -> Iterator[Tensor]:
    if isinstance(values, Tensor):
        yield values
    elif isinstance(values, Iterable) and not isinstance(values, str):
        for value in values:
            yield from _tensors(value)
