"""Whatever somebody asks about, one by one and in its place: paths, folders, patterns, and photos held in memory."""

from __future__ import annotations

import glob
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from visionft.errors import PhotoError
from visionft.photos.decoder import decode, read
from visionft.photos.discovery import expand
from visionft.photos.in_memory import Pixels, bytes_of_file, file_of_picture, pixels_of_array, pixels_of_picture
from visionft.photos.quarantine import Quarantined
from visionft.wording.safe_text import printable


@runtime_checkable
class OpenFile(Protocol):
    """A file that is open for reading bytes."""

    def read(self, size: int = -1, /) -> bytes:
        """Return so many bytes at most, or the rest."""
        ...


@dataclass(frozen=True)
class Exact:
    """A path that is taken as it stands, whatever signs of a pattern it has."""

    path: str

    def __fspath__(self) -> str:
        return self.path


@dataclass(frozen=True)
class Fetched:
    """What was brought here from elsewhere: it lies at `path`, and is called as it was given, by its `address`."""

    path: str
    address: str

    def __fspath__(self) -> str:
        return self.path

    def called(self, path: str) -> str:
        """Return the address of a photo that lies at or below the path."""
        return self.address + path.removeprefix(self.path)


Asked = str | os.PathLike[str] | bytes | bytearray | memoryview | OpenFile | Image.Image | NDArray[np.uint8]
"""One photo, or what stands for several: the path of a photo or folder, or a pattern; a file's bytes, or a file that is
open; a picture of PIL; levels (H, W, 3), (H, W, 4) with alpha or (H, W), uint8."""


_SINGLE = (str, os.PathLike, bytes, bytearray, memoryview, Image.Image, OpenFile)


@dataclass(frozen=True)
class Item:
    """One photo that was asked about.

    Attributes:
        name: its path in printable form; of a photo in memory the name of its file, else `item 3`, counted from 0.
        load: makes (H, W, 3) uint8 RGB, in any thread; PhotoError where that cannot be.
        named: whether it was given itself, and not found in a folder or by a pattern.
        held: bytes of memory that it keeps until it is loaded.
    """

    name: str
    load: Callable[[], Pixels]
    named: bool = True
    held: int = 0


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a list of photos: what a path, a folder or a pattern stands for, before any file is opened.

    Attributes:
        path: of the file, as the system has it.
        named: as the item has it.
        refused: why it can be no photo; None: that is seen once it is opened.
        called: what it is called where that is not its path, such as its address in a bucket.
    """

    path: str
    named: bool = True
    refused: str | None = None
    called: str | None = None

    @property
    def name(self) -> str:
        """What it is called, in printable form."""
        return shown(self.called or self.path)

    def item(self) -> Item:
        """Return the photo to ask about."""
        if self.refused is not None:
            return _refused(self.name, self.refused, named=self.named)
        return replace(of_file(Path(self.path), named=self.named), name=self.name)


def is_one(asked: Any) -> bool:
    """Tell one thing to ask about from several: lists, tuples, generators and their like are several."""
    return isinstance(asked, _SINGLE) or hasattr(asked, "__array__") or not isinstance(asked, Iterable)


def items(asked: Iterable[Any]) -> Iterator[Item]:
    """Yield what is asked about in its order; folders and patterns are expanded in place, sorted, each file once.

    Nothing is dropped: what is given twice comes twice, and what can be no photo is an item that says why. What lies in
    memory is copied when its turn comes, so a generator may use one buffer, or close its file, from then on.

    Args:
        asked: each as in `Asked`; taken one at a time.
    """
    for position, given in enumerate(asked):
        if isinstance(given, str | os.PathLike):
            for entry in entries(given):
                yield entry.item()
        else:
            yield _held(given, f"item {position}")


def of_file(path: Path, *, named: bool = True) -> Item:
    """Return the item of one file."""
    return Item(shown(path), lambda: read(path), named)


def entries(place: str | os.PathLike[str]) -> Iterator[Entry]:
    """Yield what a path, a folder or a pattern stands for, in the order of `items`."""
    if isinstance(place, Fetched):
        for entry in entries(Exact(place.path)):
            yield replace(entry, called=place.called(entry.path))
        return
    text = os.fsdecode(place)
    if isinstance(place, Exact) and not os.path.isdir(text):  # noqa: PTH112  # Path.is_dir may raise
        found: list[Path | Quarantined] = [Path(text)]
    else:
        found = expand(text)
    for each in found:
        if isinstance(each, Quarantined):
            yield Entry(each.path, False, each.reason)
        else:
            yield Entry(str(each), each == Path(text))
    if not found:
        yield Entry(text, True, _missing(text))


def _missing(text: str) -> str:
    if os.path.isdir(text):  # noqa: PTH112  # Path.is_dir may raise
        return "a folder that holds no photo"
    return "a pattern that matches nothing" if glob.has_magic(text) else "no such file"


def _held(given: Any, name: str) -> Item:
    try:
        match given:
            case bytes() | bytearray() | memoryview():
                return _encoded(name, bytes(given))
            case Image.Image():
                name = _named(getattr(given, "filename", None), name)
                data = file_of_picture(given)
                return _decoded(name, pixels_of_picture(given)) if data is None else _encoded(name, data)
            case np.ndarray():
                return _decoded(name, pixels_of_array(given))
            case OpenFile():
                name = _named(getattr(given, "name", None), name)
                return _encoded(name, bytes_of_file(given))
    except PhotoError as fault:
        return _refused(name, fault.reason)
    kind = type(given).__name__
    return _refused(
        name,
        f"a value of type {kind}: give a path, a file's bytes, an open file, a picture of PIL or an array of uint8",
    )


def _encoded(name: str, data: bytes) -> Item:
    return Item(name, lambda: decode(data), held=len(data))


def _decoded(name: str, pixels: Pixels) -> Item:
    return Item(name, lambda: pixels, held=pixels.nbytes)


def _refused(name: str, reason: str, *, named: bool = True) -> Item:
    def refuse() -> Pixels:
        raise PhotoError(reason)

    return Item(name, refuse, named)


def _named(name: Any, otherwise: str) -> str:
    return shown(name) if isinstance(name, str | Path) and str(name) else otherwise


def shown(path: str | Path) -> str:
    """Return a path in printable form, whatever it is made of."""
    try:
        return printable(path)
    except UnicodeError:  # half of a surrogate pair, which no file system gave
        return str(path).encode("utf-8", "backslashreplace").decode()
