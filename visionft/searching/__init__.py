"""Visual search over a catalogue: an index of embeddings, kept up to date, and what is near a photo. Free of torch."""

from visionft.searching.find_duplicates import Duplicates, LookAlike
from visionft.searching.search_results import Found, Hit, Indexed, Matches

__all__ = ["Duplicates", "Found", "Hit", "Indexed", "LookAlike", "Matches"]
