"""Makers of odd inputs: each takes the place to write to, which holds `shapes` (3 classes of 20 photos) and `run`."""

from __future__ import annotations

import csv
import json
import os
import shutil
import struct
import zlib
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

CLASSES = ("disc", "square", "stripes")
Maker = Callable[[Path], None]


def photos(place: Path, name: str) -> list[Path]:
    """Return the photos of one class, in order."""
    return sorted((place / "shapes" / name).iterdir())


def put(photo: Path, *to: str | Path) -> Path:
    """Copy a photo, with the folders above it."""
    target = Path(*to)
    target.parent.mkdir(parents=True, exist_ok=True)
    return Path(shutil.copy(photo, target))


def tree(where: Callable[[str, int], str], classes: Iterable[str] = CLASSES) -> Maker:
    """Copy every photo to `photos/` and the folder that `where(class, number)` names."""

    def make(place: Path) -> None:
        for name in classes:
            for number, photo in enumerate(photos(place, name)):
                put(photo, place, "photos", where(name, number), photo.name)

    return make


def sides(*names: str, wrapper: str = "") -> Maker:
    """Make a split layout with these names of sides, 12 photos of a class on the first and 4 on each other."""
    return tree(lambda name, number: f"{wrapper}{names[min(max(0, number - 8) // 4, len(names) - 1)]}/{name}")


def renamed(*names: str) -> Maker:
    """Spread the photos of `disc` over classes of these names, in turn."""
    return tree(lambda name, number: names[number % len(names)] if name == "disc" else name)


def numbered(count: int) -> Maker:
    """Make `count` classes called 0, 1, 2 ..., of 5 photos each."""

    def make(place: Path) -> None:
        every = [photo for name in CLASSES for photo in photos(place, name)]
        for number in range(count):
            for photo in every[number * 5 : number * 5 + 5]:
                put(photo, place, "photos", str(number), photo.name)

    return make


def products(place: Path) -> None:
    """Make kind/product/photo: 15 products of 4 photos in each of 3 kinds."""
    for name in CLASSES:
        for number, photo in enumerate(photos(place, name)):
            for view in ("front", "back", "side"):
                put(photo, place, "photos", name, f"{name}-{number:02}", f"{view}.jpg")


def linked(place: Path) -> None:
    """Put a link to the whole tree into one class."""
    plain(place)
    (place / "photos" / "disc" / "all").symlink_to(place / "photos")


def fifo(place: Path) -> None:
    """Put a named pipe among the photos."""
    plain(place)
    os.mkfifo(place / "photos" / "disc" / "pipe.jpg")


plain: Maker = tree(lambda name, _: name)


def loose(place: Path) -> None:
    """Put a photo beside the class folders."""
    plain(place)
    put(photos(place, "disc")[0], place, "photos", "loose.jpg")


def rows(place: Path) -> list[tuple[str, str]]:
    """Return (path, label) of every photo."""
    return [(f"shapes/{name}/{photo.name}", name) for name in CLASSES for photo in photos(place, name)]


def table(change: Callable[[list[str]], object], *, encoding: str = "utf-8", separator: str = ",") -> Maker:
    """Write photos.csv with an ignored column `note`, after `change` has spoilt its list of lines."""

    def make(place: Path) -> None:
        lines = [separator.join(("path", "label", "note"))]
        lines += [separator.join((path, label, "ok")) for path, label in rows(place)]
        change(lines)
        (place / "photos.csv").write_bytes(("\n".join(lines) + "\n").encode(encoding))

    return make


def parquet(columns: Callable[[list[str], list[str]], dict[str, object]]) -> Maker:
    """Write photos.parquet from the columns that are made of paths and labels."""

    def make(place: Path) -> None:
        paths, labels = zip(*rows(place), strict=True)
        pq.write_table(pa.table(columns(list(paths), list(labels))), place / "photos.parquet")

    return make


