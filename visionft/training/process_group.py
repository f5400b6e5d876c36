"""Several processes that torchrun or srun started become those of one fit."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import torch
import torch.distributed as dist
from lightning.fabric.plugins.environments.cluster_environment import ClusterEnvironment
from lightning.fabric.plugins.environments.slurm import SLURMEnvironment
from lightning.fabric.plugins.environments.torchelastic import TorchElasticEnvironment

from visionft.errors import ProcessLostError, UsageError
from visionft.training.ranks import ALONE, Ranks

MEETING = timedelta(minutes=10)  # that processes of one start may come later than each other
WORK = timedelta(days=30)  # that the first one may work alone: photos are read, heads are solved
NEEDED = ("RANK", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT")


def started() -> ClusterEnvironment | None:
    """Return what says which of several processes this is; none: it is the only one.

    Raises:
        UsageError: there are several, and not enough is said about them.
    """
    if _number("WORLD_SIZE") > 1:
        if missing := [name for name in NEEDED if name not in os.environ]:
            raise UsageError(
                f"WORLD_SIZE={os.environ['WORLD_SIZE']} says that this is one of several processes, and "
                f"{', '.join(missing)} is not set; start them with torchrun, or unset WORLD_SIZE"
            )
        return TorchElasticEnvironment()
    if _number("SLURM_STEP_NUM_TASKS") > 1:  # SLURM_NTASKS is set in a batch script too, which is one process
        try:
            return SLURMEnvironment(auto_requeue=False)
        except RuntimeError as error:
            raise UsageError(f"SLURM's variables do not say enough for several processes: {error}") from error
    return None


def is_first() -> bool:
    """Tell whether this is the process that says what becomes of the fit: the first of several, or the only one."""
    environment = started()
    return environment is None or environment.global_rank() == 0


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
    environment = started()
    if environment is None:
        yield ALONE
        return
    try:
        dist.init_process_group(
            "gloo",
            init_method=_meeting_place(environment),
            rank=environment.global_rank(),
            world_size=environment.world_size(),
            timeout=MEETING,
        )
        ranks = _ranks(environment, device != "cpu" and torch.cuda.is_available())
    except RuntimeError as error:
        raise ProcessLostError(
            f"the {environment.world_size()} processes of this fit did not meet at {environment.main_address}:"
            f"{environment.main_port} ({str(error).partition(chr(10))[0]}); see that all are started and reach it"
        ) from error
    try:
        yield ranks
    finally:
        dist.destroy_process_group()


def _meeting_place(environment: ClusterEnvironment) -> str:
    if isinstance(environment, TorchElasticEnvironment):
        return "env://"  # torchrun holds the place itself, which torch finds by this name
    return f"tcp://{environment.main_address}:{environment.main_port}"


def _ranks(environment: ClusterEnvironment, cuda: bool) -> Ranks:
    rank, world, device = environment.global_rank(), environment.world_size(), None
    if cuda:  # a scheduler may show each process its own device alone
        device = environment.local_rank() if torch.cuda.device_count() > 1 else 0
    control = _group("gloo", WORK)
    places: list[tuple[str, str]] = [("", "")] * world
    dist.all_gather_object(places, (socket.gethostname(), _identity(device)), group=control)
    neighbours = sum(host == places[rank][0] for host, _ in places)
    if device is None:
        return Ranks(rank, world, neighbours, None, control)
    if len(set(places)) < world or any(not identity for _, identity in places):
        error = UsageError(
            f"{neighbours} processes were started on {places[rank][0]}, which has {torch.cuda.device_count()} CUDA "
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
