"""The fixtures of a small run."""

from tests.fits import settings, stopping_at

__all__ = ["settings", "stopping_at"]
