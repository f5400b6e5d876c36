"""Which method to take, tried here: a first look, trials, timing, a recommendation."""

from visionft.advising.advice import Advice
from visionft.advising.advise import advise
from visionft.advising.timing import Limits

__all__ = ["Advice", "Limits", "advise"]
