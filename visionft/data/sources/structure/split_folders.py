"""Propose where the classes of a tree lie: through folders around everything, below sides on top, above sides below."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from shlex import quote
from typing import Literal

from visionft.classes import normalise
from visionft.data.sources.structure.folder_tree import Node, Tree
from visionft.data.sources.structure.interpretation import Part, Sides
from visionft.data.sources.structure.split_names import is_filler, is_plain, side_among, side_of
from visionft.errors import DataError
from visionft.photos import above, printable
from visionft.settings import DataSettings
from visionft.wording.lists import some

Named = dict[str, str]  # path of a folder -> the side that its name means
CLASSES, SPLITS = "--data.layout classes", "--data.layout splits"


def start(tree: Tree, settings: DataSettings) -> list[Node]:
    """Return the folders that may hold everything: the given one, or the root and what it is looked through to.

    Raises:
        DataError: the given folder is not there.
    """
    if settings.inside == "auto":
        return _chain(tree.top)
    node = tree.top if settings.inside is None else tree.node(str(settings.inside))
    if node is None:
        raise DataError(
            f"--data.inside: {tree.root} has no folder {settings.inside}; give one that lies in it, or leave it out"
        )
    return [node]


def in_each(tree: Tree, settings: DataSettings) -> list[Node]:
    """Return the folders with photos that `--data.inside` stands for, if a level of it is `*`.

    Raises:
        DataError: there is none.
    """
    levels = Path(settings.inside).parts if isinstance(settings.inside, Path) else ()
    if "*" not in levels or tree.node(str(settings.inside)):
        return []
    found = [tree.top]
    for level in levels:
        found = [child for node in found for child in node.bearing if level in ("*", child.name)]
    if not found:
        raise DataError(
            f"--data.inside: {tree.root} has no folders {settings.inside} with photos; give a level that has, by "
            "name or as *, or leave it out"
        )
    return found


def _together(tree: Tree, tops: list[Node], settings: DataSettings) -> Sides:
    """Read several folders as one set: with their own sides where each has some, else by their classes."""
    each = [propose(tree, settings.model_copy(update={"inside": Path(node.path)}))[0] for node in tops]
    is_split = all(sides.layout == "splits" and sides.parts for sides in each)
    parts = tuple(part for sides in each for part in sides.parts) if is_split else tuple(Part(n.path) for n in tops)
    layout: Literal["classes", "splits"] = "splits" if is_split else "classes"
    because = "each of them holds sides" if is_split else "not each of them holds sides"
    return Sides(str(settings.inside), layout, parts, 2, "together", SPLITS if is_split else CLASSES, because)


def _chain(node: Node) -> list[Node]:
    """Follow a folder down while it holds nothing but one folder of folders: the last one holds what matters."""
    found = [node]
    while not node.photos and len(node.bearing) == 1:
        (node,) = node.bearing
        if len(node.bearing) < (2 if node.photos else 1):
            break
        found.append(node)
    return found


def propose(tree: Tree, settings: DataSettings) -> list[Sides]:
    """Return the readings that the settings leave open, the likeliest first.

    Raises:
        DataError: the settings ask for splits, and there are none.
    """
    tops = in_each(tree, settings)
    if tops:
        return [_together(tree, tops, settings)]
    chain = start(tree, settings)
    if settings.layout == "splits":
        return [_asked_for(tree, chain)]
    if settings.layout == "classes":
        return [_classes(_literal(chain, settings) or chain[-1])]
    found = weigh(chain[-1])
    literal = _literal(chain, settings)
    return [_classes(literal)] if literal and found[0].layout == "classes" else found


def _literal(chain: list[Node], settings: DataSettings) -> Node | None:
    """Return the root where a depth was given: it counts from there, unless that leaves but one class."""
    if not isinstance(settings.depth, int):
        return None
    part = Part(chain[0].path)
    labels = {part.levels(node)[: settings.depth] for node in chain[0].below() if node.photos and node is not chain[0]}
    return chain[0] if len(labels) > 1 else None


def weigh(base: Node) -> list[Sides]:
    """Return the possible readings of a folder, each with its plausibility; the most plausible come first."""
    below = _below_classes(base)
    if below:
        return [below]
    side = _named(base.bearing)
    named = [child for child in base.bearing if child.path in side]
    holding = [child for child in named if _inner(child).bearing]
    sides = {side[child.path] for child in holding}
    others = [child for child in base.bearing if child not in named]
    if "train" in sides and len(sides) > 1:
        found = _on_top(base, side, holding, others)
    elif sides == {"train"} and len(named) > len(holding):
        found = _flat_beside(base, side, holding, [child for child in named if child not in holding], others)
    elif len(named) > 1 and not others and not base.photos:
        found = _without_sense(base, side, named, holding)
    else:
        found = [_classes(base)]
    return sorted(found, key=lambda sides: -sides.plausibility)


def _named(folders: list[Node]) -> Named:
    """Return path -> side of the folders whose names mean one, or have a word for one where their folders agree."""
    sure = {node.path: side for node in folders if (side := side_of(node.name))}
    if "train" in sure.values():
        return sure
    hinted = {node.path: side for node in folders if (side := side_among(node.name))}
    return hinted if _shared(hinted, [node for node in folders if node.path in hinted]) else sure


def _inner(side: Node) -> Node:
    """Look through a folder of the same meaning within a side: training_set/training_set, train/images."""
    while not side.photos and len(side.bearing) == 1:
        (child,) = side.bearing
        if not child.bearing or not (is_filler(child.name) or side_among(child.name) == side_among(side.name)):
            break
        side = child
    return side


def _classes(base: Node, plausibility: int = 2, because: str = "") -> Sides:
    first = next((child for child in base.bearing), None)
    such = f" such as {first.shown}" if first else ""
    return Sides(
        base.path, "classes", (Part(base.path),), plausibility, f"as classes{such}", CLASSES,
        because or "no folders named like sides of a set",
    )  # fmt: skip


def _on_top(base: Node, side: Named, holding: list[Node], others: list[Node]) -> list[Sides]:
    shared = _shared(side, holding)
    plain = all(is_plain(child.name) for child in holding)
    names = some(f"{child.shown}/" for child in holding)
    # Sides that share no class with train are sides all the same where they are called so and nothing else is there.
    sure = bool(shared) or (plain and not others)
    because = f"{names} hold the same folders" if shared else f"{names} are named like sides of a set"
    found = _splits(base, side, holding, 2 if sure else 1, because)
    return [found, _classes(base, 0 if sure else 1, f"{names} share no folder")]


def _splits(base: Node, side: Named, holding: list[Node], plausibility: int, because: str) -> Sides:
    parts = tuple(Part(_inner(child).path, side[child.path]) for child in holding)
    return Sides(base.path, "splits", parts, plausibility, _sides_in_words(parts), SPLITS, because)


def _sides_in_words(parts: tuple[Part, ...]) -> str:
    return "as splits, " + some(f"{printable(part.folder)}/ as {part.split}" for part in parts)


def _shared(side: Named, holding: list[Node]) -> set[str]:
    """Return the names of the classes that train has, and another side too."""
    held: dict[bool, set[str]] = {True: set(), False: set()}
    for child in holding:
        names = {normalise(grandchild.name).casefold() for grandchild in _inner(child).bearing}
        held[side[child.path] == "train"] |= names
    return held[True] & held[False]


def _flat_beside(base: Node, side: Named, trained: list[Node], flat: list[Node], others: list[Node]) -> list[Sides]:
    """Read train/hat/photo.jpg beside test/photo.jpg: what has no class folders can be neither learnt nor measured."""
    train = _inner(trained[0])
    aside = some(f"{child.shown}/" for child in flat)
    because = f"{aside} {'has' if len(flat) == 1 else 'have'} no class folders, {train.shown}/ has"
    within = Sides(
        train.path, "classes", (Part(train.path),), 1 if others else 2, f"as the classes in {train.shown}/ alone",
        f"--data.inside {quote(train.shown)}", because,
    )  # fmt: skip
    if len(trained) > 1:
        within = _splits(base, side, trained, within.plausibility, because)
    return [within, _classes(base, 1 if others else 0)]


def _without_sense(base: Node, side: Named, named: list[Node], holding: list[Node]) -> list[Sides]:
    names = some(f"{child.shown}/" for child in named)
    if holding and len(holding) == len(named):
        if not _all_shared(holding):
            return [_classes(base)]
        sided = _splits(base, side, holding, 1, f"{names} hold the same folders")
        if any(side[child.path] == "train" for child in holding):
            return [sided, _classes(base, 1)]
        # Possible for photos that are only measured on; there is nothing to train on.
        return [replace(sided, mend="add a folder named train with the same folders"), _classes(base, 1)]
    words = f"as sides of a set, of which {names} lack class folders"
    lacking = Sides(base.path, "splits", (), 1, words, "put the photos of every class into a folder of its own", "")
    return [lacking, _classes(base, 1)]


def _all_shared(holding: list[Node]) -> bool:
    held = [{normalise(child.name) for child in _inner(side).bearing} for side in holding]
    return bool(set.intersection(*held))


def _below_classes(base: Node) -> Sides | None:
    """Read hat/train/photo.jpg: sides below every class."""
    classes = base.bearing
    if len(classes) < 2 or base.photos or any(child.photos for child in classes):
        return None
    sides = [{side_of(child.name) for child in one.bearing} for one in classes]
    every = set().union(*sides)
    if None in every or "train" not in every or len(every) < 2 or any("train" not in held for held in sides):
        return None
    parts = tuple(Part(child.path, side_of(child.name), (one.name,)) for one in classes for child in one.bearing)
    first = classes[0]
    because = f"every class holds sides: {some(f'{child.shown}/' for child in first.bearing)}"
    return Sides(base.path, "splits", parts, 2, "as classes with sides below", SPLITS, because)


def _asked_for(tree: Tree, chain: list[Node]) -> Sides:
    for base in chain:
        side = _named(base.children)
        if "train" in side.values():
            return _splits(base, side, [child for child in base.children if child.path in side], 2, "asked for")
        below = _below_classes(base)
        if below:
            return below
    raise DataError(
        f"{tree.root} has no folder `train`, which --data.layout splits asks for: use --data.layout classes"
    )


def over(tree: Tree, parts: Iterable[Part]) -> list[Node]:
    """Return the folders above those that are read: their own files belong to no class."""
    read = {part.folder for part in parts}
    paths = {path for folder in read for path in above(folder)} - read
    return [node for node in map(tree.node, sorted(paths)) if node is not None]


def beside(tree: Tree, parts: Iterable[Part]) -> list[Node]:
    """Return the folders that lie beside what is read, or beside a folder that holds it."""
    read = {part.folder for part in parts}
    upper = over(tree, parts)
    way = read | {node.path for node in upper}
    return [child for node in upper for child in node.children if child.path not in way]
