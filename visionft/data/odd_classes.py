"""Sets of class names that are seldom meant: one note, before anything is trained, with the way to mend each."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from shlex import quote

from visionft.errors import DataError
from visionft.photos import IGNORED_FOLDERS, printable, steers
from visionft.tasks.registry import suited
from visionft.wording.lists import some

SHOWN = 3
_MISSING = frozenset({"nan", "none", "null", "na", "n/a", "nil", "undefined", "nat", "<na>", "#n/a", "unnamed"})
_SYSTEMS = frozenset(
    {name.casefold() for name in IGNORED_FOLDERS}
    | {"system volume information", "found.000", "node_modules", "new folder", "untitled folder", "thumbnails"}
)
_FORMULA = ("=", "+", "-", "@")
_COPY = re.compile(r"( - copy( \(\d+\))?| copy( \d+)?| \(\d+\))$", re.IGNORECASE)
_NUMBER = re.compile(r"[+-]?\d+(\.\d*)?")


def refuse_unprintable(photos: Path, names: Iterable[str]) -> None:
    """Refuse class names that would break lines or steer a terminal, wherever they are printed or written.

    Raises:
        DataError: names the first of them.
    """
    bad = sorted(name for name in names if steers(name))
    if bad:
        where = "rename the folder" if photos.is_dir() else "mend the label"
        raise DataError(
            f"{printable(photos)} has a class whose name holds a line break or another control character "
            f"('{printable(bad[0])}'): {where}"
        )


@dataclass(frozen=True)
class Place:
    """Where class names stand, for the words that say how to mend them.

    Attributes:
        folder: the folder that holds the class folders; None: they lie in several (sides), or in none.
        in_folders: whether they are names of folders, and not labels of a manifest.
    """

    folder: Path | None
    in_folders: bool

    def merge(self, names: Sequence[str]) -> str:
        """Return how several classes become the last of them."""
        if not self.in_folders:
            return f"give them the label {_quoted(names[-1:])}"
        if self.folder is None:
            return f"give their folders the name {_quoted(names[-1:])} in every split"
        *sources, target = (quote(str(self.folder / name)) for name in names)
        return f"mv -n {' '.join(f'{source}/*' for source in sources)} {target}/"


def odd_notes(place: Place, names: Iterable[str], *, nested: bool = False) -> list[str]:
    """Return one note on distinct class names that are seldom meant, each kind with the way to mend it; or none.

    Args:
        place: where they stand.
        names: of the classes.
        nested: whether one is meant to lie within another.
    """
    every = sorted(names)
    told = [words for kind in (_OF_NODES if nested else _KINDS) for words in kind(place, every)]
    return [f"odd classes: {'; '.join(told)}"] if told else []


def _spellings(place: Place, names: Sequence[str]) -> list[str]:
    return [
        f"{_quoted(group)} differ in case, blanks or signs alone: if they are one class, {place.merge(group)}"
        for group in _groups([name for name in names if not _NUMBER.fullmatch(name)], _plain)[:SHOWN]
    ]


def _numbers_alike(place: Place, names: Sequence[str]) -> list[str]:
    return [
        f"{_quoted(group)} are one number: if they are one class, {place.merge(group)}"
        for group in _groups([name for name in names if _NUMBER.fullmatch(name)], lambda name: str(float(name)))[:SHOWN]
    ]


def _plurals(place: Place, names: Sequence[str]) -> list[str]:
    return [
        f"{_quoted(group)} are singular and plural: if they are one class, {place.merge(group)}"
        for group in _groups(names, _singular)[:SHOWN]
        if len({_plain(name) for name in group}) > 1
    ]


def _copies(place: Place, names: Sequence[str]) -> list[str]:
    known = set(names)
    pairs = [(name, _COPY.sub("", name)) for name in names if _COPY.search(name) and _COPY.sub("", name) in known]
    return [
        f"{_quoted([copy])} looks like a copy of {_quoted([name])}: if they are one class, {place.merge([copy, name])}"
        for copy, name in pairs[:SHOWN]
    ]


def _blanks(place: Place, names: Sequence[str]) -> list[str]:  # noqa: ARG001  # as every kind
    found = [name for name in names if any(level != level.strip() for level in name.split("/"))]
    return [f"{_quoted(found)} begin or end with a blank: rename without it"] if found else []


def _missing(place: Place, names: Sequence[str]) -> list[str]:
    found = [name for name in names if _last(name).casefold() in _MISSING]
    mend = "move those photos out" if place.in_folders else "empty those labels"
    return [f"{_quoted(found)} read like a value that is missing: if it is no class, {mend}"] if found else []


def _parents(place: Place, names: Sequence[str]) -> list[str]:
    above = {"/".join(levels[:n]) for levels in (name.split("/") for name in names) for n in range(1, len(levels))}
    found = [name for name in names if name in above]
    if not found:
        return []
    child = next(name for name in names if name.startswith(f"{found[0]}/"))
    mend = "add --data.depth 1" if place.in_folders else "give them one label"
    return [f"{_quoted([found[0], child])} are classes of their own, one within the other: to merge them, {mend}"]


def _order(place: Place, names: Sequence[str]) -> list[str]:  # noqa: ARG001  # as every kind
    if not all(re.fullmatch(r"\d+", name) for name in names):
        return []
    moved = [(name, index) for index, name in enumerate(names) if int(name) != index]
    if not moved:
        return []
    name, index = moved[0]
    return [
        f"names are numbers, but indices follow their order as text: class {name!r} has index {index}; use the names "
        "(classes.json), or pad them with zeros from 0 on"
    ]


def _systems(place: Place, names: Sequence[str]) -> list[str]:  # noqa: ARG001  # as every kind
    found = [name for name in names if any(level.casefold() in _SYSTEMS for level in name.split("/"))]
    return [f"{_quoted(found)} are names that a system gives: if they are no classes, move them out"] if found else []


def _formulas(place: Place, names: Sequence[str]) -> list[str]:  # noqa: ARG001  # as every kind
    found = [name for name in names if name.startswith(_FORMULA)]
    return [f"{_quoted(found)} would be computed by a spreadsheet: rename without the first sign"] if found else []


def other_task(place: Place, names: Sequence[str]) -> list[str]:
    """Return what says which other task labels of a manifest look like; or nothing."""
    return [] if place.in_folders else suited(names)


_KINDS: tuple[Callable[[Place, Sequence[str]], list[str]], ...] = (
    other_task, _spellings, _numbers_alike, _plurals, _copies, _blanks, _missing, _parents, _order, _systems, _formulas,
)  # fmt: skip
_OF_NODES = (_spellings, _plurals, _copies, _missing, _systems, _formulas)


def _groups(names: Iterable[str], key: Callable[[str], str]) -> list[list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for name in names:
        found[key(name)].append(name)
    return [group for group in found.values() if len(group) > 1]


def _plain(name: str) -> str:
    """Return what is left of a name without case, blanks, hyphens and signs that cannot be seen."""
    text = unicodedata.normalize("NFKC", name).casefold()
    kept = "".join(
        sign for sign in text if sign in "/.+&#" or not unicodedata.category(sign).startswith(("Z", "P", "C"))
    )
    return kept or text


def _singular(name: str) -> str:
    plain = _plain(name)
    for ending, stem in (("ies", "y"), ("sses", "ss"), ("shes", "sh"), ("ches", "ch"), ("xes", "x"), ("s", "")):
        if plain.endswith(ending) and not plain.endswith("ss") and len(plain) > len(ending) + 1:
            return plain.removesuffix(ending) + stem
    return plain


def _quoted(names: Sequence[str]) -> str:
    return some([f"'{name}'" for name in names], SHOWN)


def _last(name: str) -> str:
    return name.rpartition("/")[2].strip()
