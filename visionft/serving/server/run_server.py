"""From a bundle to a process that serves it until it is told to end."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from types import FrameType

import uvicorn
from starlette.types import ASGIApp

from visionft.bundle import Bundle
from visionft.errors import UsageError
from visionft.machine.process_state import handling_signals
from visionft.serving.engine import Engine
from visionft.serving.limits import Limits
from visionft.serving.pipeline import Pipeline
from visionft.serving.server import access_log
from visionft.serving.server.asgi_app import build_app
from visionft.serving.server.authentication import Access, is_loopback
from visionft.serving.server.http_error import shortened
from visionft.serving.server.prometheus import Counters
from visionft.serving.server.service import Service
from visionft.serving.server.uvicorn_protocol import BACKLOG, BoundedProtocol
from visionft.serving.server.visual_search import Searched
from visionft.wording.lists import count

_BACKLOG = 2048
"""Connections that the system keeps until they are accepted."""
_SWITCH = 0.001
"""Seconds that a thread waits for one that computes in Python, not 5 ms: an answer goes through three threads."""
_CLOSING = 1.0
"""Seconds for the threads to end, once every request was answered or timed out."""
_TELLING = 0.1
"""Seconds between two looks at the connections that are left, once the process was asked to end."""
_AFTER_DEADLINE = 2.0
"""Seconds for writing the last answers, once every request was answered or timed out."""


def serve(
    place: str | Path,
    *,
    host: str,
    port: int,
    name: str | None,
    provider: str,
    limits: Limits,
    access: Access,
    say: Callable[[str], None],
    index: Searched | None = None,
) -> None:
    """Serve a bundle until SIGTERM or SIGINT; every request that was read whole is answered before this returns.

    It returns at most `limits.timeout` and some seconds after the signal, whatever its threads do then.

    Args:
        place: the bundle's folder.
        host: the address to listen on.
        port: the port; 0 takes a free one.
        name: the model's name in the protocol's addresses; none: the folder's name.
        provider: one of `visionft.serving.execution_providers.PROVIDERS`.
        limits: what is refused.
        access: who may ask.
        say: told one line once it is ready, and where the provider cannot be used.
        index: that photos are looked up in; its embeddings are this bundle's.

    Raises:
        UsageError: the address cannot be used.
        BundleError: the bundle is missing, damaged or of another version.
    """
    listening = _listen(host, port)
    with listening:
        bundle = Bundle.open(place)
        sys.setswitchinterval(_SWITCH)
        access_log.configure()
        engine = Engine(bundle, provider, say=lambda line: access_log.say("provider", problem=line))
        service = _service(engine, name or Path(place).resolve().name, limits, access)
        address = _address(host, listening.getsockname()[1])
        if access.token is None and not is_loopback(host):
            access_log.warn("open", problem=f"whoever reaches {address} may ask: give --token, or listen on 127.0.0.1")
        ready = partial(_ready, service, engine, address, index)
        _Server(build_app(service, index), service, listening, lambda: say(ready())).run(sockets=[listening])
    service.close(_CLOSING)


def _service(engine: Engine, name: str, limits: Limits, access: Access) -> Service:
    record = engine.bundle.record
    about = {"model": name, "backbone": record.backbone, "classes": record.classes_hash, "provider": engine.provider}
    counters = Counters(lambda: pipeline.depth, about)
    pipeline = Pipeline(engine, limits, counters.batch)
    return Service(engine.bundle, name, limits, pipeline, counters, access)


class _Server(uvicorn.Server):
    """uvicorn's loop; its signals end it with exit code 0 instead of being raised again."""

    def __init__(self, app: ASGIApp, service: Service, listening: socket.socket, on_ready: Callable[[], None]) -> None:
        self._service, self._listening, self._on_ready = service, listening, on_ready
        patience = int(service.limits.timeout + _AFTER_DEADLINE) + 1
        super().__init__(
            uvicorn.Config(
                app, loop="asyncio", http=BoundedProtocol, ws="none", lifespan="off", log_config=None,
                access_log=False, server_header=False, backlog=BACKLOG, timeout_graceful_shutdown=patience,
            )
        )  # fmt: skip

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start listening, and say so."""
        await super().startup(sockets)
        self._listening.listen(_BACKLOG)  # uvicorn's backlog is two in one: what waits, and what one turn accepts
        self._on_ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Answer what is at work, and close every connection after its answer."""
        telling = asyncio.create_task(self._tell_each())
        try:
            await super().shutdown(sockets)
        finally:
            telling.cancel()

    async def _tell_each(self) -> None:
        """Tell connections again and again: uvicorn tells once, and not those that it is just accepting.

        Such a one would be kept open by its client, and hold the process until its patience ends.
        """
        while True:
            for connection in list(self.server_state.connections):
                connection.shutdown()
            await asyncio.sleep(_TELLING)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Take SIGTERM and SIGINT while serving, and give them back afterwards."""
        with handling_signals(self.handle_exit, (signal.SIGTERM, signal.SIGINT)):
            yield

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to drain; a second SIGINT ends at once."""
        self._service.draining = True
        super().handle_exit(sig, frame)


def _listen(host: str, port: int) -> socket.socket:
    """Return a bound socket; it is taken before the model is opened, so that a taken port is told at once."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        found = socket.socket(family, kind, protocol)
        with contextlib.ExitStack() as unless_bound:
            unless_bound.callback(found.close)
            found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            found.bind(address)
            unless_bound.pop_all()
        return found
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UsageError(
            f"{host}:{port} cannot be listened on ({reason}): "
            "give another --port, or an address of this machine as --host"
        ) from error


def _address(host: str, port: int) -> str:
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _ready(service: Service, engine: Engine, address: str, index: Searched | None) -> str:
    record = service.bundle.record
    answers = service.bundle.answers.subject(len(record.classes))
    answers = f"{len(record.adapters):,} adapters" if record.adapters else answers
    what = f"{record.backbone}, {answers}, on {engine.provider}"
    what += f", searching {count(index.about()['photos'], 'photo')} at /search" if index else ""
    return f"serving {shortened(service.name, 200)} ({what}) at {address}"