def formula(place: Path) -> None:
    """Write a manifest with a class called =1+1."""
    with (place / "photos.csv").open("w", newline="") as file:
        found = [(path, "=1+1" if label == "disc" else label) for path, label in rows(place)]
        csv.writer(file).writerows([("path", "label"), *found])


def bad(name: str, spoil: Callable[[Path], bytes]) -> Maker:
    """Put one file called `name` among the plain photos of `disc`; `spoil` makes its bytes of a whole photo."""

    def make(place: Path) -> None:
        plain(place)
        (place / "photos" / "disc" / name).write_bytes(spoil(photos(place, "disc")[0]))

    return make


def large(place: Path) -> Image.Image:
    """Return a photo of 480 x 360 with enough in it to fill some tens of kilobytes."""
    pixels = np.asarray(Image.open(photos(place, "disc")[0]).resize((480, 360)), np.int16)
    noise = np.random.default_rng(0).integers(-20, 20, pixels.shape, np.int16)
    return Image.fromarray(np.clip(pixels + noise, 0, 255).astype(np.uint8))


def encoded(form: str, **options: object) -> Callable[[Path], bytes]:
    """Return a function from a small photo to the bytes of a larger one in a format."""

    def encode(photo: Path) -> bytes:
        target = photo.parents[2] / f"encoded.{form}"
        large(photo.parents[2]).save(target, **options)
        content = target.read_bytes()
        target.unlink()
        return content

    return encode


def half(encode: Callable[[Path], bytes], end: bytes = b"") -> Callable[[Path], bytes]:
    """Keep the first half, and put an end marker behind it."""
    return lambda photo: (content := encode(photo))[: len(content) // 2] + end


def zeroed(encode: Callable[[Path], bytes]) -> Callable[[Path], bytes]:
    """Fill the second half with zeros."""

    def spoil(photo: Path) -> bytes:
        content = encode(photo)
        return content[: len(content) // 2] + bytes(len(content) - len(content) // 2)

    return spoil


def hole(encode: Callable[[Path], bytes]) -> Callable[[Path], bytes]:
    """Fill a block of 4,096 bytes in the middle with zeros, as a lost block of a disk is."""

    def spoil(photo: Path) -> bytes:
        content = encode(photo)
        middle = len(content) // 2
        return content[:middle] + bytes(4096) + content[middle + 4096 :]

    return spoil


def scans(number: int) -> Callable[[Path], bytes]:
    """Repeat the last scan of a progressive JPEG until it has `number` of them."""

    def spoil(photo: Path) -> bytes:
        content = encoded("jpg", quality=80, progressive=True)(photo)
        last = content.rindex(b"\xff\xda")
        return content[:last] + content[last:-2] * number + content[-2:]

    return spoil


def wrong_checksum(photo: Path) -> bytes:
    """Return a PNG whose pixels are whole and whose checksum is not."""
    header = struct.pack(">IIBBBBB", 8, 8, 8, 2, 0, 0, 0)
    body = zlib.compress(b"".join(b"\0" + bytes(24) for _ in range(8)))
    chunk = lambda kind, data: struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))  # noqa: E731
    pixels = chunk(b"IDAT", body)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + pixels[:-1] + b"\0" + chunk(b"IEND", b"")


def record(name: str, change: Callable[[dict[str, object]], object]) -> Maker:
    """Change a JSON file of the run."""

    def make(place: Path) -> None:
        file = place / "run" / name
        content = json.loads(file.read_text())
        change(content)
        file.write_text(json.dumps(content))

    return make


def file_of_run(name: str, spoil: Callable[[bytes], bytes]) -> Maker:
    """Change a file of the run byte by byte."""

    def make(place: Path) -> None:
        file = place / "run" / name
        file.write_bytes(spoil(file.read_bytes()))

    return make


def flipped(content: bytes) -> bytes:
    """Flip one bit in the last quarter."""
    at = len(content) * 3 // 4
    return content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]


def nothing(place: Path) -> None:
    """Leave the place as it is."""
