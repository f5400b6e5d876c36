"""How the heads lie in the one list of classes: `colour=red`, each head's classes side by side. Free of torch.

Names in plain string order put all that begin with `colour=` next to one another, as a head's name has no `=`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property, lru_cache
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

EQUALS = "="
"""Stands between a head and its class."""
BETWEEN = "|"
"""Stands between the labels of a photo."""
UNKNOWN = -1
"""The label of a head that nobody knows of a photo."""


def head_of(name: str) -> str:
    """Return the head of a class: of `colour=red` it is `colour`."""
    return name.partition(EQUALS)[0]


class Heads:
    """The classes of H heads, K in all.

    Attributes:
        classes: (K,) such as `colour=red`, in plain string order.
        names: (H,) of the heads, in the order of their classes.
        own: (H) the classes of each head without its name, in index order.

    Raises:
        ValueError: a name has no head.
    """

    def __init__(self, classes: Sequence[str]) -> None:
        self.classes = tuple(classes)
        lacking = next((name for name in self.classes if EQUALS not in name), None)
        if lacking is not None:
            raise ValueError(f"the class {lacking!r} belongs to no head")
        found = {head: tuple(name.partition(EQUALS)[2] for name in own) for head, own in groupby(classes, head_of)}
        self.names = tuple(found)
        self.own = tuple(found.values())

    def __len__(self) -> int:
        return len(self.names)

    @property
    def sizes(self) -> tuple[int, ...]:
        """(H,) classes of each head."""
        return tuple(map(len, self.own))

    @cached_property
    def starts(self) -> NDArray[np.int64]:
        """(H,) place of each head's first class among all."""
        return np.cumsum((0, *self.sizes[:-1]), dtype=np.int64)

    @cached_property
    def slices(self) -> tuple[slice, ...]:
        """(H,) places of each head's classes among all."""
        return tuple(slice(start, start + size) for start, size in zip(self.starts.tolist(), self.sizes, strict=True))

    def parted(self, values: NDArray[np.floating]) -> list[NDArray[np.floating]]:
        """Return the columns of each head of values (n, K): H arrays (n, C)."""
        return [values[:, own] for own in self.slices]

    def best(self, values: NDArray[np.floating]) -> NDArray[np.int64]:
        """Return (n, H) the place of each head's largest value, among its own classes, of values (n, K)."""
        return np.stack([part.argmax(axis=1) for part in self.parted(values)], axis=1).astype(np.int64)

    def texts(self, labels: NDArray[np.integer]) -> list[str]:
        """Return labels (n, H) as text: `colour=red|type=shirt`, without those that nobody knows."""
        return [
            BETWEEN.join(
                f"{head}{EQUALS}{own[at]}" for head, own, at in zip(self.names, self.own, row, strict=True) if at >= 0
            )
            for row in labels.tolist()
        ]

    def encode(self, text: str) -> list[int]:
        """Return (H,) places of a photo's labels, each among its head's own, from text; KeyError where one is none."""
        given = parsed(text)
        if strange := given.keys() - set(self.names):
            raise KeyError(min(strange))
        return [
            places[given[head]] if head in given else UNKNOWN
            for head, places in zip(self.names, self._places, strict=True)
        ]

    @cached_property
    def _places(self) -> tuple[Mapping[str, int], ...]:
        return tuple({name: at for at, name in enumerate(own)} for own in self.own)


def parsed(text: str) -> dict[str, str]:
    """Return the class of each head that a photo's text names."""
    return {head: name for head, _, name in (part.partition(EQUALS) for part in text.split(BETWEEN))}


def named(texts: Iterable[str]) -> list[str]:
    """Return the classes that texts of photos name, in order, each once."""
    return sorted({part for text in texts for part in text.split(BETWEEN)})


@lru_cache(maxsize=8)
def heads_of(classes: tuple[str, ...]) -> Heads:
    """Return the heads of these classes; a server asks for them with every photo."""
    return Heads(classes)
