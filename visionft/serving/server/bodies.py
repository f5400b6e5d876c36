"""Reading a request's body within bounds of size and time, and unpacking it."""

from __future__ import annotations

import asyncio
import zlib

from starlette.requests import ClientDisconnect, Request

from visionft.serving.server.refusing import RefusalError, shortened

_WINDOWS = {"gzip": 16 + zlib.MAX_WBITS, "x-gzip": 16 + zlib.MAX_WBITS, "deflate": zlib.MAX_WBITS}


async def read_body(request: Request, limit: int, seconds: float) -> bytes:
    """Return the body, unpacked; never holds more than `limit` bytes of either form, and one piece of the network's.

    Raises:
        RefusalError: 413 above the limit, 408 where it does not arrive within `seconds`, 400 and 415 where its
            packing is wrong or unknown.
    """
    declared = request.headers.get("content-length", "0")
    if declared.isdecimal() and int(declared) > limit:
        raise _too_large(limit)
    body = bytearray()
    try:
        async with asyncio.timeout(seconds):
            async for piece in request.stream():
                if len(body) + len(piece) > limit:
                    raise _too_large(limit)
                body += piece
    except TimeoutError:
        raise RefusalError(
            408, f"the body did not arrive within {seconds:.2g} s: send it faster or in smaller pieces"
        ) from None
    except ClientDisconnect:
        raise RefusalError(400, "the connection ended inside the body: send it whole") from None
    return _unpacked(bytes(body), request.headers.get("content-encoding", "identity").strip().lower(), limit)


def _unpacked(body: bytes, encoding: str, limit: int) -> bytes:
    if encoding in ("", "identity"):
        return body
    if encoding not in _WINDOWS:
        raise RefusalError(
            415, f"Content-Encoding {shortened(encoding)} is not read here: send gzip, deflate or a plain body"
        )
    unpacker = zlib.decompressobj(_WINDOWS[encoding])
    try:
        whole = unpacker.decompress(body, limit + 1)
    except zlib.error:
        raise RefusalError(400, f"the body is no whole {encoding}: send it again or without Content-Encoding") from None
    if len(whole) > limit:
        raise _too_large(limit)
    if not unpacker.eof:
        raise RefusalError(400, f"the body is no whole {encoding}: send it again or without Content-Encoding")
    return whole


def _too_large(limit: int) -> RefusalError:
    return RefusalError(
        413,
        f"the body is larger than {limit:,} bytes: send fewer or smaller photos (or serve with a larger --max-bytes)",
    )
