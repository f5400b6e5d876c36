"""AVIFs by the zeros in their coded pictures: AV1 has no checksum, and decodes a hole as noise or grey."""

from __future__ import annotations

from collections.abc import Iterator

from PIL import AvifImagePlugin

from visionft.errors import PhotoError
from visionft.photos.boxes import Items, Span, top_boxes
from visionft.photos.zero_runs import refuse_hole

_PICTURES = frozenset({b"av01"})


class FirstFrame(AvifImagePlugin.AvifImageFile):
    """An AVIF whose decoder lets its planes go before the pixels are copied into the picture."""

    def load_prepare(self) -> None:
        """Free them; the first frame has been taken."""
        self._decoder = None
        super().load_prepare()


def check(data: bytes) -> None:
    """Raise a PhotoError if the file is shorter than its boxes say, or a coded picture in it has a hole of zeros."""
    for start, end in _coded(data, Items.of(data)):
        if end > len(data):
            raise PhotoError("truncated")
        refuse_hole(data, start, end)


def _coded(data: bytes, items: Items) -> Iterator[Span]:
    """Yield where coded pictures lie: items of `meta`; in a sequence all data that are no item of another kind."""
    for item, spans in items.places.items():
        if items.kinds.get(item) in _PICTURES:
            yield from spans
    boxes = top_boxes(data)
    if b"moov" in boxes and b"mdat" in boxes:
        yield from _between(boxes[b"mdat"], [span for spans in items.places.values() for span in spans])


def _between(whole: Span, items: list[Span]) -> Iterator[Span]:
    at, end = whole
    for first, last in sorted(items):
        if at < first < end:
            yield at, first
        at = max(at, last)
    yield at, end
