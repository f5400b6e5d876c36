"""What a page shows of photos that asked one another: figures, the hardest products, queries with what they found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from visionft.metrics import wilson
from visionft.photos import printable
from visionft.tasks.retrieval.recall_figures import BY_PRODUCT, NAMES, WORDS

WORST, DRAWN = 12, 6
"""Queries that are shown with what they found: those that found their product last, and some at random."""
PRODUCTS = 100
"""Products in the table, those first of which fewest queries found another photo first."""


class QueryReport:
    """The page of an embedding."""

    def facts(self, metrics: Mapping[str, Any], table: pa.Table | None) -> dict[str, Any]:
        """Return what is shown, in plain values.

        Args:
            metrics: as metrics.json has them.
            table: a row a photo, as `EmbeddingLearning.table` makes them; None where they were not kept.
        """
        ends = metrics.get("intervals", {})
        figures = [
            {
                "words": WORDS[name],
                "photo": metrics.get(name),
                "photo_interval": ends.get(name),
                "product": metrics.get(BY_PRODUCT + name),
                "product_interval": ends.get(BY_PRODUCT + name),
            }
            for name in NAMES
        ]
        counts = {name: metrics.get(name) for name in ("n", "queries", "products", "alone")}
        return {"figures": figures, **counts, **(_none() if table is None else _asked(table))}


def _none() -> dict[str, Any]:
    return {"kept": False, "worst": [], "drawn": [], "hardest": []}


def _asked(table: pa.Table) -> dict[str, Any]:
    """Return queries and products of a table, which has a null rank where a photo asked nothing."""
    truths = dict(zip(table["path"].to_pylist(), table["truth"].to_pylist(), strict=True))
    rows = [row for row in table.to_pylist() if row["rank"] is not None]
    late = sorted(rows, key=lambda row: (-row["rank"], -row["score"], row["path"]))
    worst = [row for row in late if not row["correct"]][:WORST]
    chosen = np.random.default_rng(0).permutation(len(rows))[:DRAWN]
    return {
        "kept": True,
        "worst": [_query(row, truths) for row in worst],
        "drawn": [_query(rows[at], truths) for at in sorted(chosen.tolist())],
        "hardest": _hardest(rows),
    }


def _query(row: Mapping[str, Any], truths: Mapping[str, str]) -> dict[str, Any]:
    """Return one query with the photos that it found, the nearest first."""
    names = ["nearest", *(name for name in row if name.startswith("nearest_"))]
    hits = [(row[name], row[name.replace("nearest", "score")]) for name in names]
    return {
        "path": printable(row["path"]),
        "truth": printable(row["truth"]),
        "rank": row["rank"],
        "hits": [
            {
                "path": printable(path),
                "truth": printable(truths[path]),
                "score": round(float(score), 4),
                "right": truths[path] == row["truth"],
            }
            for path, score in hits
            if path is not None
        ],
    }


def _hardest(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return products by their recall@1, the lowest first."""
    of: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        of.setdefault(row["truth"], []).append(row)
    found = [
        {
            "name": printable(name),
            "queries": len(own),
            "recall1": sum(row["correct"] for row in own) / len(own),
            "interval": wilson(sum(row["correct"] for row in own), len(own)),
            "median_rank": float(np.median([row["rank"] for row in own])),
        }
        for name, own in of.items()
    ]
    return sorted(found, key=lambda row: (row["recall1"], -row["queries"], row["name"]))[:PRODUCTS]


REPORT = QueryReport()
