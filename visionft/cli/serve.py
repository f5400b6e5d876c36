"""`visionft serve`."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from types import FrameType
from typing import Annotated, Literal

from cyclopts import Parameter

from visionft.cli.path_checks import PLACE
from visionft.errors import MissingExtraError, UsageError

_NEEDED = ("starlette", "uvicorn", "httptools", "python_multipart", "prometheus_client")
_MILLI = 1e-3
_BATCH_MS = 5.0
_SHORTEST_TOKEN = 16


def serve(
    bundle: Annotated[Path, PLACE, Parameter(help="The folder of a bundle.")],
    /,
    *,
    host: Annotated[
        str, Parameter(help="The address to listen on; 0.0.0.0 for every network of the machine.")
    ] = "127.0.0.1",
    port: Annotated[int, Parameter(help="The port to listen on; 0 takes a free one.")] = 8000,
    name: Annotated[str | None, Parameter(help="The model's name in addresses; none: the folder's name.")] = None,
    provider: Annotated[
        Literal["cpu", "cuda", "tensorrt"], Parameter(help="What the network runs on, where onnxruntime has it.")
    ] = "cpu",
    token: Annotated[
        str | None,
        Parameter(
            env_var="VISIONFT_TOKEN",
            help="What every request but /v2/health/live and /v2/health/ready must bring: Authorization: Bearer TOKEN, "
            "or the token as a password, which browsers ask for. The variable keeps it out of the list of processes.",
        ),
    ] = None,
    allow_host: Annotated[
        tuple[str, ...],
        Parameter(
            help="A name under which clients may ask, as it stands in their addresses; may be repeated, * for any. "
            "None: any, and on an address of this machine alone its own names."
        ),
    ] = (),
    batch: Annotated[int, Parameter(help="Most photos in one run of the network.")] = 32,
    batch_ms: Annotated[float, Parameter(help="Most milliseconds that a photo waits for others.")] = _BATCH_MS,
    queue: Annotated[int, Parameter(help="Most photos taken in and not answered; above it the answer is 429.")] = 128,
    max_bytes: Annotated[int, Parameter(help="Most bytes of one request.")] = 64_000_000,
    max_held_bytes: Annotated[
        int | None, Parameter(help="Most bytes of all requests at work; none: four times --max-bytes.")
    ] = None,
    max_pixels: Annotated[int, Parameter(help="Most pixels of one photo.")] = 50_000_000,
    max_request_pixels: Annotated[int, Parameter(help="Most pixels of all photos of one request.")] = 500_000_000,
    max_photo_seconds: Annotated[
        float, Parameter(help="Most seconds for decoding a photo that is large or laborious.")
    ] = 10.0,
    timeout: Annotated[float, Parameter(help="Most seconds from a request to its answer.")] = 30.0,
) -> None:
    """Serve a bundle over HTTP: photo files, the Open Inference Protocol, a page, figures. No torch."""
    _check_counts({"--batch": batch, "--queue": queue, "--max-bytes": max_bytes, "--max-pixels": max_pixels})
    _check_counts({"--max-request-pixels": max_request_pixels})
    _check_ranges(port, batch_ms, {"--timeout": timeout, "--max-photo-seconds": max_photo_seconds})
    _check_room(max_held_bytes, max_bytes)
    if batch == 1 and batch_ms not in (0.0, _BATCH_MS):
        raise UsageError(
            f"--batch-ms: {batch_ms:g} has no effect, as --batch 1 lets no photo wait for others; leave it out, or "
            "give a larger --batch"
        )
    _check_names(token, name, allow_host)
    if missing := [package for package in _NEEDED if find_spec(package) is None]:
        raise MissingExtraError(
            f"serve needs {', '.join(missing)}, not installed here: install it with `pip install 'visionft[serve]'`"
        )
    with _ended_at_once():
        from visionft.serving.limits import Limits
        from visionft.serving.server.authentication import Access, allowed_hosts
        from visionft.serving.server.run_server import serve as run

        limits = Limits(
            batch, batch_ms * _MILLI, queue, max_bytes, max_pixels, timeout,
            max_request_pixels, max_held_bytes, max_photo_seconds,
        )  # fmt: skip
        access = Access(token, allowed_hosts(host, allow_host))
        run(bundle, host=host, port=port, name=name, provider=provider, limits=limits, access=access, say=_say)
        _leave()


def _check_counts(counts: dict[str, int]) -> None:
    for flag, value in counts.items():
        if value < 1:
            raise UsageError(f"{flag}: {value} is less than 1; give a whole number from 1")


def _check_ranges(port: int, batch_ms: float, times: dict[str, float]) -> None:
    if not 0 <= port <= 65_535:
        raise UsageError(f"--port: {port} is no port; give one from 0 to 65535")
    if not 0 <= batch_ms <= 10_000:
        raise UsageError(f"--batch-ms: {batch_ms:g} is out of range; give milliseconds from 0 to 10000")
    for flag, seconds in times.items():
        if not 0 < seconds <= 3600:
            raise UsageError(f"{flag}: {seconds:g} is out of range; give seconds above 0, up to 3600")


def _check_room(held: int | None, one: int) -> None:
    if held is not None and held < 3 * one:
        raise UsageError(
            f"--max-held-bytes: {held:,} is less than three times --max-bytes ({one:,}), so that the largest request "
            f"would have no room; give at least {3 * one}"
        )


def _check_names(token: str | None, name: str | None, hosts: tuple[str, ...]) -> None:
    if token is not None and (len(token) < _SHORTEST_TOKEN or not token.isascii() or not token.isprintable()):
        raise UsageError(
            f"--token: it has {len(token)} characters; give {_SHORTEST_TOKEN} or more of printable ASCII without "
            "spaces, such as `openssl rand -hex 16` prints"
        )
    if token is not None and " " in token:
        raise UsageError("--token: it has a space in it, which headers do not carry; give one without")
    if name is not None and (not name or "/" in name or not name.isprintable()):
        raise UsageError(f"--name: {name!a} cannot stand in an address; give a name without / and control characters")
    for host in hosts:
        if not host or "/" in host or not (host.isascii() and host.isprintable()) or " " in host:
            raise UsageError(
                f"--allow-host: {host!a} is no host's name; give one such as shop.example, without http://"
            )


def _say(line: str) -> None:
    print(line, flush=True)


@contextlib.contextmanager
def _ended_at_once() -> Iterator[None]:
    """Let SIGTERM and SIGINT end the process at once where the server does not take them: while it starts, and at last.

    Nothing is lost then, and an exception raised from a handler inside an import, or inside a thread's end, would only
    become a traceback.
    """

    def end(number: int, frame: FrameType | None) -> None:  # noqa: ARG001  # the signature of a handler
        os._exit(128 + number)

    if threading.current_thread() is not threading.main_thread():  # elsewhere Python allows no handlers
        yield
        return
    before = {number: signal.signal(number, end) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _leave() -> None:
    """End the process: every answer was given, and Python would wait for a thread that is still decoding."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)
