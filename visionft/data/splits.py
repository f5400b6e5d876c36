"""The splits by name: trained on, chosen by, measured on."""

from __future__ import annotations

SPLITS = ("train", "validation", "test")
SPLIT_NAMES = {"train": "train", "val": "validation", "valid": "validation", "validation": "validation", "test": "test"}
