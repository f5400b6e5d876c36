"""Answers by the workers of a Ray cluster: a pool of actors, of which each holds a model and writes whole files.

A file of answers is one task. A worker that is lost has its task done again by another, which writes the same bytes;
what a lost driver leaves is gone on with. Photos, bundle and answers lie on a file system that every worker sees.
"""

from __future__ import annotations

import logging
import os
import socket
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from visionft import errors
from visionft.bundle import Bundle
from visionft.bundle.prediction_shards import Shards
from visionft.errors import BundleError, ProcessLostError, UsageError, VisionftError
from visionft.machine.process_state import environment, quiet_loggers
from visionft.serving.answerer import Answerer
from visionft.serving.predict_bundle import answerer_of

DECODING = 2
"""Threads of an actor that make photos ready, beside the one core of its network: some wait for a file system."""
KNOCK_SECONDS = 10.0
RESTARTS = 3
"""Of a worker, and of a file that a worker was lost over: Ray Data would begin again for ever."""
STORE_BYTES = 128 << 20
"""Of the object store of a cluster that is started here: numbers of files go through it, no photos."""


@dataclass(frozen=True)
class Order:
    """What a worker is told.

    Attributes:
        shards: the folder, as the driver has it.
        bundle: the folder of the bundle.
    """

    shards: Shards
    bundle: Path


class Worker:
    """Writes files of answers, in an actor of its own."""

    def __init__(self, order: Order) -> None:
        self._order = order
        self._answerer: Answerer | None = None

    def __call__(self, row: dict[str, Any]) -> dict[str, Any]:
        """Write the file `number`; what a user can mend comes back as a row, as Ray would bury it in a traceback."""
        number = int(row["number"])
        told = {"photos": len(self._order.shards.indices(number)), "fault": "", "kind": ""}
        try:
            answerer = self._answerer = self._answerer or opened(self._order)
            for _ in answerer.write(self._order.shards, [number]):
                pass
        except VisionftError as fault:
            told |= {"fault": str(fault), "kind": type(fault).__name__}
        return told


def opened(order: Order) -> Answerer:
    """Open the model in a worker, once it is sure that the worker sees what the driver sees.

    Raises:
        UsageError: the folder of the answers is not here, or is another one.
        BundleError: the bundle is not here, or is another one.
    """
    shards, here = order.shards, socket.gethostname()
    try:
        seen = Shards.open(shards.folder) == shards
    except UsageError:
        seen = False
    if not seen:
        raise UsageError(
            f"the worker on {here} does not see the folder {shards.folder}: give --out on a file system that every "
            "machine of the cluster sees"
        )
    adapter = shards.subject.adapter
    try:
        bundle = Bundle.open(order.bundle)
        same = bundle.model_sha256(adapter) == shards.subject.model
    except BundleError:
        same = False
    if not same:
        raise BundleError(
            f"the worker on {here} does not see the bundle {order.bundle}, or another one: put it on a file system "
            "that every machine of the cluster sees"
        )
    return replace(answerer_of(bundle, adapter, threads=1), threads=DECODING)


def write_with_ray(
    shards: Shards, numbers: Sequence[int], bundle: Path, address: str | None, workers: int | None
) -> Iterator[int]:
    """Write some files of answers, and yield the number of photos each time that a file is done.

    Args:
        shards: the folder.
        numbers: of the files.
        bundle: the folder of the bundle.
        address: as `visionft.workflows.predict.predict` has it.
        workers: actors, of one core each; None: one for each core of the cluster.

    Raises:
        ProcessLostError: the cluster cannot be reached, or was lost.
        VisionftError: what a worker raised.
    """
    order = Order(replace(shards, folder=shards.folder.absolute()), bundle.absolute())
    with _cluster(address, workers) as cores:
        from ray.data import ActorPoolStrategy, from_items

        _quiet()
        rows = [{"number": number} for number in numbers]
        pool = ActorPoolStrategy(size=max(1, min(len(rows), workers or cores)))
        # A row a block: a block is what an actor gets at one time.
        asked = from_items(rows, override_num_blocks=len(rows))
        # Ray would rather have its arguments by names of its own, and has none for these two.
        again = {"max_restarts": RESTARTS, "max_task_retries": RESTARTS}
        answers = asked.map(Worker, fn_constructor_args=[order], compute=pool, num_cpus=1, **again)
        done = 0
        with quiet_loggers(logging.ERROR, "ray", "ray.data"):  # Ray's own log files have what they say
            for row in answers.iter_rows():
                if row["kind"]:
                    raise getattr(errors, row["kind"])(row["fault"])
                done += row["photos"]
                yield done


@contextmanager
def _cluster(address: str | None, workers: int | None) -> Iterator[int]:
    """Join a cluster, or start one for the time of the block; yield its cores."""
    # Both before ray is imported. A cluster that is there reports as whoever started it has told it to. Without the
    # level, stderr has warnings about Ray's own internals.
    level = os.environ.get("RAY_BACKEND_LOG_LEVEL", "fatal")
    with environment(RAY_USAGE_STATS_ENABLED="0", RAY_BACKEND_LOG_LEVEL=level), _joined(address, workers) as cores:
        yield cores


@contextmanager
def _joined(address: str | None, workers: int | None) -> Iterator[int]:
    import ray
    from ray.exceptions import RayActorError, RayError

    address = address or os.environ.get("RAY_ADDRESS") or "local"
    own: dict[str, Any] = {"num_cpus": workers, "object_store_memory": STORE_BYTES, "include_dashboard": False}
    try:
        _knock(address)
        with _without_stderr():
            ray.init(address, log_to_driver=False, logging_level=logging.ERROR, **(own if address == "local" else {}))
    except (RayError, RuntimeError, OSError, ValueError) as error:
        raise ProcessLostError(
            f"the Ray cluster {address} cannot be joined ({_first(error)}): see `ray status`, or leave "
            "--engine-address out to start one on this machine"
        ) from error
    try:
        yield int(ray.cluster_resources().get("CPU", 1))
    except RayActorError as error:
        raise ProcessLostError(
            f"the workers of the Ray cluster {address} ended again and again over the same photos ({_first(error)}), "
            "most often as memory ran out or a photo crashes what decodes it: start again with --resume and fewer "
            "--engine-workers, or without --engine"
        ) from error
    except RayError as error:
        raise ProcessLostError(
            f"the Ray cluster {address} failed ({_first(error)}): start again with --resume, nothing is lost"
        ) from error
    finally:
        ray.shutdown()


def _knock(address: str) -> None:
    """Raise OSError where nobody answers at HOST:PORT: Ray itself goes on trying for many minutes."""
    host, colon, port = address.rpartition(":")
    if colon and port.isdecimal():
        socket.create_connection((host.strip("[]"), int(port)), KNOCK_SECONDS).close()


@contextmanager
def _without_stderr() -> Iterator[None]:
    """Keep what Ray's C++ writes while it starts, such as the level of its log; its failures are exceptions."""
    sys.stderr.flush()
    kept = os.dup(2)
    try:
        with Path(os.devnull).open("w") as nothing:
            os.dup2(nothing.fileno(), 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def _quiet() -> None:
    """Keep Ray Data's bars off."""
    from ray.data import DataContext

    context = DataContext.get_current()
    context.enable_progress_bars = False
    context.print_on_execution_start = False


def _first(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1][:200] if lines else type(error).__name__
