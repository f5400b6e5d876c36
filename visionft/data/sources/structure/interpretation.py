"""How a tree is read: which folders are sides, which levels make the class, which are products."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

from visionft.classes import normalise
from visionft.data.sources.structure.folder_tree import Node, Tree
from visionft.photos import doubles

Levels = tuple[str, ...]
Grouping = Literal["none", "parent"]


@dataclass(frozen=True)
class Part:
    """A folder whose sub-folders are classes.

    Attributes:
        folder: its path.
        split: the side of its photos; None: sides are to be drawn.
        above: levels of the class that lie above the folder, as in hat/train/photo.jpg.
    """

    folder: str
    split: str | None = None
    above: Levels = ()

    def levels(self, node: Node) -> Levels:
        """Return the levels of the class that a folder in this part is read as; none for the part itself."""
        below = node.path[len(self.folder) :].strip("/")
        return (*self.above, *(below.split("/") if below else ()))


def folders(tree: Tree, parts: Iterable[Part]) -> tuple[list[tuple[Node, Part, Levels]], set[str]]:
    """Return every folder in the parts with its part and the levels of its class, and the paths of doubles among them.

    A double is a real folder under a second name; it is not among the folders.
    """
    tops = [(node, part) for part in parts if (node := tree.node(part.folder))]
    every = [(node, part, part.levels(node)) for top, part in tops for node in top.below()]
    double = doubles(node.folder for node, _, _ in every)
    return [found for found in every if found[0].path not in double], double


@dataclass(frozen=True)
class Sides:
    """A proposal of where the classes lie, and which folders are sides.

    Attributes:
        inside: the folder that is read, "" for the root.
        layout: whether folders are read as sides.
        parts: what is read.
        plausibility: 2 where the tree speaks for it, 1 where it is possible, 0 where it makes no sense.
        words: the reading in a few words, for a refusal.
        mend: the flag or the change that asks for it.
        because: what speaks for it.
    """

    inside: str
    layout: Literal["classes", "splits"]
    parts: tuple[Part, ...]
    plausibility: int
    words: str
    mend: str
    because: str


@dataclass(frozen=True)
class Reading:
    """What a tree was taken for.

    Attributes:
        inside: the folder that was read, "" for the root.
        layout: whether folders are read as sides.
        parts: what is read.
        depth: levels that make the class; None: all.
        group_by: whether the photo's folder is a product.
        ignored: folders and photos beside what is read.
        sentence: the reading in one line.
        reasons: setting -> why it has its value.
    """

    inside: str
    layout: Literal["classes", "splits"]
    parts: tuple[Part, ...]
    depth: int | None
    group_by: Grouping
    ignored: tuple[str, ...] = ()
    sentence: str = ""
    reasons: dict[str, str] = field(default_factory=dict)

    def label(self, levels: Levels) -> str:
        """Return the class name of these levels."""
        return normalise("/".join(levels[: self.depth]))

    def product(self, levels: Levels) -> str | None:
        """Return the product of these levels; a photo directly in its class folder has none."""
        whole = normalise("/".join(levels))
        return whole if self.group_by == "parent" and whole != self.label(levels) else None

    @property
    def choices(self) -> list[tuple[str, Any, str]]:
        """(setting, value, reason) of what was read off the tree; those that were given have their own value here."""
        values = {
            "inside": self.inside or None,
            "layout": self.layout,
            "depth": self.depth,
            "group_by": self.group_by,
        }
        return [(f"data.{name}", value, self.reasons.get(name, "")) for name, value in values.items()]
