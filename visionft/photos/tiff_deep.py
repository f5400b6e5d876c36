"""TIFFs of deep samples that PIL does not read, or wrongly: RGB of floats, of planes, of a range that the file states.

The tags are read and bounded here, by PIL's reader. tifffile (with imagecodecs, an extra) sees a directory that is made
anew of the few that it needs, and the bytes of one strip or tile at a time; nothing else of a file reaches it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from functools import cached_property
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile, TiffImagePlugin

from visionft.errors import PhotoError
from visionft.photos.bit_depth import DEEP, Levels, dim_remark, is_dim, is_guessed, levels, scaled, stated
from visionft.photos.tiff_parts import Tags, part_size, parts

MISSING = "TIFF of deep colour needs tifffile: pip install 'visionft[tiff]', or save it with 8 bits"
FOREIGN = "a TIFF of deep samples in another layout than grey or RGB, with alpha or not: save it with 8 bits"
MAX_PART = 1 << 29
"""Bytes that one strip or tile unpacks to: one at a time is held, and at times twice."""

_WIDTH, _HEIGHT, _BITS, _CODING, _COLOURS, _TURN = 256, 257, 258, 259, 262, 274
_SAMPLES, _PLANES, _PREDICTOR, _ORDER, _EXTRA, _FORMAT, _PROFILE = 277, 284, 317, 266, 338, 339, 34675
_KEPT = (_WIDTH, _HEIGHT, _CODING, _COLOURS, _SAMPLES, 278, _PLANES, _PREDICTOR, _ORDER, _EXTRA, 322, 323)
_GREY, _RGB = 1, 2
_INTEGERS, _SIGNED, _FLOATS = 1, 2, 3
_CODINGS = frozenset({1, 5, 8, 32946, 32773, 50000})  # none, LZW, deflate twice, PackBits, Zstandard
_STEP = 1 << 20

Samples = NDArray[Any]


def opened(file: BytesIO) -> ImageFile.ImageFile:
    """Open a TIFF, by PIL where it reads such samples rightly."""
    tags = _first_page(file)
    file.seek(0)
    return DeepPicture(file) if tags is not None and _is_deep(tags) else TiffImagePlugin.TiffImageFile(file)


class DeepPicture(ImageFile.ImageFile):
    """The first page of a TIFF of deep samples; loaded it has 8 bits, with its alpha.

    Raises:
        PhotoError: tifffile is not installed, or the page has another layout than grey or RGB.
    """

    format = "TIFF"
    _data: bytes | None = None

    def _open(self) -> None:
        self._data = self.fp.read() if self.fp else b""
        tags = _first_page(BytesIO(self._data))
        if tags is None:
            raise PhotoError("damaged")
        self.tag_v2 = tags
        self._size = int(tags[_WIDTH]), int(tags[_HEIGHT])
        self.info["compression"] = TiffImagePlugin.COMPRESSION_INFO.get(_one(tags, _CODING, 1), "")
        if isinstance(profile := tags.get(_PROFILE), bytes):
            self.info["icc_profile"] = profile
        self._mode = _mode(tags)
        _tifffile()

    def getexif(self) -> Image.Exif:
        """Return how the photo lies, which PIL turns itself in the TIFFs that it loads."""
        exif = Image.Exif()
        exif[_TURN] = _one(self.tag_v2, _TURN, 1)
        return exif

    def load(self) -> Any:  # what PIL has there is private
        """Decode it, once."""
        if self._data is not None:
            pixels = np.empty((self.height, self.width, len(self.getbands())), np.uint8)
            colours, opaque = self._levels, self._opaque
            for rows, columns, planes, samples in self._parts():
                for at in range(0, len(samples), step := max(1, _STEP // max(1, samples[0].size))):
                    part, place = (
                        samples[at : at + step],
                        slice(rows.start + at, min(rows.start + at + step, rows.stop)),
                    )
                    for plane in range(*planes.indices(pixels.shape[2])):
                        scale = opaque if self._has_alpha and plane == pixels.shape[2] - 1 else colours
                        pixels[place, columns, plane] = scaled(part[..., plane - planes.start], scale)
            self._data = None
            self.load_prepare()
            self.frombytes(_straight(pixels, self.tag_v2).tobytes())
        return super().load()

    def remark(self) -> str | None:
        """Say which samples are black and white, and whether the file states that.

        Raises:
            PhotoError: the samples fit no range that is in use, or not the one that the file states.
        """
        tags = self.tag_v2
        if is_dim(self._kind, tags, self._colours()):
            return dim_remark("colour")
        low, high = self._levels
        why = "that states no range" if is_guessed(self._kind, tags) else "by the range that the file states"
        if stated(tags) is None and not is_guessed(self._kind, tags):
            why = f"of {_bits(tags)} bits"
        return f"deep colour {why}: {low:g} to {high:,g} is black to white"

    @property
    def _has_alpha(self) -> bool:
        return self.mode in ("LA", "RGBA")

    @property
    def _kind(self) -> str:
        """The mode of PIL whose range is such samples'."""
        if _one(self.tag_v2, _FORMAT, _INTEGERS) == _FLOATS:
            return DEEP[2]
        return DEEP[0] if _bits(self.tag_v2) <= 16 and _one(self.tag_v2, _FORMAT, _INTEGERS) == _INTEGERS else DEEP[1]

    @cached_property
    def _levels(self) -> Levels:
        scale = levels(self._kind, self.tag_v2, self._colours())
        assert scale is not None, "the samples are deep"
        return scale

    @property
    def _opaque(self) -> Levels:
        """The samples of no alpha and of all of it; a stated range is that of the colours alone."""
        if self._kind == DEEP[0]:
            return 0.0, float((1 << _bits(self.tag_v2)) - 1)
        return 0.0, 1.0 if self._kind == DEEP[2] and stated(self.tag_v2) else self._levels[1]

    def _colours(self) -> Iterator[Samples]:
        """Yield the samples of the colours, without alpha, part by part."""
        colours = len(self.getbands()) - self._has_alpha
        for _, _, planes, samples in self._parts():
            if planes.start < colours:
                yield samples[..., : colours - planes.start]

    def _parts(self) -> Iterator[tuple[slice, slice, slice, Samples]]:
        """Yield rows, columns, planes and samples (h, w, planes) of each strip or tile."""
        assert self._data is not None, "not yet loaded"
        tags, bands = self.tag_v2, len(self.getbands())
        decode, whole = _decoder(tags, self._data[:2]), memoryview(self._data)
        for index, (start, end) in enumerate(parts(tags, part_size(tags))):
            found, (plane, _, top, left, _), shape = decode(whole[start:end], index)
            if found is None or found.shape != shape:
                raise PhotoError("truncated")
            rows, columns = min(shape[1], self.height - top), min(shape[2], self.width - left)
            if rows > 0 and columns > 0 and plane < bands:
                samples = found[0, :rows, :columns]
                planes = slice(plane, min(bands, plane + samples.shape[2]))
                place = slice(top, top + rows), slice(left, left + columns), planes
                yield *place, samples[..., : planes.stop - plane]


