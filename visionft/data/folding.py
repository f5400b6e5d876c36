"""One class under two paths: `Vegetable/Kiwi` in train, `Vegetable/Fruit/Kiwi` in test, as real catalogues have it."""

from __future__ import annotations

from collections.abc import Iterable

import pyarrow as pa
import pyarrow.compute as pc


def fold(table: pa.Table, known: Iterable[str]) -> tuple[pa.Table, list[str]]:
    """Rename labels that are a known class but for levels in between, with a note for each.

    A label outside `known` is a known class where both end alike, one's levels are among the other's in the same order,
    no second class fits, and no split has photos under both paths. Others are left as they are.

    Args:
        table: Columns label and split (nullable), among others.
        known: The classes that the labels are to be found in.
    """
    names, notes = sorted(known), []
    present = table["label"].unique().to_pylist()
    twins = {label: _twins(label, names) for label in sorted(set(present) - set(names))}
    chosen = [found[0] for found in twins.values() if len(found) == 1]
    for label, found in twins.items():
        if len(found) != 1 or chosen.count(found[0]) > 1 or _meet(table, label, found[0]):
            continue
        renamed = pc.if_else(pc.equal(table["label"], label), found[0], table["label"])
        table = table.set_column(table.column_names.index("label"), "label", renamed)
        notes.append(f"the folder {label} is read as the class {found[0]}, whose path only differs in between")
    return table, notes


def _twins(label: str, names: list[str]) -> list[str]:
    levels = label.split("/")
    return [
        name
        for name in names
        if name.rsplit("/", 1)[-1] == levels[-1]
        and (_within(name.split("/"), levels) or _within(levels, name.split("/")))
    ]


def _within(short: list[str], long: list[str]) -> bool:
    """Tell whether the levels of `short` come in `long`, in order."""
    rest = iter(long)
    return all(level in rest for level in short)


def _meet(table: pa.Table, label: str, twin: str) -> bool:
    """Tell whether a split has photos under both labels."""
    splits = [set(table["split"].filter(pc.equal(table["label"], name)).unique().to_pylist()) for name in (label, twin)]
    return bool(splits[0] & splits[1])
