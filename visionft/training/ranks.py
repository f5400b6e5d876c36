"""The processes of one fit: which part of the work is each one's, and what they agree on."""

from __future__ import annotations

import pickle
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import compress
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn

from visionft.errors import ProcessLostError, VisionftError
from visionft.machine.memory import is_out_of_memory
from visionft.machine.stop_signals import Interrupted

POLL = 0.02  # seconds: signals are seen by Python alone, which does not run while torch waits
BUCKET = 1 << 26  # bytes that are sent at once: of large networks no second copy of all gradients is made


@dataclass(frozen=True)
class Ended:
    """How the first process ended, by its error's words if it did not finish: the others end so, without a word."""

    words: str = ""
    exit_code: int = 0
    interrupted: bool = False


class Ranks:
    """This process among those of a fit; one that is alone agrees with itself, and exchanges nothing.

    Process 0 decides, says and writes; the others wait for it, and take part in its epochs. Gradients are summed once a
    step by hand. A reducer like DDP's expects the same parameters in each step, and what trains here changes with the
    phases of a schedule, and a step is done again in halves where a device has no room.

    Args:
        rank: of this process, in [0, world).
        world: number of processes.
        neighbours: processes of the fit on this machine, this one included.
        device: index of this process's CUDA device; none: the default one.
        control: group that carries what lies in the machine's memory; it may wait for days.
        data: group that carries tensors of CUDA devices; none: there are none.

    Attributes:
        first: whether this is the process that decides, says and writes.
    """

    def __init__(
        self,
        rank: int = 0,
        world: int = 1,
        neighbours: int = 1,
        device: int | None = None,
        control: dist.ProcessGroup | None = None,
        data: dist.ProcessGroup | None = None,
    ) -> None:
        self.rank, self.world, self.neighbours, self.device = rank, world, neighbours, device
        self._control, self._data = control, data
        self.first = rank == 0
        self._apart = True

    def share(self, n: int, rank: int | None = None) -> slice:
        """Return which of n photos are a process's, this one's if none is named; shares differ by one photo at most."""
        one = self.rank if rank is None else rank
        return slice(one * n // self.world, (one + 1) * n // self.world)

    def most(self, *numbers: int) -> list[int]:
        """Return the largest number over the processes, in each place."""
        return self._together(numbers, dist.ReduceOp.MAX)

    def any(self, flag: bool) -> bool:
        """Tell whether it is so in any process."""
        return self.most(int(flag))[0] > 0

    def sum(self, number: int) -> int:
        """Return the sum over the processes."""
        return self._together([number], dist.ReduceOp.SUM)[0]

    def add(self, tensor: Tensor) -> Tensor:
        """Add up a tensor of one shape over the processes, in place."""
        if self.world > 1:
            with self._met():
                dist.all_reduce(tensor, group=self._group(tensor))
        return tensor

    def add_gradients(self, parameters: Iterable[nn.Parameter], loss: Tensor) -> None:
        """Add up, in place, the gradients and the loss [] over the processes.

        A parameter that has a gradient in some process has it afterwards in all: one without photos had none.
        """
        if self.world == 1:
            return
        every, summed = list(parameters), [loss]
        trained = self.most(*(int(parameter.grad is not None) for parameter in every))
        for parameter in compress(every, trained):
            parameter.grad = torch.zeros_like(parameter) if parameter.grad is None else parameter.grad
            summed.append(parameter.grad)
        self.add_all(summed)

    def add_all(self, tensors: Iterable[Tensor]) -> None:
        """Add up many tensors over the processes, in place, by few exchanges."""
        for bucket in _buckets(tensors):
            flat = self.add(torch.cat([tensor.flatten() for tensor in bucket]))
            for tensor, part in zip(bucket, torch.split(flat, [tensor.numel() for tensor in bucket]), strict=True):
                tensor.copy_(part.view_as(tensor))

    def gathered(self, tensor: Tensor, n: int) -> Tensor:
        """Return the whole (n, ...) of which this process has its share (m, ...)."""
        if self.world == 1:
            return tensor
        whole = tensor.new_zeros((n, *self.most(*tensor.shape[1:])) if tensor.ndim > 1 else (n,))
        if len(tensor):
            whole[self.share(n)] = tensor
        return self.add(whole)

    def match(self, module: nn.Module) -> None:
        """Give a module of one structure the parameters and buffers that it has in the first process."""
        if self.world > 1:
            with self._met():
                for tensor in module.state_dict().values():
                    same = tensor.contiguous()
                    dist.broadcast(same, group=self._group(same), group_src=0)
                    tensor.copy_(same)

    def spread(self, table: Tensor) -> None:
        """Fill a table (n, ...) in memory, of which each process has filled its share of the rows, in place."""
        if self.world == 1:
            return
        with self._met():
            for rank in range(self.world):
                rows = table[self.share(len(table), rank)].view(-1).view(torch.uint8)
                for part in torch.split(rows, BUCKET):
                    dist.broadcast(part, group=self._control, group_src=rank)

    # What the first process does alone while the others wait

    @contextmanager
    def leading(self) -> Iterator[None]:
        """In the first process: tell the others at the end of the block how it ended, and let them end so."""
        try:
            yield
        except BaseException as error:
            code = getattr(error, "exit_code", 130 if isinstance(error, KeyboardInterrupt) else 1)
            known = isinstance(error, (VisionftError, KeyboardInterrupt))
            words = str(error) if known else f"{type(error).__name__}: {error}"
            self._tell(Ended(words or "interrupted", code, isinstance(error, KeyboardInterrupt)))
            raise
        self._tell(Ended())

    @contextmanager
    def together(self, work: Any) -> Iterator[None]:
        """Let the others leave their waiting for work that all do; where it fails, nobody waits to be told."""
        if self.first:
            self.send(work)
        self._apart = False
        yield
        self._apart = True

    def send(self, message: Any) -> None:
        """Give a message to the others, which wait for it."""
        if self.world == 1:
            return
        written = torch.frombuffer(bytearray(pickle.dumps(message)), dtype=torch.uint8)
        with self._met():
            dist.broadcast(torch.tensor([len(written)]), group=self._control, group_src=0)
            dist.broadcast(written, group=self._control, group_src=0)

    def received(self) -> Any:
        """Wait for a message of the first process, however long it works alone.

        Raises:
            ProcessLostError: the first process failed, or is gone.
            Interrupted: a signal ended it.
        """
        size = torch.zeros(1, dtype=torch.int64)
        with self._met():
            waiting = dist.broadcast(size, group=self._control, group_src=0, async_op=True)
            assert waiting is not None, "every process is a member of the group"
            while not waiting.is_completed():
                time.sleep(POLL)
            waiting.wait()
            written = torch.empty(int(size), dtype=torch.uint8)
            dist.broadcast(written, group=self._control, group_src=0)
        message = pickle.loads(written.numpy().tobytes())  # of this very program, by no file
        if isinstance(message, Ended) and message.words:
            raise _like(message)
        return message

    def _group(self, tensor: Tensor) -> dist.ProcessGroup | None:
        return self._data if tensor.is_cuda else self._control

    def _tell(self, ended: Ended) -> None:
        if self._apart:
            with suppress(ProcessLostError):
                self.send(ended)

    def _together(self, numbers: Iterable[int], how: Any) -> list[int]:
        found = list(numbers)
        if self.world == 1 or not found:
            return found
        tensor = torch.tensor(found)
        with self._met():
            dist.all_reduce(tensor, how, group=self._control)
        return [int(number) for number in tensor.tolist()]

    @contextmanager
    def _met(self) -> Iterator[None]:
        """Say in a sentence that a process does not answer: torch says it by many words and one type."""
        try:
            yield
        except RuntimeError as error:
            if is_out_of_memory(error):
                raise
            said = str(error).partition("\n")[0].partition(". ")[0].partition("] ")[2] or type(error).__name__
            raise ProcessLostError(
                f"another of the {self.world} processes of this fit has ended or cannot be reached ({said}); the same "
                "command goes on from the last checkpoint, with any number of processes"
            ) from error


ALONE = Ranks()


def _buckets(tensors: Iterable[Tensor]) -> Iterator[list[Tensor]]:
    """Yield runs of tensors of one arithmetic, each of about BUCKET bytes."""
    bucket: list[Tensor] = []
    for tensor in tensors:
        full = bucket and sum(one.nbytes for one in bucket) + tensor.nbytes > BUCKET
        if full or (bucket and bucket[0].dtype != tensor.dtype):
            yield bucket
            bucket = []
        bucket.append(tensor)
    if bucket:
        yield bucket


def _like(ended: Ended) -> BaseException:
    """Return the error of a process that ends because the first one did, which has said why."""
    if ended.interrupted:
        return Interrupted(ended.exit_code - 128, ended.words)
    error = ProcessLostError(f"the first process of this fit ended: {ended.words}")
    error.exit_code, error.said_elsewhere = ended.exit_code, True
    return error
