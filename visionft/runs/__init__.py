"""The run folder: layout, lock, records."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from visionft.runs.run import Run

__all__ = ["Run"]


def __getattr__(name: str) -> Any:
    """Load `Run` on its first use (PEP 562): whoever asks for names of files needs no torch."""
    if name != "Run":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from visionft.runs.run import Run

    return Run
