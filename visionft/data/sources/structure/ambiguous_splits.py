"""Refuse trees whose classes would be sides by their names: a side within train, or train_hat beside test_hat."""

from __future__ import annotations

import re
from pathlib import Path
from shlex import quote

from visionft.classes import normalise
from visionft.data.sources.structure.class_levels import SHARED
from visionft.data.sources.structure.folder_tree import Node, Tree
from visionft.data.sources.structure.interpretation import Part, Sides
from visionft.data.sources.structure.split_folders import CLASSES, SPLITS
from visionft.data.sources.structure.split_names import side_of
from visionft.errors import DataError
from visionft.photos import above, printable
from visionft.wording.lists import some

_JOINED = (re.compile(r"(?P<side>[^\W_]+)[ _.-]+(?P<rest>.+)"), re.compile(r"(?P<rest>.+)[ _.-]+(?P<side>[^\W_]+)"))


def refuse_hidden_sides(root: Path, tree: Tree, sides: Sides) -> None:
    """Refuse where folders that are to be read as classes have names of sides, and their classes repeat.

    Raises:
        DataError: says which, how to make them sides, and the flag that makes them classes.
    """
    for part in sides.parts:
        top = tree.node(part.folder)
        if top and not part.above:
            _refuse_nested(root, top, part)
            _refuse_joined(root, top)


def _refuse_nested(root: Path, top: Node, part: Part) -> None:
    """Refuse train/test/hat beside train/hat."""
    beside = {_name(child) for child in top.bearing if not side_of(child.name)}
    for child in top.bearing:
        held = {_name(grandchild) for grandchild in child.bearing}
        shared = held & beside
        if not side_of(child.name) or not shared or len(shared) < SHARED * len(held):
            continue
        if top.path and side_of(top.name) and side_of(top.name) != side_of(child.name):
            target = next(reversed(above(part.folder)), "")
            mend = f"move it out ({printable(f'mv {quote(str(root / child.path))} {quote(str(root / target))}/')})"
        else:
            mend = "put the folders beside it into a folder of their own side, such as train"
        raise DataError(
            f"{root} has the same folders ({some(sorted(map(printable, shared)))}) in {child.shown}/ and beside it: "
            f"if {child.shown}/ is a side of the set, {mend}; for classes such as "
            f"{printable(f'{child.name}/{min(shared)}')} add {SPLITS if part.split else CLASSES}"
        )


def _refuse_joined(root: Path, top: Node) -> None:
    """Refuse train_hat, train_shoes, test_hat and test_shoes."""
    names = [child.name for child in top.bearing]
    for pattern in _JOINED:
        found = {name: match for name in names if (match := pattern.fullmatch(name)) and side_of(match["side"])}
        rests: dict[bool, set[str]] = {True: set(), False: set()}
        for match in found.values():
            rests[side_of(match["side"]) == "train"].add(normalise(match["rest"]).casefold())
        if len(rests[True] & rests[False]) < 2 or len(found) < SHARED * len(names):
            continue
        first = next(name for name, match in found.items() if side_of(match["side"]) == "train")
        match, place = found[first], root / top.path
        target = place / match["side"] / match["rest"]
        make, move = f"mkdir -p {quote(str(target.parent))}", f"mv {quote(str(place / first))} {quote(str(target))}"
        raise DataError(
            f"{root} has folders such as {some(map(printable, sorted(found)), 3)}, which may be sides of one set: for "
            f"sides, make a folder of each side and move its classes there "
            f"({printable(f'{make} && {move}')}); for classes such as {printable(first)} add {CLASSES}"
        )


def _name(node: Node) -> str:
    return normalise(node.name)
