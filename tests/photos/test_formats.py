"""Which file formats are read, told by their first bytes."""

from __future__ import annotations

from io import BytesIO

import pytest
from PIL import Image

from visionft.errors import PhotoError
from visionft.photos.formats import HEAD, encoding_of, opener

KINDS = {
    "JPEG": ".jpg",
    "PNG": ".png",
    "WEBP": ".webp",
    "GIF": ".gif",
    "TIFF": ".tif",
    "BMP": ".bmp",
    "AVIF": ".avif",
    "JPEG2000": ".jp2",
}


def encoded(kind: str) -> bytes:
    file = BytesIO()
    Image.new("RGB", (8, 8), (200, 30, 90)).save(file, kind)
    return file.getvalue()


@pytest.mark.parametrize(("kind", "ending"), KINDS.items())
def test_a_format_is_known_by_what_encoders_write_first(kind: str, ending: str) -> None:
    data = encoded(kind)
    assert encoding_of(data) == ending
    with opener(data[:HEAD])(BytesIO(data)) as picture:
        assert (picture.format, picture.size) == (kind, (8, 8))


@pytest.mark.parametrize(
    ("head", "words"),
    [
        (b"", "^empty file$"),
        (b"%PDF-1.7", "^a PDF, not a photo$"),
        (b"\xef\xbb\xbf <!DOCTYPE html>", "^a web page, not a photo$"),
        (b"<?xml version='1.0'?>\n<svg>", "^an SVG drawing, not a photo$"),
        (b"PK\x03\x04", "^an archive, not a photo$"),
        (b"no photo", "^not an image "),
        (b" " + b"\xff\xd8\xff", "^not an image "),
    ],
)
def test_what_is_no_photo_is_named_where_it_is_known(head: bytes, words: str) -> None:
    with pytest.raises(PhotoError, match=words):
        opener(head)
    assert encoding_of(head) == ".bin"
