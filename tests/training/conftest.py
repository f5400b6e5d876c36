"""The fixtures of a small run."""

from tests.fits import begun, settings, stopping_at

__all__ = ["begun", "settings", "stopping_at"]
