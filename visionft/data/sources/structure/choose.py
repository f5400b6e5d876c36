"""Take the only sensible reading of a tree and say so, or refuse with the readings and the flag of each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set
from pathlib import Path

import pyarrow.compute as pc

from visionft.classes import normalise
from visionft.data.sources.structure.ambiguous_splits import refuse_hidden_sides
from visionft.data.sources.structure.class_levels import Depth, Leaves, grouping, settle
from visionft.data.sources.structure.folder_tree import PHOTO_SUFFIXES, Node, Tree
from visionft.data.sources.structure.interpretation import Part, Reading, Sides
from visionft.data.sources.structure.split_folders import CLASSES, beside, over, propose, start, weigh
from visionft.data.sources.structure.split_names import side_of
from visionft.errors import DataError
from visionft.photos import printable
from visionft.settings import DataSettings
from visionft.wording.lists import count, some

MAX_DEPTH = 8  # the largest --data.depth


def choose(root: Path, tree: Tree, settings: DataSettings) -> Reading:
    """Return how photos to train on are read: as the settings say, else as the tree speaks for.

    Raises:
        DataError: two readings are as likely, or what the settings ask for is not there.
    """
    proposed = propose(tree, settings)
    best = [sides for sides in proposed if sides.plausibility == proposed[0].plausibility]
    if len(best) > 1:
        raise DataError(_both(root, best))
    if settings.layout == "auto":
        refuse_hidden_sides(root, tree, best[0])
    return _reading(tree, best[0], settle(root, tree, best[0], settings))


def recognise(tree: Tree, settings: DataSettings, known: Sequence[str]) -> Reading:
    """Return how photos of known classes are read: the proposal with the fewest unknown ones.

    Other photos may lie in other folders, bring other sides, and have levels above or below the class that those of the
    run did not have (years, products): as the run was trained comes first, but known classes win over it.
    """
    open_settings = settings.model_copy(update={"inside": "auto", "layout": "auto"})
    chain = start(tree, open_settings)
    proposed = [sides for base in reversed(chain) for sides in weigh(base) if sides.parts]
    proposed += propose(tree, open_settings.model_copy(update={"layout": "classes"}))
    ranked = sorted(proposed, key=lambda sides: (sides.layout != settings.layout, -sides.plausibility))
    names = {normalise(name) for name in known}
    each = [(sides, Leaves(tree, sides)) for sides in (*ranked, *_below_each(chain[-1]))]
    open_ones = [
        (sides, depth, leaves.labels(depth.depth)) for sides, leaves in each for depth in _depths(leaves, settings)
    ]
    sides, depth, _ = min(open_ones, key=lambda found: _unknown(found[2], names))
    return _reading(tree, sides, depth)


def as_trained(root: Path, tree: Tree, settings: DataSettings) -> Reading:
    """Return how photos of any classes are read: with the levels that made the class when the run was trained.

    Their names say nothing, as the run need not know one of them. Whether there are sides the tree says, and how the
    run was trained where that leaves it open.

    Raises:
        DataError: the settings leave the levels open, and two readings are as likely.
    """
    open_settings = settings.model_copy(update={"inside": "auto", "layout": "auto"})
    try:
        inside = "auto" if settings.inside is None else settings.inside
        proposed = propose(tree, open_settings.model_copy(update={"inside": inside}))
    except DataError:  # the folder that the run's photos lay in is not here
        proposed = propose(tree, open_settings)
    proposed = [sides for sides in proposed if sides.parts]
    proposed = proposed or propose(tree, open_settings.model_copy(update={"layout": "classes"}))
    sides = min(proposed, key=lambda sides: (-sides.plausibility, sides.layout != settings.layout))
    return _reading(tree, sides, settle(root, tree, sides, settings))


def _depths(leaves: Leaves, settings: DataSettings) -> list[Depth]:
    settled = [] if settings.depth == "auto" else [settings.depth]
    trained = [Depth(depth, grouping(settings), "as the run was trained") for depth in settled]
    others = (None, *range(1, min(leaves.deepest, MAX_DEPTH + 1)))
    return trained + [Depth(depth, "none", "as the classes are known") for depth in others if depth not in settled]


def _below_each(base: Node) -> Iterator[Sides]:
    """Propose to leave out levels on top, as in year/hat/photo.jpg: one level, two and so on, as long as all have them.

    Nothing speaks for that but what the classes are called: it is for photos of known classes.
    """
    tops = [base]
    while not any(node.photos for node in tops):
        tops = [child for node in tops for child in node.bearing]
        if not tops or any(node.photos or not node.bearing for node in tops):
            return
        parts = tuple(Part(node.path) for node in tops)
        such = f"as the same classes in each of {some(f'{node.shown}/' for node in tops)}"
        yield Sides(base.path, "classes", parts, 0, such, CLASSES, "so the classes are known")


def _unknown(labels: Set[str], known: Set[str]) -> tuple[int, int]:
    """Count the labels of which not even the last level is known, and those that are not known as they are."""
    last = {name.rpartition("/")[2] for name in known}
    return sum(label.rpartition("/")[2] not in last for label in labels) if labels else 1, len(labels - known)


def _both(root: Path, best: Sequence[Sides]) -> str:
    each = "; ".join(f"{sides.words}: {sides.mend}" for sides in best)
    why = f" ({best[0].because})" if best[0].because else ""
    return f"{root} can be read in {len(best)} ways{why}: {each}; give the flag of one, or change the folders"


def _reading(tree: Tree, sides: Sides, depth: Depth) -> Reading:
    photos = [name for node in over(tree, sides.parts) for name in _photos(tree, node.index, node.path)]
    beside_it = [f"{node.path}/" for node in beside(tree, sides.parts)]
    ignored = (*beside_it, *(photos if sides.layout == "splits" else ()))
    reasons = {
        "inside": "it is all that the folder holds" if sides.inside else "the folder itself holds the classes",
        "layout": sides.because,
        "depth": depth.because,
        "group_by": depth.because if depth.group_by == "parent" else "no products",
    }
    sentence = _sentence(tree, sides, depth)
    return Reading(sides.inside, sides.layout, sides.parts, depth.depth, depth.group_by, ignored, sentence, reasons)


def _photos(tree: Tree, index: int, path: str) -> list[str]:
    names = tree.names.filter(pc.equal(tree.places, index)).to_pylist()
    return [f"{path}/{name}" if path else name for name in names if name.lower().endswith(PHOTO_SUFFIXES)]


def _sentence(tree: Tree, sides: Sides, depth: Depth) -> str:
    where = _where(sides)
    if depth.words:
        classes = count(len(Leaves(tree, sides).labels(depth.depth)), "class", "classes")
        return f"{where}, {classes} {depth.words}"
    return where if depth.depth is None else f"{where}, {count(depth.depth, 'level')} of them the class"


def _where(sides: Sides) -> str:
    if sides.layout == "classes":
        if len(sides.parts) > 1:
            return f"class folders in each of {some(f'{printable(part.folder)}/' for part in sides.parts)}, no splits"
        inside = f" in {printable(sides.inside)}/" if sides.inside else ""
        return f"class folders{inside}, no splits"
    if any(part.above for part in sides.parts):
        first = sides.parts[0].above
        here = [part for part in sides.parts if part.above == first]
        return "splits in every class folder, " + some(_as_split(f"*/{_last(part)}", part) for part in here)
    return "class folders in splits, " + some(_as_split(printable(part.folder), part) for part in sides.parts)


def _as_split(name: str, part: Part) -> str:
    return f"{name}/" if _last(part) == part.split else f"{name}/ for {part.split}"


def _last(part: Part) -> str:
    return printable(part.folder.rpartition("/")[2])


def split_like(tree: Tree, reading: Reading) -> list[str]:
    """Return a note where folders named like sides are read as classes, train among them."""
    base = tree.node(reading.inside)
    named = [child.name for child in base.children if side_of(child.name)] if base else []
    if reading.layout == "splits" or not any(side_of(name) == "train" for name in named):
        return []
    verb = "is" if len(named) == 1 else "are"
    return [
        f"{some(map(printable, named))} in {tree.root / reading.inside} {verb} read as class names, not as splits: "
        "--data.layout splits or --data.layout classes settles it"
    ]
