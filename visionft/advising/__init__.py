"""Which method to take, tried here: a first look, trials, timing, a recommendation; or forecast for another GPU."""

from visionft.advising.advice import Advice
from visionft.advising.advise import advise
from visionft.advising.forecast import forecast
from visionft.advising.forecast_table import Forecast
from visionft.advising.timing import Limits

__all__ = ["Advice", "Forecast", "Limits", "advise", "forecast"]
