"""Claim: most of timm's networks can be cut at any block, so that what lies below need run once.

python benchmarks/cuts.py [--only FAMILY ...]     the levels that a cut reaches, for each family of families.py
python benchmarks/cuts.py --markdown              how many families, in a sentence

A cut is legal where both halves give the network's own answers and gradients bit for bit (visionft.backbones.cut); here
random weights of which none is zero, one thread.
"""

from __future__ import annotations

import argparse
from functools import partial
from typing import Any

import torch
from cells import Cells


def reached(family: str) -> dict[str, Any]:
    """Return the number of levels and what each of the blocks' levels reaches; 0: nothing."""
    from families import FAMILIES, make

    from visionft import backbones

    torch.set_num_threads(1)
    network = make(FAMILIES[family])
    levels = backbones.depth_map(network).levels
    cuts = [backbones.cut(network, level) for level in range(1, levels - 1)]
    return {"levels": levels, "reached": [cut.level if cut else 0 for cut in cuts]}


def sentence(rows: list[dict[str, Any]]) -> str:
    """Return how many families can be cut at every level, at some, at none."""
    exact = {row["key"]["family"]: sum(level == own for level, own in enumerate(row["reached"], 1)) for row in rows}
    whole = sum(exact[row["key"]["family"]] == row["levels"] - 2 for row in rows)
    none = sorted(family for family, levels in exact.items() if not levels)
    some = sorted(row["key"]["family"] for row in rows if 0 < exact[row["key"]["family"]] < row["levels"] - 2)
    return (
        f"of {len(rows)} families {whole} can be cut at every level, {len(some)} at some ({', '.join(some)}), "
        f"{len(none)} at the head alone ({', '.join(none)})"
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", nargs="*")
    parser.add_argument("--markdown", action="store_true")
    given = parser.parse_args()
    cells = Cells("cuts")
    if given.markdown:
        print(sentence(cells.rows))
    else:
        from families import FAMILIES

        for name in given.only or FAMILIES:
            cells.measure({"family": name}, partial(reached, name))
