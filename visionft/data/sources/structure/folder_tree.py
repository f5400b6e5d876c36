"""The tree of folders with the number of files in each, and the files as Arrow columns: what one walk finds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path, PurePosixPath

import pyarrow as pa

from visionft.errors import DataError
from visionft.photos import Folder, Quarantined, Walk, printable

CHUNK = 65536
# Only for what a tree means and what is said aloud: a LICENSE beside the splits surprises nobody, a photo does.
PHOTO_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".avif", ".jp2")


@dataclass(slots=True, eq=False)
class Node:
    """One folder.

    Attributes:
        folder: as it was walked, without the names of its files.
        index: its place in `Tree.nodes`.
        files: how many files in it may be photos.
        photos: how many of them end like photos; where none of the tree does, all of them.
        total: `photos` of it and of everything below.
        children: sub-folders in order of their names.
    """

    folder: Folder
    index: int
    files: int
    photos: int
    total: int = 0
    children: list[Node] = field(default_factory=list)

    @property
    def path(self) -> str:
        """Relative to the root, with slashes; "" is the root."""
        return self.folder.path

    @property
    def name(self) -> str:
        """The last level of the path."""
        return self.folder.path.rpartition("/")[2]

    @property
    def shown(self) -> str:
        """The path as it may be printed."""
        return printable(self.folder.path)

    @property
    def bearing(self) -> list[Node]:
        """The sub-folders with photos at any depth."""
        return [child for child in self.children if child.total]

    def below(self) -> Iterator[Node]:
        """Yield this folder and every one below, depth first in order of the names."""
        waiting = [self]
        while waiting:
            node = waiting.pop()
            yield node
            waiting += reversed(node.children)


@dataclass(frozen=True, eq=False)
class Tree:
    """A folder of photos, walked once; no photo was opened.

    Attributes:
        root: the folder.
        nodes: every folder, the root first, each after the one that it lies in.
        names: of all files that may be photos, in order of their folders.
        places: int32, the index of each file's folder.
        quarantine: what the walk set aside.
    """

    root: Path
    nodes: list[Node]
    names: pa.ChunkedArray
    places: pa.ChunkedArray
    quarantine: tuple[Quarantined, ...]

    @property
    def top(self) -> Node:
        """The root's folder."""
        return self.nodes[0]

    def node(self, path: str) -> Node | None:
        """Return the folder at a path, if there is one."""
        return self._by_path.get("" if path in ("", ".") else PurePosixPath(path).as_posix())

    @cached_property
    def _by_path(self) -> dict[str, Node]:
        return {node.path: node for node in self.nodes}


def read_tree(root: Path) -> Tree:
    """Walk a folder once.

    Raises:
        DataError: it cannot be listed.
    """
    planting, walk = _Planting(), Walk(root)
    try:
        for folder in walk:
            planting.add(folder)
    except OSError as error:
        fault = f"the folder {printable(root)} cannot be listed ({error.strerror}): check its permissions"
        raise DataError(fault) from error
    planting.total()
    names, places = planting.columns()
    return Tree(root, planting.nodes, names, places, tuple(walk.quarantine))


class _Planting:
    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self._by_path: dict[str, Node] = {}
        self._names: list[str] = []
        self._places: list[int] = []
        self._chunks: list[tuple[pa.Array, pa.Array]] = []

    def add(self, folder: Folder) -> None:
        photos = sum(name.lower().endswith(PHOTO_SUFFIXES) for name in folder.files)
        # The names go to Arrow: as Python objects they would be most of the memory.
        kept = Folder(folder.path, [], folder.folders, folder.identity, folder.links)
        node = Node(kept, len(self.nodes), len(folder.files), photos)
        self.nodes.append(node)
        self._by_path[folder.path] = node
        if folder.path:
            self._by_path[folder.path.rpartition("/")[0]].children.append(node)
        self._names += folder.files
        self._places += [node.index] * len(folder.files)
        if len(self._names) >= CHUNK:
            self._flush()

    def total(self) -> None:
        if not any(node.photos for node in self.nodes):
            for node in self.nodes:
                node.photos = node.files
        for node in reversed(self.nodes):  # children come after their parents
            node.total = node.photos + sum(child.total for child in node.children)

    def columns(self) -> tuple[pa.ChunkedArray, pa.ChunkedArray]:
        self._flush()
        names, places = zip(*self._chunks, strict=True)
        return pa.chunked_array(names, pa.string()), pa.chunked_array(places, pa.int32())

    def _flush(self) -> None:
        self._chunks.append((pa.array(self._names, pa.string()), pa.array(self._places, pa.int32())))
        self._names, self._places = [], []
