"""A taxonomy beside the photos: a CSV of child,parent, by which the label `Apple` becomes the path `Fruit/Apple`."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from visionft.classes import normalise
from visionft.data.sources.listing import Listing
from visionft.errors import DataError
from visionft.files.safe_open import UnreadableError, read_bytes
from visionft.photos import printable
from visionft.wording.did_you_mean import did_you_mean
from visionft.wording.lists import count, some

CHILD, PARENT = "child", "parent"
BETWEEN = "/"
MOST_BYTES = 64_000_000
"""Of the file: more than a million nodes."""


def placed(listing: Listing, file: Path, known: Sequence[str] | None) -> Listing:
    """Give every label its path in a taxonomy.

    Args:
        listing: what was read; a label that is a node becomes its path, and one that is a known path stays.
        file: the CSV; see `read_taxonomy`.
        known: classes of a run that the photos are only measured with.

    Raises:
        DataError: the file is no taxonomy, or a label is no node of it.
    """
    if known is not None and set(listing.table["label"].unique().to_pylist()) <= set(known):
        return listing  # the file may be gone by now, and nothing is asked of it
    paths = read_taxonomy(file) if known is None or file.exists() else _by_last_level(known)
    kept = {*paths.values(), *(known or ())}
    labels = [label for label in listing.table["label"].unique().to_pylist() if label not in kept]
    strange = sorted(label for label in labels if normalise(label) not in paths)
    if strange and not file.exists():
        read_taxonomy(file)  # says that it is gone, which a bundle elsewhere does without for the nodes that it knows
    if strange:
        several = len(strange) > 1
        raise DataError(
            f"the {'labels' if several else 'label'} {some([repr(printable(label)) for label in strange])} "
            f"{'are' if several else 'is'} no node of the taxonomy {file} with its {count(len(paths), 'node')}"
            f"{did_you_mean(strange[0], list(paths))}: add a line {CHILD},{PARENT} for "
            f"{'each' if several else 'it'}, or mend the label"
        )
    if not labels:
        return listing
    place = pc.index_in(listing.table["label"], value_set=pa.array(labels, pa.string()))
    found = pa.array([paths[normalise(label)] for label in labels], pa.string()).take(place.combine_chunks())
    column = pc.coalesce(found, listing.table["label"].combine_chunks())
    return replace(listing, table=listing.table.set_column(listing.table.column_names.index("label"), "label", column))


def _by_last_level(known: Sequence[str]) -> dict[str, str]:
    """Return the path of every node of a run that is the only one to end in its name."""
    last = [name.rpartition(BETWEEN)[2] for name in known]
    ends = Counter(last)
    return {end: name for end, name in zip(last, known, strict=True) if ends[end] == 1}


def read_taxonomy(file: Path) -> dict[str, str]:
    """Return the path of every node by its name, of a CSV with the columns child and parent.

    A node whose parent is empty, or that is a parent alone, is at the top.

    Raises:
        DataError: it cannot be read, a line is none of the kind, a node has two parents or lies below itself.
    """
    parents = dict[str, str]()
    for number, child, parent in _lines(file):
        if parents.get(child, parent) != parent:
            raise DataError(
                f"{file} gives {printable(child)!r} the parents {printable(parents[child])!r} and "
                f"{printable(parent)!r} (line {number:,}): a taxonomy is a tree, so keep one"
            )
        parents[child] = parent
    for parent in list(parents.values()):
        if parent:
            parents.setdefault(parent, "")
    return {name: BETWEEN.join(_line_of(file, name, parents)) for name in parents}


def _line_of(file: Path, name: str, parents: Mapping[str, str]) -> list[str]:
    """Return the names from the top down to one."""
    found = [name]
    while above := parents[found[-1]]:
        if above in found:
            raise DataError(
                f"{file} has {printable(above)!r} below itself ({' in '.join(map(printable, found))}): mend one of "
                "these lines, as a taxonomy is a tree"
            )
        found.append(above)
    return found[::-1]


def _lines(file: Path) -> list[tuple[int, str, str]]:
    """Return number, child and parent of every line that holds something."""
    rows = _rows(file)
    header = [name.strip().lower() for name in rows[0][1]] if rows else []
    if not {CHILD, PARENT} <= set(header):
        told = f"has the columns {some(header)}" if header else "is empty"
        raise DataError(f"the taxonomy {file} {told}: give it a header {CHILD},{PARENT}, and a line for each node")
    places, found = (header.index(CHILD), header.index(PARENT)), []
    for number, row in rows[1:]:
        child, parent = (normalise(row[at].strip()) if at < len(row) else "" for at in places)
        odd = next((name for name in (child, parent) if BETWEEN in name), None)
        if odd is not None or not child:
            what = f"the name {printable(odd)!r}, with a {BETWEEN!r}" if odd else "no child"
            raise DataError(
                f"line {number:,} of the taxonomy {file} has {what}: give each node one name, and its parent beside it"
            )
        found.append((number, child, parent))
    if not found:
        raise DataError(f"the taxonomy {file} has no line below its header: give one {CHILD},{PARENT} for each node")
    return found


def _rows(file: Path) -> list[tuple[int, list[str]]]:
    try:
        text = read_bytes(file, MOST_BYTES).decode("utf-8-sig")
        reader = csv.reader(text.splitlines(), strict=True, skipinitialspace=True)
        return [(reader.line_num, row) for row in reader if any(field.strip() for field in row)]
    except UnreadableError as error:
        raise DataError(
            f"the taxonomy {file} cannot be read ({error.reason}): give a CSV with the columns {CHILD},{PARENT}"
        ) from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"the taxonomy {file} cannot be read as CSV in UTF-8 ({error}): save it so") from error
