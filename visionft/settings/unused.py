"""What was given held against what has an effect: each setting that would do nothing is one sentence."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

from pydantic import BaseModel

from visionft.files.paths import unreachable
from visionft.settings.error_messages import shown
from visionft.settings.fields import Leaf, leaves
from visionft.settings.fit import FitSettings
from visionft.settings.obstacles import obstacle

Tree = Mapping[str, Any]
Label = Callable[[str], str]
_RESOLVED = (
    "backbone", "epochs", "optim.lr", "optim.batch_size", "optim.ema", "hardware.device", "hardware.threads",
    "hardware.workers",
)  # fmt: skip
"""What every run writes resolved into its settings.yaml."""


def without_effect(settings: BaseModel, given: Tree, below: Tree, label: Label) -> dict[str, str]:
    """Return one sentence for each setting that was given and has no effect, by its dotted path.

    Args:
        settings: the whole settings.
        given: what was given one by one, as flags: it wants an effect unless its value asks for nothing.
        below: what lies beneath, such as a YAML file, which may be complete: there a setting wants an effect if it
            differs from its default too. The settings.yaml of a run wants none: it says what was, not what is asked.
        label: turns a dotted path into the name by which it was given.
    """
    below = {} if is_record(below) else below
    return {
        leaf.path: f"{label(leaf.path)}: {shown(value)} has no effect, as {found.why}; leave it out, or {found.remedy}"
        for leaf, value in _asking(settings, given, below)
        if (found := obstacle(leaf.applies, settings)) is not None
    }


def obstructed(settings: FitSettings, paths: Collection[str]) -> list[str]:
    """Return those of the named settings that have no effect under these settings."""
    found = (leaves()[path] for path in paths if path in leaves())
    return [
        leaf.path
        for leaf in found
        if (leaf.owners and settings.method.name not in leaf.owners) or obstacle(leaf.applies, settings) is not None
    ]


def unreachable_places(settings: FitSettings, given: Tree, below: Tree, label: Label) -> list[str]:
    """Return one sentence for each place that was given and can be none, such as one below a file."""
    tree = {} if is_record(below) else below
    found: list[str] = []
    for leaf in leaves().values():
        if leaf.is_place and (_holds(given, leaf.path) or _holds(tree, leaf.path)):
            value = value_at(settings, leaf.path)
            wrong = None if value in (None, *leaf.choices) else unreachable(value)
            found += [f"{label(leaf.path)}: {wrong}"] if wrong else []
    return found


def is_record(tree: Tree) -> bool:
    """Tell the complete, resolved settings that a run has written from those that somebody asks for."""
    return all(_holds(tree, path) and value_in(tree, path) != "auto" for path in _RESOLVED)


def value_at(settings: BaseModel, path: str) -> Any:
    """Return the value of a dotted setting; None where the method has no such setting."""
    node: Any = settings
    for part in path.split("."):
        node = getattr(node, part, None)
    return node


def value_in(tree: Tree, path: str) -> Any:
    """Return the value at a dotted path of nested mappings; KeyError where there is none."""
    node: Any = tree
    for part in path.split("."):
        if not isinstance(node, Mapping):
            raise KeyError(path)
        node = node[part]
    return node


def _holds(tree: Tree, path: str) -> bool:
    try:
        value_in(tree, path)
    except KeyError:
        return False
    return True


def _asking(settings: BaseModel, given: Tree, below: Tree) -> Iterator[tuple[Leaf, Any]]:
    for leaf in leaves(type(settings)).values():
        value, nothing = value_at(settings, leaf.path), leaf.applies.nothing if leaf.applies else ()
        if value in nothing:
            continue
        if _holds(given, leaf.path) or (_holds(below, leaf.path) and value != leaf.default):
            yield leaf, value
