"""A small picture of photos as they were read: classes by splits, with counts, however many there are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from visionft.photos import printable

LONGEST = 10  # classes that are all shown
ENDS = 4  # else the largest and the smallest
WIDTH = 40  # signs of a name; the end tells classes of one parent apart


def picture(counts: Mapping[str, Mapping[str, int]]) -> list[str]:
    """Return at most 12 lines: a header, a line for each class or for the largest and the smallest, the sums.

    Args:
        counts: split -> class -> photos; splits without a photo are left out.
    """
    splits = [split for split, classes in counts.items() if sum(classes.values())]
    names = sorted({name for split in splits for name in counts[split]})
    row = {name: [counts[split].get(name, 0) for split in splits] for name in names}
    rows = [(_short(name), row[name]) for name in names]
    if len(names) > LONGEST:
        order = sorted(names, key=lambda name: (-sum(row[name]), name))
        middle = [row[name] for name in order[ENDS:-ENDS]]
        rows = [(_short(name), row[name]) for name in order[:ENDS]]
        rows += [(f"... {len(middle):,} more", _sums(middle, len(splits)))]
        rows += [(_short(name), row[name]) for name in order[-ENDS:]]
    rows = [*rows, ("in all", _sums(list(row.values()), len(splits)))]
    return _aligned(["class", *splits], [[name, *(f"{n:,}" for n in numbers)] for name, numbers in rows])


def _sums(rows: Sequence[Sequence[int]], width: int) -> list[int]:
    return [sum(row[column] for row in rows) for column in range(width)]


def _short(name: str) -> str:
    shown = printable(name)
    return shown if len(shown) <= WIDTH else f"...{shown[3 - WIDTH :]}"


def _aligned(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    return [
        "  " + "  ".join([row[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(row[1:], widths[1:], strict=True))])
        for row in (head, *rows)
    ]
