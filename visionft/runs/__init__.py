"""The run folder: layout, lock, records."""

from visionft.runs.run import Run

__all__ = ["Run"]
