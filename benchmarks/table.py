"""Claim: every method works on every family of timm's models, or says in one sentence that it does not.

python benchmarks/table.py [--only FAMILY ...]     measures the cells that are not measured yet
python benchmarks/table.py --markdown              prints the table of docs/methods.md from what was measured
python benchmarks/table.py --again TENTH           measures a tenth of the cells again; exit 1 where an outcome differs

Random weights, smallest member of each family, small photos, two optimizer steps: see families.py for the members,
checking.py and comparing.py for what is checked. One process, one thread; a cell that breaks is recorded as `failed`.
"""

from __future__ import annotations

import argparse
import sys
import time
import warnings
import zlib
from collections import Counter
from collections.abc import Iterator
from itertools import product
from typing import Any

from cells import Cells

Row = dict[str, Any]
MARKS = {"ok": "✓", "unsupported": "·", "failed": "**✗**"}
MEANING = {
    "ok": "moves what it should and nothing else, and gives the same answers reloaded, merged and, in each form that "
    "a finished run can have (plain, adapter, prompt), exported to ONNX",
    "unsupported": "stops before training with one sentence that says what to take instead",
    "failed": "does not do what it should",
}
TENTHS = 10


def main() -> int:
    """Do what the flags say; return the exit code."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", nargs="*", help="families")
    parser.add_argument("--markdown", action="store_true")
    parser.add_argument("--again", type=int, choices=range(TENTHS))
    arguments = parser.parse_args()
    cells = Cells("table")
    if arguments.markdown:
        print(markdown(cells.rows))
        return 0
    if arguments.again is not None:
        return again(cells.rows, arguments.again)
    measure(cells, arguments.only)
    return 0


def measure(cells: Cells, only: list[str] | None) -> None:
    """Measure what is missing, family by family; a failed cell is missing. A whole run also puts the file in order."""
    cells.keep([row for row in cells.rows if row["outcome"] != "failed"])
    from checking import METHODS
    from families import FAMILIES

    known = {(row["key"]["family"], row["key"]["method"]) for row in cells.rows}
    for family in only or FAMILIES:
        missing = [column for column in METHODS if (family, column) not in known]
        for column, row in _outcomes(family, missing):
            cells.measure({"family": family, "method": column}, lambda row=row: row)
    if not only:
        places = {(family, column): i for i, (family, column) in enumerate(product(FAMILIES, METHODS))}
        here = [row for row in cells.rows if tuple(row["key"].values()) in places]
        cells.keep(sorted(here, key=lambda row: places[tuple(row["key"].values())]))


def again(rows: list[Row], tenth: int) -> int:
    """Measure the cells of a tenth again; print and count the outcomes that differ from the recorded ones."""
    chosen = [row for row in rows if tenth_of(row["key"]) == tenth]
    differing = 0
    for family in dict.fromkeys(row["key"]["family"] for row in chosen):
        recorded = {row["key"]["method"]: row for row in chosen if row["key"]["family"] == family}
        for column, row in _outcomes(family, list(recorded)):
            told, now = (_answer(one) for one in (recorded[column], row))
            differing += told != now
            print(f"{family}, {column}: {now}" + (f", but recorded is: {told}" if told != now else ""), flush=True)
    print(f"tenth {tenth}: {len(chosen)} cells, {differing} differ")
    return int(differing > 0)


def tenth_of(key: dict[str, str]) -> int:
    """Return which tenth a cell is in, the same in every process."""
    return zlib.crc32(f"{key['family']}/{key['method']}".encode()) % TENTHS


def markdown(rows: list[Row]) -> str:
    """Return the table, a row a family and a column a method, above what the marks mean."""
    columns = list(dict.fromkeys(row["key"]["method"] for row in rows))
    members = {row["key"]["family"]: row["member"] for row in rows}
    marks = {(row["key"]["family"], row["key"]["method"]): MARKS[row["outcome"]] for row in rows}
    lines = [f"| family (member) | {' | '.join(columns)} |", f"|---|{':-:|' * len(columns)}"]
    for family, member in members.items():
        cells = " | ".join(marks.get((family, column), " ") for column in columns)
        lines.append(f"| {family} (`{member}`) | {cells} |")
    return "\n".join([*lines, "", _legend(rows, len(members), len(columns))])


def _legend(rows: list[Row], families: int, columns: int) -> str:
    counts = Counter(row["outcome"] for row in rows)
    told = [f"{MARKS[name]} {MEANING[name]} ({counts[name]} cells)" for name in MARKS if counts[name]]
    return f"{families} families by {columns} methods: {'; '.join(told)}."


def _outcomes(family: str, columns: list[str]) -> Iterator[tuple[str, Row]]:
    import torch
    from checking import outcome
    from families import FAMILIES, make

    warnings.simplefilter("ignore")  # of timm and of the exporter, about their own insides
    torch.set_num_threads(1)
    base = make(FAMILIES[family]) if columns else None
    for column in columns:
        assert base is not None
        began = time.perf_counter()
        found = outcome(base, column)
        yield column, {"member": FAMILIES[family].member, **found, "seconds": round(time.perf_counter() - began, 1)}


def _answer(row: Row) -> str:
    return " ".join(str(row[key]) for key in ("outcome", "sentence", "reason") if key in row)


if __name__ == "__main__":
    sys.exit(main())