def _first_page(file: BytesIO) -> Tags | None:
    head = file.read(8)
    head += file.read(8) if head[2:3] == b"+" or head[3:4] == b"+" else b""
    try:
        tags = Tags(head)
        file.seek(tags.next)
        tags.load(file)
        return tags if _WIDTH in tags and _HEIGHT in tags else None
    except Exception:  # noqa: BLE001  # PIL's reader fails on damaged tags in many ways, and says so again
        return None


def _is_deep(tags: Tags) -> bool:
    """Tell whether the samples are grey or RGB, deeper than 8 bits, and none that PIL reads rightly."""
    colours, bits, sort = _one(tags, _COLOURS, -1), _bits(tags), _one(tags, _FORMAT, _INTEGERS)
    if bits <= 8:
        return False
    if colours == _RGB:
        return (bits, sort, _one(tags, _PLANES, 1)) != (16, _INTEGERS, 1) or stated(tags) is not None
    return colours == _GREY and (_one(tags, _SAMPLES, 1) > 1 or (sort == _FLOATS and bits != 32))


def _mode(tags: Tags) -> str:
    """Return the mode that the page becomes; PhotoError where it has another layout than is read."""
    colours, count, extra = _one(tags, _COLOURS, -1), _one(tags, _SAMPLES, 1), tags.get(_EXTRA, ())
    own = 3 if colours == _RGB else 1
    uniform = all(len(set(_all(tags, tag))) <= 1 and len(_all(tags, tag)) in (0, 1, count) for tag in (_BITS, _FORMAT))
    depths = {_INTEGERS: (*range(9, 17), 32), _SIGNED: (16, 32), _FLOATS: (16, 32, 64)}.get(_one(tags, _FORMAT, 1), ())
    if (
        not uniform
        or _bits(tags) not in depths
        or count not in (own, own + 1)
        or _one(tags, _CODING, 1) not in _CODINGS
        or _one(tags, _PREDICTOR, 1) not in (1, 2, 3)
        or _one(tags, _PLANES, 1) not in (1, 2)
    ):
        raise PhotoError(FOREIGN)
    width, height = part_size(tags)
    together = count if _one(tags, _PLANES, 1) == 1 else 1
    if width * height * together * -(-_bits(tags) // 8) > MAX_PART:
        raise PhotoError(f"a strip or tile above {MAX_PART:,} bytes: save it in smaller ones")
    alpha = count > own and tuple(_all(tags, _EXTRA))[:1] in ((1,), (2,)) and bool(extra)
    return ("RGB" if own == 3 else "L") + ("A" if alpha else "")


def _decoder(tags: Tags, order: bytes) -> Callable[[memoryview, int], Any]:
    """Return tifffile's function from the bytes and number of a part to samples, place and shape."""
    made = Tags(order + (b"*\0\0\0\0\0" if order == b"II" else b"\0*\0\0\0\0"))
    for tag in _KEPT:
        if tag in tags:
            made[tag] = tags[tag]
    count = _one(tags, _SAMPLES, 1)
    made[_BITS], made[_FORMAT] = (_bits(tags),) * count, (_one(tags, _FORMAT, _INTEGERS),) * count
    number = len(list(parts(tags, part_size(tags))))
    starts, lengths = (324, 325) if 322 in tags else (273, 279)
    made[starts], made[lengths] = (8,) * number, (1,) * number
    file = BytesIO()
    made.save(file)
    decode: Callable[[memoryview, int], Any] = _tifffile().TiffFile(BytesIO(file.getvalue())).pages[0].decode
    return decode


def _straight(pixels: NDArray[np.uint8], tags: Tags) -> NDArray[np.uint8]:
    """Return colours that are not multiplied by their alpha."""
    if pixels.shape[2] in (1, 3) or _all(tags, _EXTRA)[0] != 1:
        return pixels
    for row in pixels:
        share = np.maximum(row[:, -1:], 1).astype(np.float32) / 255
        row[:, :-1] = np.minimum(np.rint(row[:, :-1] / share), 255)
    return pixels


def _tifffile() -> Any:
    try:
        import imagecodecs  # noqa: F401  # what tifffile unpacks LZW, Zstandard and odd bits with
        import tifffile
    except ImportError:
        raise PhotoError(MISSING) from None
    if not (log := logging.getLogger("tifffile")).handlers:
        log.addHandler(logging.NullHandler())  # it would print what is odd of a file; that is refused here
    return tifffile


def _bits(tags: Tags) -> int:
    return _one(tags, _BITS, 1)


def _one(tags: Tags, tag: int, otherwise: int) -> int:
    return next(iter(_all(tags, tag)), otherwise)


def _all(tags: Tags, tag: int) -> tuple[int, ...]:
    value = tags.get(tag, ())
    return tuple(map(int, value)) if isinstance(value, tuple) else (int(value),)
