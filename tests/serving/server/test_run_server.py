"""The loop around the service: it ends once every connection is closed, also one accepted at the last moment."""

from __future__ import annotations

import asyncio
import logging
import socket
import time
from pathlib import Path

import pytest

from visionft.bundle import Bundle
from visionft.serving.engine import Engine
from visionft.serving.limits import Limits
from visionft.serving.server.asgi_app import build_app
from visionft.serving.server.authentication import Access
from visionft.serving.server.run_server import _listen, _Server, _service


class Late:
    """A connection that its client keeps open until it is told."""

    def __init__(self, server: _Server) -> None:
        self.server, self.told = server, 0

    def shutdown(self) -> None:
        self.told += 1
        self.server.server_state.connections.discard(self)  # type: ignore[arg-type]  # one of uvicorn's protocols


async def ended(server: _Server, listening: socket.socket) -> Late:
    """Serve, ask for the end, and let a connection come right after uvicorn has told those that it had."""
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    while not server.started:
        await asyncio.sleep(0.01)
    server.should_exit = True
    while server.servers[0].is_serving():
        await asyncio.sleep(0)
    late = Late(server)
    server.server_state.connections.add(late)  # type: ignore[arg-type]
    await serving
    return late


def test_a_connection_that_comes_as_the_process_ends_does_not_hold_it(
    bundle: Path, caplog: pytest.LogCaptureFixture
) -> None:
    limits = Limits(batch=4, batch_seconds=0.01, queue=4, max_bytes=10_000, max_pixels=10_000, timeout=5.0)
    service = _service(Engine(Bundle.open(bundle), threads=1), "colours", limits, Access())
    try:
        with _listen("127.0.0.1", 0) as listening, caplog.at_level(logging.ERROR):
            server = _Server(build_app(service), service, listening, lambda: None)
            patience = server.config.timeout_graceful_shutdown
            assert patience is not None
            began = time.monotonic()
            late = asyncio.run(ended(server, listening))
    finally:
        service.close(1)
    assert late.told == 1
    assert time.monotonic() - began < patience, "it waited until its patience was at an end"
    assert caplog.records == []
