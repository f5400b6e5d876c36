from __future__ import annotations

import pyarrow as pa

from visionft.data.splitting.leakage import copies_line


def table(*rows: tuple[str, str, str, int]) -> pa.Table:
    names = ("path", "label", "split", "digest")
    columns = [
        [f"{value:064x}" if isinstance(value, int) else value for value in column] for column in zip(*rows, strict=True)
    ]
    return pa.table(dict(zip(names, columns, strict=True)))


def test_photos_without_copies_need_no_line() -> None:
    assert copies_line(table(("a", "hat", "train", 1), ("b", "hat", "test", 2))) is None


def test_copies_are_counted_with_where_they_lie() -> None:
    rows = [("a", "hat", "train", 1), ("b", "hat", "test", 1), ("c", "cap", "train", 1), ("d", "cap", "train", 2)]
    told = copies_line(table(*rows, ("e", "cap", "train", 2), ("f", "cap", "train", 3)))
    assert told is not None
    assert told.startswith(
        "3 exact copies of 2 photos; 1 picture on several sides and 1 picture under several classes: visionft audit"
    )
