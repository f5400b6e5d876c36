"""The learning-rate finder: a range test of a fit's first steps, and the rate that its curve suggests."""

from visionft.lr_finder.lr_suggestion import LrSuggestion
from visionft.lr_finder.search_rate import search_rate

__all__ = ["LrSuggestion", "search_rate"]
