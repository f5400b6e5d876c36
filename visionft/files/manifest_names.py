"""Which files are manifests, by their names alone: asked before anything is imported that could read one."""

from __future__ import annotations

from pathlib import Path

CSV_SUFFIXES = (".csv", ".tsv", ".txt")
PARQUET_SUFFIXES = (".parquet", ".pq")


def is_manifest(path: Path) -> bool:
    """Tell by its name whether a file is a manifest."""
    return path.suffix.lower() in CSV_SUFFIXES + PARQUET_SUFFIXES
