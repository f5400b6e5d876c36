"""Decide which levels make the class: every one, those above products, or those above folders that repeat."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from shlex import quote

from visionft.classes import normalise
from visionft.data.sources.structure.folder_tree import Tree
from visionft.data.sources.structure.interpretation import Grouping, Levels, Sides, folders
from visionft.data.sources.structure.split_names import is_code, is_filler, likely_side
from visionft.errors import DataError
from visionft.photos import printable
from visionft.settings import DataSettings
from visionft.wording.lists import count, some

MANY = 20
"""Folders from which on few photos in each speak of products: nobody sets out to tell so many classes by so little."""
FEW = 10  # photos a folder, below which a class is hardly learnt
VERY_FEW = 3  # photos a folder, at which none is
CODED = 0.8  # share of the folders whose names look like products'
PER_PARENT = 2.0
SHARED = 2 / 3  # share of the sub-folders' names that every parent has, from which on parents and children cross


@dataclass(frozen=True)
class Depth:
    """What makes the class.

    Attributes:
        depth: levels; None: all.
        group_by: whether the photo's folder is a product.
        because: why, for the settings' record.
        words: what to say beside the number of classes.
    """

    depth: int | None
    group_by: Grouping = "none"
    because: str = "every folder with photos is a class"
    words: str = ""


def grouping(settings: DataSettings) -> Grouping:
    """Return how photos of a folder are grouped, where nothing is read off the tree."""
    return "parent" if settings.group_by == "parent" else "none"


class Leaves:
    """The folders with photos of a proposal, by the levels of their class.

    Attributes:
        inside: the folder that is read, "" for the root.
        photos: levels -> photos of all sides together.
        sides: levels -> the sides that have photos of it.
    """

    def __init__(self, tree: Tree, sides: Sides) -> None:
        self.inside = sides.inside
        self.photos: dict[Levels, int] = defaultdict(int)
        self.sides: dict[Levels, set[str | None]] = defaultdict(set)
        for node, part, levels in folders(tree, sides.parts)[0]:
            if node.photos and levels:
                key = tuple(normalise(level) for level in levels)
                self.photos[key] += node.photos
                self.sides[key].add(part.split)

    @property
    def deepest(self) -> int:
        """The largest number of levels."""
        return max(map(len, self.photos), default=1)

    def flag(self, depth: int | None) -> str:
        """Return the flags that make this many levels the class, or all."""
        # A depth alone counts from the root, whatever that is looked through to.
        inside = f"--data.inside {quote(printable(self.inside))} " if self.inside and depth else ""
        return f"{inside}--data.depth {depth or 'none'}"

    def labels(self, depth: int | None) -> set[str]:
        """Return the class names at a depth."""
        return {"/".join(levels[:depth]) for levels in self.photos}


def settle(root: Path, tree: Tree, sides: Sides, settings: DataSettings) -> Depth:
    """Return which levels make the class.

    Raises:
        DataError: two readings are as likely; the sentence has the flags of each.
    """
    leaves = Leaves(tree, sides)
    if settings.depth != "auto":
        return Depth(settings.depth, grouping(settings), "given")
    if settings.group_by == "parent":
        return _above_products(leaves)
    fillers = _above_fillers(leaves, settings)
    if fillers:
        return fillers
    products = _products(root, leaves) if settings.group_by == "auto" else None
    if products is None:
        _refuse_parents_with_photos(root, leaves)
    own_sides = any(part.above for part in sides.parts)
    if sides.layout == "classes" or own_sides:
        _refuse_crossing(root, leaves, products.depth if products else None, own_sides=own_sides)
    return products or Depth(None)


def _above_products(leaves: Leaves) -> Depth:
    depths = {len(levels) for levels in leaves.photos}
    if len(depths) != 1 or leaves.deepest < 2:
        raise DataError(
            "--data.group-by parent needs --data.depth, the number of folder levels that make the class: "
            "without it every folder is a class of its own; use --data.depth 1 for class/product/photo"
        )
    depth = leaves.deepest - 1
    return Depth(depth, "parent", f"the photo's folder, level {depth + 1}, is the product", _counted(leaves, depth))


def _above_fillers(leaves: Leaves, settings: DataSettings) -> Depth | None:
    """Return the level above hat/images/photo.jpg, where every class has one such folder and no photo beside it."""
    k = leaves.deepest
    above = {levels[:-1] for levels in leaves.photos}
    if k < 2 or len(above) < len(leaves.photos) or not all(len(le) == k and is_filler(le[-1]) for le in leaves.photos):
        return None
    names = some(sorted({f"{printable(levels[-1])}/" for levels in leaves.photos}))
    words = f"with their photos in {names} below; if that is part of the names, add {leaves.flag(None)}"
    return Depth(k - 1, grouping(settings), f"{names} below every class says nothing", words)


def _products(root: Path, leaves: Leaves) -> Depth | None:
    """Return the level above products; None where the folders look like classes."""
    k = leaves.deepest
    below = {levels: n for levels, n in leaves.photos.items() if len(levels) == k}
    parents = {levels[:-1] for levels in below}
    shallow = set(leaves.photos) - set(below)
    if k < 2 or len(parents) < 2 or not shallow <= parents or len(below) < PER_PARENT * len(parents):
        return None
    median = statistics.median(below.values())
    coded = sum(is_code(levels[-1], levels[-2]) for levels in below) >= CODED * len(below)
    apart = _apart(leaves, below, k - 1)
    if not apart and (median >= FEW or (len(below) < MANY and not coded)):
        return None
    if len(parents) >= MANY and _median_of(leaves, k - 1) < FEW:
        return _refuse_products(root, leaves, below, 1)
    if apart or (len(below) >= MANY and (coded or median <= VERY_FEW)):
        why = "no side shares them with train" if apart else f"of about {count(round(median), 'photo')} each"
        because = f"{len(below):,} folders under {len(parents):,}, {why}, are products"
        return Depth(k - 1, "parent", because, _counted(leaves, k - 1))
    return _refuse_products(root, leaves, below, k - 1)


def _apart(leaves: Leaves, below: Mapping[Levels, int], depth: int) -> bool:
    """Tell whether sides have the parents of train, but hardly any of its folders: they hold other products."""
    trained = {levels for levels in below if "train" in leaves.sides[levels]}
    held = {levels for levels in below if leaves.sides[levels] - {"train", None}}
    known = {levels[:depth] for levels in trained}
    return bool(held) and len(held & trained) * 2 < len(held) and all(levels[:depth] in known for levels in held)


def _median_of(leaves: Leaves, depth: int) -> float:
    photos: dict[Levels, int] = defaultdict(int)
    for levels, n in leaves.photos.items():
        photos[levels[:depth]] += n
    return float(statistics.median(photos.values()))


def _counted(leaves: Leaves, depth: int) -> str:
    products = sum(len(levels) > depth for levels in leaves.photos)
    example = min(levels for levels in leaves.photos if len(levels) > depth)
    return (
        f"with {count(products, 'product')} ({_name(example)} is a product of {_name(example[:depth])}); "
        f"if the folders are the classes, add {leaves.flag(None)}"
    )


def _refuse_products(root: Path, leaves: Leaves, below: Mapping[Levels, int], depth: int) -> Depth:
    each = count(round(statistics.median(below.values())), "photo")
    example = _name(min(below))
    classes = len(leaves.labels(depth))
    raise DataError(
        f"{root} has {len(below):,} folders of about {each} each under {classes:,}, which may be products or classes: "
        f"for {classes:,} classes with products such as {example} add {leaves.flag(depth)} --data.group-by parent; "
        f"for {len(leaves.photos):,} classes such as {example} add {leaves.flag(None)}"
    )


def _refuse_parents_with_photos(root: Path, leaves: Leaves) -> None:
    above = {levels[:n] for levels in leaves.photos for n in range(1, len(levels))}
    both = sorted(above & set(leaves.photos))
    if not both:
        return
    parent = both[0]
    child = min(levels for levels in leaves.photos if levels[: len(parent)] == parent and levels != parent)
    depth = min(map(len, both))
    names = some(map(_name, both))
    raise DataError(
        f"{root} has photos both in {names} and in folders below: for one class {_name(parent)} with all of them "
        f"add {leaves.flag(depth)}; for classes of their own such as {_name(child)} add {leaves.flag(None)}"
    )


def _name(levels: Levels) -> str:
    return printable("/".join(levels))


def _refuse_crossing(root: Path, leaves: Leaves, depth: int | None, *, own_sides: bool) -> None:
    """Refuse A/{hat,shoes} beside B/{hat,shoes}: sides with unusual names, brands or views, nobody can tell."""
    held: dict[str, set[str]] = defaultdict(set)
    for levels in leaves.photos:
        held[levels[0]] |= set(levels[:depth][1:2])
    names = list(held.values())
    common = set.intersection(*names) if names else set()
    if len(held) < 2 or len(common) < 2 or len(common) < SHARED * len(set.union(*names)):
        return
    parents, children = sorted(map(printable, held)), sorted(map(printable, common))
    group = " --data.group-by parent" if depth else ""
    mend = f"in all of them add --data.inside {quote(f'{leaves.inside}/*'.lstrip('/'))}"
    mend += "" if own_sides else f", or, if they are sides, {_as_sides(root / leaves.inside, sorted(held))}"
    raise DataError(
        f"{root} has the same folders ({some(children)}) in each of {some(parents)}, which may be sides of one set: "
        f"for classes such as {parents[0]}/{children[0]} add {leaves.flag(depth)}{group}; for the "
        f"{len(parents)} classes {some(parents)} add {leaves.flag(1)}{group}; for classes such as {children[0]} {mend}"
    )


def _as_sides(place: Path, names: list[str]) -> str:
    """Return how folders become sides: with commands where their names leave no doubt which is which."""
    meant = {name: side for name in names if (side := likely_side(name))}
    if [name for name, side in meant.items() if side == "train"] == ["train"] and len(meant) < len(names):
        return "name what lies beside train test or validation"
    if len(meant) < len(names) or len(set(meant.values())) < len(meant) or "train" not in meant.values():
        return "name the one with the photos to train on train, the other one test or validation"
    moves = [f"mv {quote(str(place / name))} {place / side}" for name, side in meant.items() if name != side]
    return f"rename them ({printable(' && '.join(moves))})"
