"""Giving a run or a bundle away: which of its files go, what is taken out of them, the hub's card, and the push."""

from visionft.sharing.hub_push import Pushed

__all__ = ["Pushed"]
