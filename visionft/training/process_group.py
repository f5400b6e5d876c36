"""Several processes that torchrun or srun started become those of one fit."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

import torch
import torch.distributed as dist
from lightning.fabric.plugins.environments.cluster_environment import ClusterEnvironment
from lightning.fabric.plugins.environments.slurm import SLURMEnvironment
from lightning.fabric.plugins.environments.torchelastic import TorchElasticEnvironment

from visionft.errors import ProcessLostError, UsageError
from visionft.machine.process_state import same_environment
from visionft.training.ranks import ALONE, Ranks

MEETING = timedelta(minutes=10)  # that processes of one start may come later than each other
WORK = timedelta(days=30)  # that the first one may work alone: photos are read, heads are solved
NEEDED = ("RANK", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT")


@dataclass(frozen=True)
class Place:
    """One of several processes, as its starter's variables say.

    Attributes:
        rank: of this process, in [0, world).
        local_rank: the same on its machine.
        world: number of processes.
        address: of the first process's machine.
        port: where they meet on it.
        held: whether the starter itself holds the meeting place, as torchrun does.
    """

    rank: int
    local_rank: int
    world: int
    address: str
    port: int
    held: bool


def started() -> Place | None:
    """Return which of several processes this is; none: it is the only one.

    Raises:
        UsageError: there are several, and not enough is said about them.
    """
    if _number("WORLD_SIZE") > 1:
        if missing := [name for name in NEEDED if name not in os.environ]:
            raise UsageError(
                f"WORLD_SIZE={os.environ['WORLD_SIZE']} says that this is one of several processes, and "
                f"{', '.join(missing)} is not set; start them with torchrun, or unset WORLD_SIZE"
            )
        return _place(TorchElasticEnvironment())
    if _number("SLURM_STEP_NUM_TASKS") > 1:  # SLURM_NTASKS is set in a batch script too, which is one process
        if "SLURM_NTASKS_PER_NODE" not in os.environ:
            raise UsageError(
                f"srun started {os.environ['SLURM_STEP_NUM_TASKS']} processes of this fit, and SLURM_NTASKS_PER_NODE "
                "is not set; give --ntasks-per-node to sbatch or srun"
            )
        return _place(SLURMEnvironment(auto_requeue=False))
    return None


def _place(environment: ClusterEnvironment) -> Place:
    with same_environment("MASTER_ADDR", "MASTER_PORT"):  # Lightning sets what SLURM does not
        return Place(
            environment.global_rank(),
            environment.local_rank(),
            environment.world_size(),
            environment.main_address,
            environment.main_port,
            isinstance(environment, TorchElasticEnvironment),
        )


def is_first() -> bool:
    """Tell whether this is the process that says what becomes of the fit: the first of several, or the only one."""
    place = started()
    return place is None or place.rank == 0


def _number(name: str) -> int:
    value = os.environ.get(name, "1")
    return int(value) if value.isdecimal() else 1


@contextmanager
def joined(device: str) -> Iterator[Ranks]:
    """Meet the other processes of this fit, if there are any, and part from them at the end of the block.

    Args:
        device: "cpu", "cuda" or "auto", as the settings say.

    Raises:
        UsageError: the processes of a machine outnumber its CUDA devices.
        ProcessLostError: one did not come, or is gone.
    """
    place = started()
    if place is None:
        yield ALONE
        return
    # torchrun holds the meeting place itself, which torch finds by this name
    where = "env://" if place.held else f"tcp://{place.address}:{place.port}"
    try:
        dist.init_process_group("gloo", init_method=where, rank=place.rank, world_size=place.world, timeout=MEETING)
        ranks = _ranks(place, device != "cpu" and torch.cuda.is_available())
    except RuntimeError as error:
        raise ProcessLostError(
            f"the {place.world} processes of this fit did not meet at {place.address}:{place.port} "
            f"({str(error).partition(chr(10))[0]}); see that all are started and reach it"
        ) from error
    try:
        yield ranks
    finally:
        dist.destroy_process_group()


def _ranks(place: Place, cuda: bool) -> Ranks:
    rank, world, device = place.rank, place.world, None
    if cuda:  # a scheduler may show each process its own device alone
        device = place.local_rank if torch.cuda.device_count() > 1 else 0
    control = _group("gloo", WORK)
    holders: list[tuple[str, str]] = [("", "")] * world
    dist.all_gather_object(holders, (socket.gethostname(), _identity(device)), group=control)
    neighbours = sum(host == holders[rank][0] for host, _ in holders)
    if device is None:
        return Ranks(rank, world, neighbours, None, control)
    if len(set(holders)) < world or any(not identity for _, identity in holders):
        error = UsageError(
            f"{neighbours} processes were started on {holders[rank][0]}, which has {torch.cuda.device_count()} CUDA "
            "devices; start as many as there are devices, or give --hardware.device cpu"
        )
        error.said_elsewhere = rank > 0
        raise error
    torch.cuda.set_device(device)
    return Ranks(rank, world, neighbours, device, control, _group("nccl", MEETING))


def _group(backend: str, timeout: timedelta) -> dist.ProcessGroup:
    group = dist.new_group(backend=backend, timeout=timeout)
    assert isinstance(group, dist.ProcessGroup), "every process is a member"
    return group


def _identity(device: int | None) -> str:
    if device is None or device >= torch.cuda.device_count():
        return ""
    return str(torch.cuda.get_device_properties(device).uuid)
