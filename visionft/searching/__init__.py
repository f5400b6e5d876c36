"""Visual search over a catalogue: an index of embeddings, kept up to date, and what is near a photo. Free of torch."""

from visionft.searching.search_results import Found, Hit, Indexed, Matches

__all__ = ["Found", "Hit", "Indexed", "Matches"]
