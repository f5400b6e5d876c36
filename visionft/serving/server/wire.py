"""uvicorn's HTTP connection with bounds of its own: on the size of headers, and on the time they take."""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MOST_HEADERS = 65_536
"""Bytes of a request's first line and headers; browsers and proxies stay below a quarter of it."""
SECONDS_FOR_HEADERS = 10.0
"""From a connection's start, or a request's first byte, to the end of its headers."""


class BoundedProtocol(HttpToolsProtocol):
    """Ends connections whose headers are endless, in size or in time; uvicorn itself would wait and keep them all."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._heading = 0
        self._overdue: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in uvicorn
        """Take a connection; the time for headers begins."""
        super().connection_made(transport)
        self._await_headers()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget a connection."""
        self._headers_came()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse what came, and end the connection if its headers are too large."""
        self._heading += len(data)
        super().data_received(data)
        if self._overdue is None:
            self._heading = 0  # a body, or nothing at all
        elif self._heading > MOST_HEADERS and not self.transport.is_closing():
            self.send_400_response("The headers are larger than 64 KiB.")

    def on_message_begin(self) -> None:
        """Begin a request; the time for headers begins anew."""
        super().on_message_begin()
        self._await_headers()

    def on_headers_complete(self) -> None:
        """End the time for headers, and start the request."""
        self._headers_came()
        super().on_headers_complete()

    def _await_headers(self) -> None:
        self._headers_came()
        self._overdue = self.loop.call_later(SECONDS_FOR_HEADERS, self.transport.close)

    def _headers_came(self) -> None:
        if self._overdue is not None:
            self._overdue.cancel()
            self._overdue = None
