"""Read a folder of class folders into a listing: one walk, one reading, and every file accounted for."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from visionft.data.sources.listing import COLUMNS, Listing
from visionft.data.sources.structure.choose import as_trained, choose, recognise, split_like
from visionft.data.sources.structure.folder_tree import Node, Tree, read_tree
from visionft.data.sources.structure.interpretation import Reading, folders
from visionft.data.sources.structure.split_folders import over
from visionft.errors import DataError
from visionft.photos import UNLISTED, Quarantined, above, join, printable, without
from visionft.settings import DataSettings
from visionft.wording.lists import count, some

LOOSE = "not in a class folder"
LOST = (UNLISTED, "the name of the folder is not UTF-8")


def scan(root: Path, settings: DataSettings, known: Sequence[str] | None = None, *, bounded: bool = True) -> Listing:
    """List the photos under `root`; a class is its folder's path, NFC, cut to the levels that make it.

    Args:
        root: the folder.
        settings: how it is to be read; what they leave open is read off the tree.
        known: the classes of a run that the photos are only measured with.
        bounded: whether these are all that the photos may have, and so tell how the folder is read.

    Raises:
        DataError: no class folders, several readings are as likely, or the one that was asked for is not there.
    """
    if settings.group_by == "column" and known is None:
        raise DataError(
            "--data.group-by column needs a CSV or Parquet manifest with a `group` column: a folder has none"
        )
    tree = read_tree(root)
    if known is None:
        reading = choose(root, tree, settings)
    else:
        reading = recognise(tree, settings, known) if bounded else as_trained(root, tree, settings)
    notes = _beside(tree, reading)
    if settings.layout == "auto":
        notes += split_like(tree, reading)
    if known is None:
        notes += _without_effect(tree, reading, settings)
    else:
        notes += _levels_left_out(root, reading, settings)
    return _Scan(tree, reading).listing(notes)


def _levels_left_out(root: Path, reading: Reading, settings: DataSettings) -> list[str]:
    """Return a note where photos of known classes have levels that those of the run did not have."""
    in_each = reading.layout == "classes" and len(reading.parts) > 1
    same_depth = reading.depth == (None if settings.depth == "auto" else settings.depth)
    if same_depth and not in_each:
        return []
    return [f"{root} has other folder levels than the run's photos, and is read by its classes: {reading.sentence}"]


def _without_effect(tree: Tree, reading: Reading, settings: DataSettings) -> list[str]:
    """Return a note where the depth that was asked for is more than there is."""
    deepest = max((len(levels) for node, _, levels in folders(tree, reading.parts)[0] if node.files), default=0)
    if not isinstance(settings.depth, int) or settings.depth <= deepest:
        return []
    there = f"the class folders of {tree.root} lie {count(deepest, 'level')} deep at most"
    return [f"--data.depth {settings.depth} is more than there is: {there}"]


def _beside(tree: Tree, reading: Reading) -> list[str]:
    if not reading.ignored:
        return []
    what = "the splits of" if reading.layout == "splits" and not reading.inside else "what is read in"
    verb = "is" if len(reading.ignored) == 1 else "are"
    named = some(_with_photos(tree, path) for path in reading.ignored)
    return [f"beside {what} {tree.root}, {named} {verb} ignored"]


def _with_photos(tree: Tree, path: str) -> str:
    node = tree.node(path.rstrip("/")) if path.endswith("/") else None
    return f"{printable(path)} ({count(node.total, 'photo')})" if node and node.total else printable(path)


class _Scan:
    """What becomes of every folder, and through it of every file."""

    def __init__(self, tree: Tree, reading: Reading) -> None:
        self.tree, self.reading = tree, reading
        size = len(tree.nodes)
        self.labels: list[str | None] = [None] * size
        self.splits: list[str | None] = [None] * size
        self.groups: list[str | None] = [None] * size
        self.loose: list[int] = []
        self.empty: set[str] = set()
        self.quarantine: list[Quarantined] = []
        self._read()

    def _read(self) -> None:
        read, self.double = folders(self.tree, self.reading.parts)
        ignored = {printable(name).rstrip("/") for name in self.reading.ignored}
        aside = [item for item in self.tree.quarantine if ignored.isdisjoint(above(item.path))]
        self.quarantine += without(self.double, aside)
        for node, part, levels in read:
            self._take(node, part.split, levels)
        if self.reading.layout == "classes":  # beside sides a photo is named among what is ignored
            self.loose += [node.index for node in over(self.tree, self.reading.parts)]

    def _take(self, node: Node, split: str | None, levels: tuple[str, ...]) -> None:
        if not levels:
            self.loose.append(node.index)
        elif node.files:
            self.labels[node.index] = self.reading.label(levels)
            self.splits[node.index] = split
            self.groups[node.index] = self.reading.product(levels)
        elif not node.children:
            self.empty.add(self.reading.label(levels))

    def listing(self, notes: list[str]) -> Listing:
        table = self._table()
        self.quarantine += [Quarantined(printable(path), LOOSE) for path in self._files(self.loose)]
        labels = {label for label in self.labels if label is not None}
        if not labels:
            raise DataError(self._nothing())
        empty = sorted(self.empty - labels)
        if empty:
            what = "holds no photo and is" if len(empty) == 1 else "hold no photo and are"
            named = some(map(printable, empty))
            notes = [*notes, f"{count(len(empty), 'class folder')} {what} left out: {named}"]
        notes += self._lost()
        return Listing(self.tree.root, table, tuple(self.quarantine), tuple(notes), reading=self.reading)

    def _lost(self) -> list[str]:
        """Say which folders could not be read: with one of them a class may be gone."""
        doubles = set(map(printable, self.double))
        lost = [item for item in self.quarantine if item.reason.startswith(LOST) or item.path in doubles]
        if not lost:
            return []
        verb = "is" if len(lost) == 1 else "are"
        return [
            f"{count(len(lost), 'folder')} {verb} left out: {some(f'{item.path} ({item.reason})' for item in lost)}"
        ]

    def _table(self) -> pa.Table:
        places = self.tree.places
        is_read = pc.is_valid(self._of_files(self.labels, places))
        places, names = places.filter(is_read), self.tree.names.filter(is_read)
        columns = [self._of_files(values, places) for values in (self.labels, self.splits, self.groups)]
        return pa.table([self._paths(places, names), *columns], schema=COLUMNS).sort_by("path")

    def _files(self, nodes: list[int]) -> list[str]:
        """Return the paths of the files in some folders."""
        here = pc.is_in(self.tree.places, value_set=pa.array(nodes, pa.int32()))
        found: list[str] = self._paths(self.tree.places.filter(here), self.tree.names.filter(here)).to_pylist()
        return found

    def _paths(self, places: pa.ChunkedArray, names: pa.ChunkedArray) -> pa.ChunkedArray:
        heads = [join(node.path, "") for node in self.tree.nodes]
        return pc.binary_join_element_wise(self._of_files(heads, places), names, "")

    def _of_files(self, values: Sequence[str | None], places: pa.ChunkedArray) -> pa.ChunkedArray:
        """Return the value of each file's folder."""
        return pa.chunked_array([pa.array(values, pa.string())]).take(places)

    def _nothing(self) -> str:
        root = self.tree.root
        if any(item.reason == LOOSE for item in self.quarantine):
            return f"the files of {root} lie in no class folder: give every class a folder of its own, or a manifest"
        if self.empty:
            named = some(map(printable, sorted(self.empty)))
            return f"the class folders of {root} ({named}) hold no photo: put photos into them"
        return f"{root} holds no class folders: give a folder with one folder of photos for each class, or a manifest"
