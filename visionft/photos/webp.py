"""WebPs whose zeros were never written: VP8 and VP8L have no checksum, and decode a hole as one colour.

One colour is coded in runs of zeros as well, so that a run alone proves nothing. But zeros are worth many more pixels
than the bytes that they replaced, and the picture is full before the data end. So where zeros stand, the photo is whole
only if a decoder that lacks the last bytes refuses it.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from io import BytesIO

import numpy as np
from PIL import Image, WebPImagePlugin

from visionft.errors import PhotoError
from visionft.photos.zero_runs import REASON, has_hole

MAX_CHUNKS = 10_000
_SUSPICIOUS = 64
"""Zero bytes in a row from which on a second decoding is worth its time; photos have 5, or 134 where VP8L is fast."""
_ZERO_TAIL = bytes(4)
_TAIL = 8
"""Bytes that the second decoding lacks: more than a coder's padding, as it ends within the bits of its last word."""
_PER_ZERO = 16
"""Macroblocks of 16 x 16 pixels that a zero byte of VP8 is worth at least: 39 in single-coloured pictures."""
_FLAT = 512
_STRIP = 1 << 20

Chunk = tuple[bytes, bytes]


class FirstFrame(WebPImagePlugin.WebPImageFile):
    """A WebP whose decoder lets its two canvases of RGBA go before the pixels are copied into the picture."""

    def load_prepare(self) -> None:
        """Free them; the first frame has been taken."""
        self._decoder = None
        super().load_prepare()


def check(data: bytes) -> None:
    """Raise a PhotoError if a file is shorter than it says, or its first frame has a hole of zeros."""
    if int.from_bytes(data[4:8], "little") + 8 > len(data):
        raise PhotoError("truncated")
    frame = dict(_first_frame(data))
    for kind, body in frame.items():
        if (has_hole(body, least=_SUSPICIOUS) or body.endswith(_ZERO_TAIL)) and _lacks(kind, body, frame):
            raise PhotoError(REASON)


def _first_frame(data: bytes) -> Iterator[Chunk]:
    """Yield the chunks that the pixels of the first frame are in."""
    for kind, body in _chunks(data, 12):
        if kind == b"ANMF":
            yield from _first_frame(bytes(12) + body[16:])
            return
        if kind in (b"VP8 ", b"VP8L", b"ALPH"):
            yield kind, body
        if kind in (b"VP8 ", b"VP8L"):
            return


def _chunks(data: bytes, at: int) -> Iterator[Chunk]:
    for _ in range(MAX_CHUNKS):
        if at + 8 > len(data):
            return
        kind, length = struct.unpack_from("<4sI", data, at)
        yield kind, data[at + 8 : at + 8 + length]
        at += 8 + length + length % 2
    raise PhotoError(f"more than {MAX_CHUNKS:,} chunks")


def _lacks(kind: bytes, body: bytes, frame: dict[bytes, bytes]) -> bool:
    if kind == b"ALPH" and body[0] & 3 != 1:
        return False  # stored, so that zeros are transparent
    size, others = _size(frame), frame if kind == b"ALPH" else {}
    if _picture(size, {**others, kind: body[:-_TAIL]}) is not None:
        return True
    if kind == b"VP8 ":
        return _modes_lack(size, body) or _outweighs(size, body)
    return has_hole(body) and not _has_flat(_picture(size, {**others, kind: body}), "A" if kind == b"ALPH" else "RGB")


def _has_flat(picture: Image.Image | None, bands: str) -> bool:
    """Say whether a picture has the pixels of one colour that 256 zero bytes of VP8L mean, at up to 4 bits each.

    Its codes fall into step again behind a hole, and then end where they should; but zeros of a photo's codes are fewer
    pixels, and hardly of one colour.
    """
    if picture is None:
        return False
    step = max(1, _STRIP // picture.width)
    for top in range(0, picture.height, step):
        strip = picture.crop((0, top, picture.width, min(top + step, picture.height))).convert("RGBA")
        pixels = np.asarray(strip)[..., [band in bands for band in "RGBA"]].reshape(-1, len(bands))
        same = (pixels[1:] == pixels[:-1]).all(-1)
        if same.tobytes().find(b"\1" * (_FLAT - 1)) >= 0:
            return True
    return False


def _modes_lack(size: tuple[int, int], body: bytes) -> bool:
    """Say whether the first partition, of the blocks' modes, has zeros and bytes that nobody needs."""
    length = int.from_bytes(body[:3], "little") >> 5
    end = 10 + length
    if not has_hole(body, 10, end, least=_SUSPICIOUS):
        return False
    tag = int.from_bytes(body[:3], "little") & 31 | (length - _TAIL) << 5
    shorter = tag.to_bytes(3, "little") + body[3 : end - _TAIL] + body[end:]
    return _picture(size, {b"VP8 ": shorter}) is not None


def _outweighs(size: tuple[int, int], body: bytes) -> bool:
    """Say whether a run of zeros is longer than a picture of one colour has: some files have several partitions."""
    blocks = -(-size[0] // 16) * -(-size[1] // 16)
    return has_hole(body, least=_SUSPICIOUS + blocks // _PER_ZERO)


def _picture(size: tuple[int, int], frame: dict[bytes, bytes]) -> Image.Image | None:
    """Return what libwebp makes of these chunks; None where it refuses them."""
    flags = struct.pack("<I", 0x10 if b"ALPH" in frame else 0)
    sides = b"".join((side - 1).to_bytes(3, "little") for side in size)
    parts = [(b"VP8X", flags + sides), *frame.items()]
    chunks = b"".join(kind + struct.pack("<I", len(body)) + body + bytes(len(body) % 2) for kind, body in parts)
    file = b"RIFF" + struct.pack("<I", len(chunks) + 4) + b"WEBP" + chunks
    try:
        with FirstFrame(BytesIO(file)) as picture:
            picture.load()
            return picture
    except Exception:  # noqa: BLE001  # it has several words for data that end early
        return None


def _size(frame: dict[bytes, bytes]) -> tuple[int, int]:
    """Return (width, height) as the picture's chunk states them."""
    if b"VP8 " in frame:
        width, height = struct.unpack_from("<HH", frame[b"VP8 "], 6)
        return width & 0x3FFF, height & 0x3FFF
    bits = int.from_bytes(frame[b"VP8L"][1:5], "little")
    return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
