"""The run folder: layout, lock, records."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from visionft.runs.run import Run
    from visionft.runs.run_list import ListedRun, RunList

__all__ = ["ListedRun", "Run", "RunList"]

_MODULES = {"ListedRun": "run_list", "Run": "run", "RunList": "run_list"}


def __getattr__(name: str) -> Any:
    """Load a class on its first use (PEP 562): whoever asks for names of files, or for the list, needs no torch."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"visionft.runs.{_MODULES[name]}"), name)
