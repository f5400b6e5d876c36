"""What a sweep varies: `lr=1e-4..1e-2,method=full,lora,seed=0..4` as dimensions over the settings of fit."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from visionft.errors import SettingsError
from visionft.settings import other_names
from visionft.settings.error_messages import shown, unknown
from visionft.settings.fields import Leaf, leaves
from visionft.wording.lists import some

SEED = "seed"
METHOD = "method.name"
DECADES = 100.0
"""High over low from which on a range of real numbers is drawn on a logarithmic scale: two decades."""
MOST_VALUES = 1000
_RANGE = re.compile(r"(.+?)\.\.(.+)")
_NAMED = re.compile(r"\s*(?:--)?([A-Za-z][\w.-]*)\s*=(.*)", re.DOTALL)
_KEPT = ("data.cache", "data.cache_gb")
"""Settings of the photos on which no figure depends."""
_SAME_PHOTOS = ("photos", "task", "apply", "retention", "from_run", "distill", "classes.rename")
Over = str | Mapping[str, Any]


@dataclass(frozen=True)
class Dimension:
    """One setting that is varied: over values, or over a range.

    Attributes:
        path: the setting's dotted path.
        values: as they are written on the command line; empty: a range.
        low: the lower end of a range, which is part of it.
        high: the upper end, which is part of it.
        whole: whether a range holds whole numbers alone.
        log: whether it is drawn on a logarithmic scale.
    """

    path: str
    values: tuple[str, ...] = ()
    low: float = 0.0
    high: float = 0.0
    whole: bool = False
    log: bool = False

    @property
    def finite(self) -> bool:
        """Whether it has a finite number of values."""
        return bool(self.values) or self.whole

    @property
    def size(self) -> int:
        """The number of its values; of a finite one alone."""
        return len(self.values) or int(self.high) - int(self.low) + 1

    @property
    def name(self) -> str:
        """The setting as people write it: `method`, `optim.lr`."""
        return short(self.path)

    def at(self, place: int) -> str:
        """Return one of its values by its place from 0 on, as it is written; of a finite one alone."""
        return self.values[place] if self.values else str(int(self.low) + place)

    def written(self, drawn: float | str) -> str:
        """Return a drawn value as it is written: a real number with four digits, never outside its range."""
        if isinstance(drawn, str) or self.whole:
            return str(drawn)
        return repr(min(self.high, max(self.low, float(f"{drawn:.4g}"))))

    @property
    def tried(self) -> tuple[str, ...]:
        """What has to be a possible value of the setting: each value, or both ends."""
        if self.values:
            return self.values
        ends = (int(self.low), int(self.high)) if self.whole else (self.low, self.high)
        return tuple(map(str, ends))

    def __str__(self) -> str:
        said = ",".join(self.values) or "..".join(self.tried)
        return f"{self.name}={said}"


def dimensions(over: Over) -> tuple[Dimension, ...]:
    """Read what is varied.

    Args:
        over: `lr=1e-4..1e-2,method=full,lora`: commas part values and settings alike, as each setting begins with its
            name and `=`. Or a mapping from settings to a range as text, or to a list (or a Python `range`) of values.

    Raises:
        SettingsError: a setting is unknown, cannot be varied or comes twice; or a range or a value is none.
    """
    faults: list[str] = []
    found: dict[str, Dimension] = {}
    given = _pairs(over) if isinstance(over, str) else [(str(name), _words(value)) for name, value in over.items()]
    for name, words in given:
        try:
            dimension = _dimension(name, words)
        except SettingsError as error:
            faults += error.faults
            continue
        if dimension.path in found:
            faults.append(f"--over: {name} is given twice; give each setting once, with all of its values")
        found[dimension.path] = dimension
    if faults:
        raise SettingsError(faults)
    if not found:
        raise SettingsError(
            ["--over names no setting; give one such as --over lr=1e-4..1e-2 or --over method=full,lora"]
        )
    return tuple(sorted(found.values(), key=lambda one: (one.path != METHOD, one.path == SEED)))


def short(path: str) -> str:
    """Return a setting as people write it."""
    return leaves()[path].flag.removeprefix("--").removesuffix(".name")


def _pairs(text: str) -> list[tuple[str, list[str]]]:
    """Part a text at its commas: a piece with `name=` begins a setting, any other is one more value of it."""
    found: list[tuple[str, list[str]]] = []
    for piece in text.split(","):
        if named := _NAMED.fullmatch(piece):
            found.append((named[1], [named[2].strip()]))
        elif found:
            found[-1][1].append(piece.strip())
        elif piece.strip():
            raise SettingsError([f"--over: {shown(piece)} has no name; give settings such as lr=1e-4..1e-2"])
    return found


def _words(value: Any) -> list[str]:
    if isinstance(value, str):
        return [word.strip() for word in value.split(",")]
    if isinstance(value, Iterable) and not isinstance(value, Mapping):
        return [str(one).lower() if isinstance(one, bool) or one is None else str(one) for one in value]
    return [str(value)]


def _dimension(name: str, words: list[str]) -> Dimension:
    leaf = _leaf(name)
    if any(not word for word in words):
        raise SettingsError([f"--over: {name} has an empty value; give values such as {name}=a,b"])
    numeric = any(kind in leaf.types for kind in (int, float))
    ranges = [word for word in words if numeric and _RANGE.fullmatch(word)]
    if ranges and len(words) > 1:
        raise SettingsError([f"--over: {name} has the range {ranges[0]} beside other values; give a range or values"])
    if ranges:
        return _range(name, leaf, ranges[0])
    if len(words) == 1:
        flag = leaf.flag.removesuffix(".name")
        raise SettingsError([f"--over: {name} has one value; give several, or {flag} {words[0]} beside --over"])
    if twice := next((word for word in words if words.count(word) > 1), None):
        raise SettingsError([f"--over: {name} has the value {shown(twice)} twice; give it once"])
    return _bounded(name, Dimension(leaf.path, tuple(words)))


def _range(name: str, leaf: Leaf, word: str) -> Dimension:
    whole = float not in leaf.types
    kind, called = (int, "whole number") if whole else (float, "number")
    ends = []
    for end in _RANGE.fullmatch(word).groups():  # type: ignore[union-attr]  # it was looked at by the caller
        try:
            ends.append(kind(end))
        except ValueError:
            example = "1..5" if whole else "1e-4..1e-2"
            fault = f"--over: {name}={word}: {shown(end)} is no {called}; give a range such as {name}={example}"
            raise SettingsError([fault]) from None
    low, high = ends
    if not -1e300 < low < high < 1e300:
        raise SettingsError([f"--over: {name}={word} is no range; give the smaller end first, then the larger one"])
    log = not whole and low > 0 and high / low >= DECADES * (1 - 1e-9)
    found = Dimension(leaf.path, (), low, high, whole, log)
    if leaf.path == SEED:  # every settings meets every seed, so they are values
        return _bounded(name, Dimension(SEED, tuple(map(str, range(int(low), int(high) + 1))) if _few(found) else ()))
    return found


def _few(dimension: Dimension) -> bool:
    return dimension.size <= MOST_VALUES


def _bounded(name: str, dimension: Dimension) -> Dimension:
    if not 0 < len(dimension.values) <= MOST_VALUES:
        raise SettingsError([f"--over: {name} has more than {MOST_VALUES:,} values; give fewer"])
    return dimension


def _leaf(name: str) -> Leaf:
    """Return the setting that a name means: its own, one that other tools have, or the last part of its own."""
    plain = other_names.plain(name)
    path = {"method": METHOD, "from": "from_run"}.get(plain, plain)
    if path not in leaves():
        ending = [other for other in leaves() if other.rpartition(".")[2] == plain]
        if len(ending) > 1 and plain not in other_names.SAME:
            raise SettingsError([f"--over: {name} ends the names of {some(map(short, ending))}; give a whole one"])
        path = other_names.SAME.get(plain) or (ending[0] if ending else path)
    leaf = leaves().get(path)
    if leaf is None:
        raise SettingsError([unknown(path, lambda _: f"--over {name}")])
    if path == "out":
        raise SettingsError(["--over: out is the folder of one run; each trial has its own below --out"])
    if path in _SAME_PHOTOS or (path.startswith("data.") and path not in _KEPT):
        raise SettingsError([
            f"--over: {name} decides on which photos the score is measured, and scores on different photos cannot be "
            f"compared; give {leaf.flag} beside --over, for all trials"
        ])  # fmt: skip
    if leaf.compound:
        raise SettingsError([f"--over: {name} takes a list, which has no place between commas; give it beside --over"])
    return leaf
