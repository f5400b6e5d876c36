"""The page on an address of this machine alone, until the process is told to end."""

from __future__ import annotations

import secrets
import signal
import socket
import threading
import webbrowser
from collections.abc import Callable
from types import FrameType

import uvicorn

from visionft.errors import UsageError
from visionft.machine.process_state import handling_signals
from visionft.reviewing.review_routes import build_app
from visionft.reviewing.review_state import Review

HOST = "127.0.0.1"
_PATIENCE = 2
"""Seconds for answers that are being written when the process is told to end."""


def listen(port: int) -> socket.socket:
    """Return a socket that listens on this machine alone; 0 takes a free port.

    Raises:
        UsageError: the port is taken.
    """
    try:
        return socket.create_server((HOST, port))
    except OSError as error:
        raise UsageError(
            f"--port: {port} cannot be listened on ({error.strerror}); give another, or 0 for a free one"
        ) from error


def serve_page(review: Review, listening: socket.socket, ready: Callable[[str], None]) -> None:
    """Serve a review until SIGINT or SIGTERM.

    Args:
        review: what is reviewed.
        listening: the socket.
        ready: told the address, once it answers.
    """
    token = secrets.token_urlsafe(24)
    address = f"http://{HOST}:{listening.getsockname()[1]}/{token}/"
    config = uvicorn.Config(
        build_app(review, token, HOST), http="h11", ws="none", lifespan="off", log_config=None, access_log=False,
        server_header=False, timeout_graceful_shutdown=_PATIENCE,
    )  # fmt: skip
    server = _Server(config, lambda: ready(address))
    # In a thread of its own, as the one that calls may be in a loop already: that of a notebook.
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, name="review")

    def end(number: int, frame: FrameType | None) -> None:  # noqa: ARG001  # the signature of a handler
        server.should_exit = True

    with handling_signals(end, (signal.SIGTERM, signal.SIGINT)):
        thread.start()
        try:
            thread.join()
        finally:
            server.should_exit = True


def open_browser(address: str) -> bool:
    """Open an address in a browser with windows; return whether there is one.

    A browser in the terminal runs no script, and would take the terminal from the server.
    """
    try:
        found = webbrowser.get()
    except webbrowser.Error:
        return False
    return type(found) is not webbrowser.GenericBrowser and found.open(address)


class _Server(uvicorn.Server):
    """uvicorn's loop, which says when it listens."""

    def __init__(self, config: uvicorn.Config, on_ready: Callable[[], None]) -> None:
        self._on_ready = on_ready
        super().__init__(config)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start listening, and say so."""
        await super().startup(sockets)
        self._on_ready()
