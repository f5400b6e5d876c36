"""One class under two paths: `Vegetable/Kiwi` in train, `Vegetable/Fruit/Kiwi` in test, as real catalogues have it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import pyarrow as pa
import pyarrow.compute as pc

from visionft.wording.lists import SHOWN, some


def fold(table: pa.Table, known: Iterable[str]) -> tuple[pa.Table, list[str]]:
    """Rename labels that are a known class but for levels in between, with a note for each; many share one.

    A label outside `known` is a known class where both end alike, one's levels are among the other's in the same order,
    no second class fits, and no split has photos under both paths. Others are left as they are.

    Args:
        table: Columns label and split (nullable), among others.
        known: The classes that the labels are to be found in.
    """
    names = set(known)
    present = table["label"].unique().to_pylist()
    twins = _twins(sorted(set(present) - names), names)
    chosen, splits = Counter(found[0] for found in twins.values() if len(found) == 1), _splits(table)
    renamed = {
        label: found[0]
        for label, found in twins.items()
        if len(found) == 1 and chosen[found[0]] == 1 and not splits[label] & splits.get(found[0], set())
    }
    if not renamed:
        return table, []
    old, new = (pa.array(labels, pa.string()) for labels in (renamed.keys(), renamed.values()))
    place = pc.index_in(table["label"], value_set=old)
    labels = pc.coalesce(new.take(place.combine_chunks()), table["label"].combine_chunks())
    return table.set_column(table.column_names.index("label"), "label", labels), _notes(renamed)


def _notes(renamed: dict[str, str]) -> list[str]:
    if len(renamed) <= SHOWN:
        return [
            f"the folder {a} is read as the class {b}, whose path only differs in between" for a, b in renamed.items()
        ]
    shown = some(f"{a} as {b}" for a, b in renamed.items())
    return [f"{len(renamed):,} folders are read as classes whose paths only differ in between: {shown}"]


def _twins(labels: list[str], names: Iterable[str]) -> dict[str, list[str]]:
    """Return label -> the names that end as it does, its levels among theirs or theirs among its."""
    ending: dict[str, list[str]] = {}
    for name in sorted(names):
        ending.setdefault(name.rsplit("/", 1)[-1], []).append(name)
    return {
        label: [name for name in ending.get(label.rsplit("/", 1)[-1], []) if _alike(label, name)] for label in labels
    }


def _alike(label: str, name: str) -> bool:
    a, b = label.split("/"), name.split("/")
    return _within(a, b) or _within(b, a)


def _splits(table: pa.Table) -> dict[str, set[str | None]]:
    """Return label -> the splits that have photos under it."""
    found: dict[str, set[str | None]] = {}
    for row in table.group_by(["label", "split"]).aggregate([]).to_pylist():
        found.setdefault(row["label"], set()).add(row["split"])
    return found


def _within(short: list[str], long: list[str]) -> bool:
    """Tell whether the levels of `short` come in `long`, in order."""
    rest = iter(long)
    return all(level in rest for level in short)
