"""Sets of labels as text, `cotton|red|?worn`: what a photo has, and after a question mark what nobody knows of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

SEPARATOR = "|"
UNSURE = "?"
UNKNOWN = -1
"""The entry of a label that may be there or not, beside 1 and 0."""


@dataclass(frozen=True)
class LabelSet:
    """What is known of one photo; it has none of the labels that are not named.

    Attributes:
        has: labels that it has.
        unknown: labels that it may have or not.
    """

    has: frozenset[str]
    unknown: frozenset[str] = frozenset()

    @classmethod
    def parse(cls, text: str) -> LabelSet:
        """Read labels between `|`; ValueError says in a few words why a text is none."""
        if not text.strip():
            return cls(frozenset())
        parts = [part.strip() for part in text.split(SEPARATOR)]
        unknown = frozenset(part.removeprefix(UNSURE).strip() for part in parts if part.startswith(UNSURE))
        has = frozenset(part for part in parts if not part.startswith(UNSURE))
        if "" in has | unknown:
            raise ValueError(f"nothing stands beside one of its {SEPARATOR!r} or {UNSURE!r}")
        if both := sorted(has & unknown):
            raise ValueError(f"it both has {both[0]!r} and does not know it")
        if odd := sorted(name for name in unknown if name.startswith(UNSURE)):
            raise ValueError(f"{odd[0]!r} begins with {UNSURE!r}, which says that a label is unknown")
        return cls(has, unknown)

    @property
    def names(self) -> frozenset[str]:
        """All labels that are named."""
        return self.has | self.unknown

    def __str__(self) -> str:
        return SEPARATOR.join([*sorted(self.has), *(UNSURE + name for name in sorted(self.unknown))])


def parsed(texts: Iterable[str]) -> dict[str, LabelSet]:
    """Return the sets of distinct texts, which are sound."""
    return {text: LabelSet.parse(text) for text in texts}


def matrix(texts: pa.ChunkedArray, names: Sequence[str]) -> NDArray[np.int8]:
    """Return (n, C) entries of n texts: 1 has the label, 0 lacks it, -1 nobody knows.

    Raises:
        KeyError: a label is not among the names.
    """
    coded = pa.chunked_array(texts, pa.string()).combine_chunks().dictionary_encode()
    if isinstance(coded, pa.ChunkedArray):  # of no chunk at all
        return np.zeros((0, len(names)), np.int8)
    place = {name: index for index, name in enumerate(names)}
    rows = np.zeros((len(coded.dictionary), len(names)), np.int8)
    for row, text in zip(rows, coded.dictionary.to_pylist(), strict=True):
        found = LabelSet.parse(text)
        row[[place[name] for name in sorted(found.has)]] = 1
        row[[place[name] for name in sorted(found.unknown)]] = UNKNOWN
    return np.asarray(rows[coded.indices.to_numpy(zero_copy_only=False)], np.int8)


def texts_of(entries: NDArray[np.integer], names: Sequence[str]) -> list[str]:
    """Return entries (n, C) of 1, 0 and -1 as texts."""
    return [
        str(LabelSet(frozenset(_named(row == 1, names)), frozenset(_named(row == UNKNOWN, names)))) for row in entries
    ]


def _named(chosen: NDArray[np.bool_], names: Sequence[str]) -> list[str]:
    return [names[index] for index in np.flatnonzero(chosen).tolist()]
