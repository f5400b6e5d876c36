"""Class names, their order and their hash: the first contract."""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import overload


def normalise(name: str) -> str:
    """Return the class name in Unicode form NFC, so that one name has one spelling on every file system."""
    return unicodedata.normalize("NFC", name)


@dataclass(frozen=True)
class Classes(Sequence[str]):
    """The classes of a run in plain string order; a class's index is its place here, whatever a split lacks.

    Attributes:
        names: (C,) distinct names in NFC and plain string order; a nested folder gives `Fruit/Apple/Granny-Smith`.
    """

    names: tuple[str, ...]
    _indices: dict[str, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if list(self.names) != sorted({normalise(name) for name in self.names}):
            raise ValueError("class names must be distinct, in NFC and in plain string order; use Classes.of(names)")
        if broken := next((name for name in self.names if "\n" in name or "\r" in name), None):
            # The hash joins names by line breaks: with one inside, two sets of names would have one hash.
            raise ValueError(f"the class name {broken!r} holds a line break: class names are one line each")
        object.__setattr__(self, "_indices", {name: i for i, name in enumerate(self.names)})

    @classmethod
    def of(cls, names: Iterable[str]) -> Classes:
        """Build from any names: normalised, made distinct and sorted."""
        return cls(tuple(sorted({normalise(name) for name in names})))

    @cached_property
    def hash(self) -> str:
        """SHA-256 over the names in order, in hexadecimal: equal hashes mean equal indices."""
        return hashlib.sha256("\n".join(self.names).encode()).hexdigest()

    def index(self, name: str, *_: int) -> int:  # the bounds of Sequence.index have no use here
        """Return the index of a class name; KeyError if it is unknown."""
        return self._indices[normalise(name)]

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and normalise(name) in self._indices

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __len__(self) -> int:
        return len(self.names)

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[str, ...]: ...
    def __getitem__(self, index: int | slice) -> str | tuple[str, ...]:
        return self.names[index]
