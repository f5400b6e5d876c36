"""HEIC, what telephones make: opened by pi-heif (libheif, libde265), which is an extra.

libheif turns a picture by its own boxes; by the standard the EXIF orientation beside them says nothing more. It refuses
coded frames that are larger than the file says, and files that end early; a hole it decodes as grey or noise.
Reference: https://nokiatech.github.io/heif/technical.html
"""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from types import ModuleType
from typing import Any

from PIL import Image, ImageFile

from visionft.errors import PhotoError
from visionft.photos.boxes import Items, Span, boxes_of
from visionft.photos.zero_runs import REASON, has_hole

MISSING = "HEIC needs pi-heif: pip install 'visionft[heic]', or save it as JPEG"
FOREIGN = "an HEIF that is no single HEVC picture: save it as JPEG"
MAX_TILES = 65_536
_ASIDE = frozenset({b"cdsc", b"thmb"})
_NOTHING = b"skip"
_CODED, _GRID = b"hvc1", b"grid"
_HOLE = 16
"""Zero bytes in a row: HEVC never writes three within a unit (emulation prevention), and lengths of units add three."""


class FirstFrame(ImageFile.ImageFile):
    """The picture of a HEIC. Its header is read here, box by box: nothing else sees bytes before they are decoded.

    Raises:
        PhotoError: pi-heif is not installed, or the file is cut, damaged or of another coding.
    """

    format = "HEIF"
    _data: bytes | None = None

    def _open(self) -> None:
        _pi_heif()
        data = self.fp.read() if self.fp else b""
        items = Items.of(data)
        refuse_foreign(items)
        self._data, self._mode, self._size = data, "RGB", items.sizes.get(items.primary or 0, (0, 0))

    def load(self) -> Any:  # what PIL has there is private
        """Decode it, once."""
        if self._data is not None:
            data, self._data = self._data, None
            try:
                found = _pi_heif().open_heif(BytesIO(_unlinked(data)), convert_hdr_to_8bit=True, hdr_to_16bit=True)
                pixels = found.data
            except (SyntaxError, IndexError, ValueError, RuntimeError, EOFError) as fault:
                raise PhotoError(_reason(str(fault))) from fault
            self._mode, self._size = found.mode, found.size
            self.info["icc_profile"] = found.info.get("icc_profile")
            self.load_prepare()
            self.frombytes(pixels, "raw", (found.mode, found.stride))
        return super().load()


def _pi_heif() -> ModuleType:
    try:
        import pi_heif
    except ImportError:
        raise PhotoError(MISSING) from None
    module: ModuleType = pi_heif
    return module


def _unlinked(data: bytes) -> bytes:
    """Return the file without what ties metadata and thumbnails to the picture: pi-heif crashes on damaged ones."""
    start, end = Items.of(data).boxes.get(b"iref", (0, 0))
    links, at = bytearray(data), start + 4
    for kind, _, last in boxes_of(data, at, end) if end else ():
        if kind in _ASIDE:
            links[at + 4 : at + 8] = _NOTHING
        at = last
    return bytes(links)


def refuse_foreign(items: Items) -> None:
    """Raise a PhotoError unless the picture is coded by HEVC, in one piece or in tiles: what telephones write.

    Overlays of others may show one large picture thousands of times.
    """
    if items.primary is None:
        raise PhotoError(FOREIGN)
    for item in _shown(items):
        kind, tiles = items.kinds.get(item), _tiles(items, item)
        if kind not in (_CODED, _GRID) or any(items.kinds.get(tile) != _CODED for tile in tiles):
            raise PhotoError(FOREIGN)
        if len(tiles) > MAX_TILES:
            raise PhotoError(f"more than {MAX_TILES:,} tiles")


def check(data: bytes, picture: Image.Image, max_pixels: int) -> None:
    """Raise a PhotoError if a part of the picture is missing, or its tiles have far more pixels than itself.

    Args:
        data: The file.
        picture: It, opened.
        max_pixels: Also of all tiles that the picture leaves out.
    """
    items = Items.of(data)
    for item in _shown(items):
        tiles = _tiles(items, item)
        widths_heights = [items.sizes.get(tile, (0, 0)) for tile in tiles]
        if sum(width * height for width, height in widths_heights) > max_pixels + picture.width * picture.height:
            raise PhotoError("too many pixels in its tiles")
        for coded in {item, *tiles}:
            _refuse_lost(data, items.places.get(coded, []) if items.kinds.get(coded) == _CODED else [])


def _shown(items: Items) -> Iterator[int]:
    """Yield the items that are decoded: the picture, and the planes beside it, of which one may be its alpha."""
    if items.primary is not None:
        yield items.primary
    yield from (item for kind, item, to in items.references if kind == b"auxl" and items.primary in to)


def _tiles(items: Items, item: int) -> list[int]:
    return [tile for kind, of, to in items.references if kind == b"dimg" and of == item for tile in to]


def _refuse_lost(data: bytes, spans: list[Span]) -> None:
    for start, end in spans:
        if end > len(data):
            raise PhotoError("truncated")
        if has_hole(data, start, end, least=_HOLE) or (start < end and not data[end - 1]):  # units end in a bit
            raise PhotoError(REASON)


def _reason(words: str) -> str:
    if "end of file" in words or "Insufficient" in words:
        return "truncated"
    return FOREIGN if "Unsupported" in words else "damaged"
