"""uvicorn's HTTP connection with bounds of its own: on headers, on what stands beside a body, on idling, on numbers."""

from __future__ import annotations

import asyncio
import resource
from typing import Any

from visionft.compat.uvicorn_private import HttpToolsProtocol
from visionft.serving.server.tensors import dumped

MOST_HEADERS = 65_536
"""Bytes of a request's first line and headers; browsers and proxies stay below a quarter of it."""
SECONDS_FOR_HEADERS = 10.0
"""From a connection's start, or a request's first byte, to the end of its headers."""
SECONDS_AFTER_ANSWER = 5.0
"""For the rest of a body that was answered before it came whole; what comes of it is thrown away."""
SECONDS_UNREAD = 30.0
"""For a client to read anything of an answer that is larger than what the system keeps for it."""
BACKLOG = 16
"""Connections that are accepted in one turn of the loop."""
_NEWCOMERS = 4 * BACKLOG
"""Connections that are accepted before the first of them can be refused, some turns later."""
_OWN_DESCRIPTORS = 64
_BESIDE_A_BYTE = 16
"""Bytes of chunk sizes for each byte of a body, beyond the next."""
_MOST_BESIDE = 8 * MOST_HEADERS
"""Eight times of what one turn of the loop reads, as requests may follow one another in it."""
_AT_ONCE = MOST_HEADERS
"""Bytes that one turn takes from a connection, not four times as many: whoever asks for little waits for all turns."""
_ENOUGH = 10_000


def most_connections() -> int:
    """Return how many connections leave enough file descriptors for newcomers and for the process itself."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return _ENOUGH if soft == resource.RLIM_INFINITY else min(_ENOUGH, max(8, soft - _NEWCOMERS - _OWN_DESCRIPTORS))


class BoundedProtocol(HttpToolsProtocol):
    """Ends connections whose headers, bodies or pauses are endless; uvicorn itself would wait and keep them all."""

    most = most_connections()
    """Connections at one time; a further one takes the place of the one that has waited longest for its client."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._heading = self._beside = self._bodied = 0
        self._whole, self._since = True, 0.0
        self._timers: dict[str, asyncio.TimerHandle] = {}

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in uvicorn
        """Take a connection; the time for headers begins."""
        transport.max_size = _AT_ONCE  # type: ignore[attr-defined]  # of asyncio's own loop, which `_Server` asks for
        super().connection_made(transport)
        self._since = self.loop.time()
        if self._beyond() and not self._make_room():
            self._refuse(503, f"all {self.most} connections are at work: connect again in a moment")
        else:
            self._after("headers", SECONDS_FOR_HEADERS, self.transport.close)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget a connection."""
        for what in list(self._timers):
            self._forget(what)
        super().connection_lost(exc)

    def eof_received(self) -> bool | None:  # type: ignore[override]  # uvicorn closes at once
        """Answer a request that came whole before its client said that nothing more will come."""
        if self.cycle is None or self.cycle.response_complete or not self._whole:
            return None
        self.cycle.keep_alive = False
        return True

    def data_received(self, data: bytes) -> None:
        """Parse what came, and end the connection if its headers, or what stands beside its body, are too large."""
        self._heading += len(data)
        before = self._bodied
        super().data_received(data)
        if "headers" not in self._timers:
            self._heading = 0  # a body, or nothing at all
            self._beside += len(data) - (self._bodied - before)
        if self.transport.is_closing():
            return
        if self._heading > MOST_HEADERS:
            self.send_400_response("The headers are larger than 64 KiB.")
        elif self._beside > _MOST_BESIDE + _BESIDE_A_BYTE * self._bodied:
            self.send_400_response("The body is cut into too many pieces, or more follows it than is read.")

    def on_message_begin(self) -> None:
        """Begin a request; the time for headers begins anew."""
        super().on_message_begin()
        self._beside = self._bodied = 0
        self._whole, self._since = False, self.loop.time()
        self._after("headers", SECONDS_FOR_HEADERS, self.transport.close)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header, and nothing of the trailers that may follow a body."""
        if "headers" in self._timers:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """End the time for headers, and start the request."""
        self._forget("headers")
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Take a piece of a body."""
        self._bodied += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """End a request's body."""
        self._whole = True
        self._forget("rest")
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """End an answer; a body that is still coming has some seconds more, in which the client may read it."""
        super().on_response_complete()
        self._since = self.loop.time()
        if not self._whole and not self.transport.is_closing():
            self._after("rest", SECONDS_AFTER_ANSWER, self.transport.close)

    def pause_writing(self) -> None:
        """Give a client that reads nothing some seconds."""
        super().pause_writing()
        self._after("unread", SECONDS_UNREAD, self.transport.abort)

    def resume_writing(self) -> None:
        """Go on writing."""
        self._forget("unread")
        super().resume_writing()

    @property
    def waits(self) -> bool:
        """Whether it is the client's turn: it is open, and nothing that came whole is being answered."""
        answering = self._whole and self.cycle is not None and not self.cycle.response_complete
        return not answering and not self.transport.is_closing()

    def _beyond(self) -> bool:
        return (
            len(self.connections) > self.most
            and sum(not c.transport.is_closing() for c in self.connections) > self.most
        )

    def _make_room(self) -> bool:
        """End the connection that has waited longest for its client; False if none waits.

        Who sends a request in one piece is then answered, however many others send theirs byte by byte.
        """
        waiting = [other for other in self.connections if isinstance(other, BoundedProtocol) and other.waits]
        oldest = min((other for other in waiting if other is not self), key=lambda other: other._since, default=None)
        if oldest is not None:
            oldest.transport.abort()
        return oldest is not None

    def send_400_response(self, msg: str) -> None:
        """Answer what is no HTTP by a sentence, and end the connection."""
        self._refuse(400, msg if msg.startswith("The ") else "the request is no HTTP/1.1: send it by an HTTP client")

    def _refuse(self, status: int, sentence: str) -> None:
        reason = {400: b"400 Bad Request", 503: b"503 Service Unavailable"}[status]
        content = dumped({"error": sentence})
        head = b"content-type: application/json\r\nconnection: close\r\ncontent-length: %d\r\n\r\n" % len(content)
        self.transport.write(b"HTTP/1.1 %s\r\n%s%s" % (reason, head, content))
        self.transport.close()

    def _after(self, what: str, seconds: float, act: Any) -> None:
        self._forget(what)
        self._timers[what] = self.loop.call_later(seconds, act)

    def _forget(self, what: str) -> None:
        if (timer := self._timers.pop(what, None)) is not None:
            timer.cancel()
