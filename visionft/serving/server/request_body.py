"""Reading a request's body within bounds of size, time and rate, and unpacking it."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Iterator
from typing import Protocol

from starlette.requests import ClientDisconnect, Request

from visionft.serving.server.body_budget import SMALL, Held
from visionft.serving.server.http_error import RefusalError, shortened

LOWEST_RATE = 4096
"""Bytes a second below which a body is not waited for."""
GRACE = 10.0
"""Seconds that any body has, however slow it comes."""
_WINDOWS = {"gzip": 16 + zlib.MAX_WBITS, "x-gzip": 16 + zlib.MAX_WBITS, "deflate": zlib.MAX_WBITS}
_PIECE = 65_536
_MOST_AT_ONCE = _PIECE

Body = bytes | bytearray
"""A long one stays as it was gathered: a copy of 60 MB holds every thread of the process for 30 ms."""


async def read_body(request: Request, limit: int, seconds: float, held: Held) -> Body:
    """Return the body as it was sent, in at most `limit` bytes.

    Raises:
        RefusalError: 413 above the limit, 408 where it does not arrive within `seconds` or comes too slowly, 400 where
            it ends early, 503 where all bodies together are too large.
    """
    declared = request.headers.get("content-length", "0")
    if declared.isdecimal() and (len(declared) > 18 or int(declared) > limit):
        raise _too_large(limit)
    loop = asyncio.get_running_loop()
    began = loop.time()
    body = bytearray()
    try:
        async with asyncio.timeout_at(began + min(seconds, GRACE)) as timer:
            async for piece in request.stream():
                if len(body) + len(piece) > limit:
                    raise _too_large(limit)
                held.take(len(piece))
                body += piece
                timer.reschedule(began + min(seconds, GRACE + len(body) / LOWEST_RATE))
    except TimeoutError:
        raise _too_slow(seconds, loop.time() - began) from None
    except ClientDisconnect:
        raise RefusalError(400, "the connection ended inside the body: send it whole") from None
    return bytes(body) if len(body) <= SMALL else body


def unpacked(body: Body, encoding: str, limit: int, held: Held) -> Body:
    """Return a body without its Content-Encoding, in at most `limit` bytes; the work of a thread where it is long.

    Raises:
        RefusalError: 413 above the limit, 400 and 415 where its packing is wrong or unknown, 503 where all bodies
            together are too large.
    """
    if encoding in ("", "identity"):
        return body
    if encoding not in _WINDOWS:
        raise RefusalError(
            415, f"Content-Encoding {shortened(encoding)} is not read here: send gzip, deflate or a plain body"
        )
    length, whole = 0, bytearray()
    try:
        # The first time nothing is kept: to free tens of megabytes of a bomb holds every thread for some milliseconds.
        for found in _pieces(body, zlib.decompressobj(_WINDOWS[encoding])):
            length += len(found)
            if length > limit:
                raise _too_large(limit)
        held.take(length)
        for found in _pieces(body, zlib.decompressobj(_WINDOWS[encoding])):
            whole += found
    except (zlib.error, EOFError):
        raise RefusalError(400, f"the body is no whole {encoding}: send it again or without Content-Encoding") from None
    return bytes(whole) if len(whole) <= SMALL else whole


class Unpacker(Protocol):
    """What zlib.decompressobj returns, whose class has no public name."""

    @property
    def eof(self) -> bool:
        """Whether the end was reached."""
        ...

    @property
    def unused_data(self) -> bytes:
        """What stands behind the end."""
        ...

    @property
    def unconsumed_tail(self) -> bytes:
        """What was not looked at yet."""
        ...

    def decompress(self, data: bytes | bytearray, max_length: int = 0, /) -> bytes:
        """Return what is unpacked so far."""
        ...

    def flush(self, length: int = 0, /) -> bytes:
        """Return what is left."""
        ...


def _pieces(body: Body, unpacker: Unpacker) -> Iterator[bytes]:
    """Yield what a body unpacks to, little by little; EOFError if it ends early, or something follows it."""
    taken = 0
    while taken < len(body) and not unpacker.eof:
        piece = body[taken : taken + _PIECE]
        taken += len(piece)
        while piece and not unpacker.eof:
            yield unpacker.decompress(piece, _MOST_AT_ONCE)
            piece = unpacker.unconsumed_tail
    yield unpacker.flush()
    if not unpacker.eof or unpacker.unused_data or taken < len(body):
        raise EOFError


def _too_slow(seconds: float, waited: float) -> RefusalError:
    if waited >= seconds:
        return RefusalError(408, f"the body did not arrive within {seconds:.2g} s: send it faster or in smaller pieces")
    return RefusalError(
        408,
        f"the body came at less than {LOWEST_RATE:,} bytes a second for {waited:.2g} s: "
        "send it over a faster connection",
    )


def _too_large(limit: int) -> RefusalError:
    return RefusalError(
        413,
        f"the body is larger than {limit:,} bytes: send fewer or smaller photos (or serve with a larger --max-bytes)",
    )
