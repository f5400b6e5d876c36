"""Runs `visionft` in several forked children that know of each other, as torchrun and srun start them.

`python -m tests.joining` imports everything once and starts no thread, so that its children are whole. It reads one
order a line, as JSON, and answers each with the list of exit codes by rank; one that hangs is killed, and has none.
"""

from __future__ import annotations

import hashlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch

from tests.forking import others

PATIENCE = 90.0  # seconds that the processes of an order have


@dataclass(frozen=True)
class Order:
    """What is to be run.

    Attributes:
        arguments: of visionft.
        log: folder of what each process says, `RANK.out` and `RANK.err`, and `losses-RANK`, with the loss and
            a digest of the weights after each step.
        world: processes; 1 knows of no others.
        starter: "torchrun" or "srun", whose variables they get.
        signals: (rank, step, number): sent to the process itself after its step.
        photo: of the folder, removed by process 1 before its third step.
    """

    arguments: list[str]
    log: str
    world: int = 2
    starter: str = "torchrun"
    signals: list[tuple[int, int, int]] = field(default_factory=list)
    photo: str = ""


def variables(order: Order, rank: int, port: int) -> dict[str, str]:
    """Return what a starter sets."""
    place = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    if order.world == 1:
        return {}
    if order.starter == "torchrun":
        return {**place, "WORLD_SIZE": str(order.world), "RANK": str(rank), "LOCAL_RANK": str(rank)}
    world = dict.fromkeys(("SLURM_STEP_NUM_TASKS", "SLURM_NTASKS", "SLURM_NTASKS_PER_NODE"), str(order.world))
    own = dict.fromkeys(("SLURM_PROCID", "SLURM_LOCALID"), str(rank))
    job = {"SLURM_JOB_ID": "7", "SLURM_JOB_NAME": "fit", "SLURM_NODEID": "0", "SLURM_NODELIST": "127.0.0.1"}
    return {"MASTER_PORT": str(port), **world, **own, **job}


def child(order: Order, rank: int, port: int) -> None:
    """Run the command as one of several, and end."""
    for number, name in ((1, "out"), (2, "err")):
        os.dup2(os.open(Path(order.log, f"{rank}.{name}"), os.O_WRONLY | os.O_CREAT | os.O_APPEND), number)
    os.environ.update(variables(order, rank, port))
    from visionft.cli import main as run
    from visionft.training import TrainState, loop

    step, losses = loop.optimizer_step, Path(order.log, f"losses-{rank}")

    def watched(state: TrainState, *words: Any) -> None:
        if order.photo and rank == 1 and state.step == 2:
            Path(order.photo).unlink()
        step(state, *words)
        with losses.open("a") as file:
            print(state.checkpoint([]).pending_loss[-1], fingerprint(state.network), file=file)
        for whose, when, number in order.signals:
            if (whose, when) == (rank, state.step):
                os.kill(os.getpid(), number)

    loop.optimizer_step = watched
    code = run(order.arguments)
    sys.stdout.flush()
    os._exit(code)


def fingerprint(network: Any) -> str:
    """Return a digest of weights and statistics: equal in all processes after each step.

    Not of how many passes a norm has seen: a process without photos sees none, and no arithmetic here reads it.
    """
    tensors = [tensor for tensor in network.state_dict().values() if tensor.dtype != torch.int64]
    return hashlib.sha256(b"".join(tensor.numpy().tobytes() for tensor in tensors)).hexdigest()


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


def carry_out(order: Order) -> list[int | None]:
    """Fork the children of an order, and return how each ended."""
    port, pids = free_port(), list[int]()
    for rank in range(order.world):
        if (pid := os.fork()) == 0:
            child(order, rank, port)
        pids.append(pid)
    until, codes = time.monotonic() + PATIENCE, dict[int, int | None]()
    while len(codes) < len(pids):
        for pid in set(pids) - codes.keys():
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                codes[pid] = os.waitstatus_to_exitcode(status)
            elif time.monotonic() > until:
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
                codes[pid] = None
        time.sleep(0.02)
    return [codes[pid] for pid in pids]


class Joining:
    """A process that carries out orders; of a test's side."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process

    def __call__(self, order: Order) -> list[int | None]:
        """Return the exit code of each process by rank."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        print(json.dumps(asdict(order)), file=self.process.stdin, flush=True)
        answer: list[int | None] = json.loads(self.process.stdout.readline())
        return answer


@contextmanager
def joining(environment: dict[str, str]) -> Iterator[Joining]:
    """Start the process, and end it with the block."""
    command = [sys.executable, "-m", "tests.joining"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield Joining(process)
        assert process.stdin is not None
        process.stdin.close()


def main() -> None:
    """Import what a fit needs, and carry out orders until the input ends."""
    import lightning  # noqa: F401

    import visionft.cli
    import visionft.training  # noqa: F401

    assert len(others()) == 0, f"a fork would lose threads: {others()}"
    print("ready", flush=True)
    for line in sys.stdin:
        print(json.dumps(carry_out(Order(**json.loads(line)))), flush=True)


if __name__ == "__main__":
    main()
