"""Training: from settings to a finished run."""

from visionft.training.advice import Advice
from visionft.training.advising import advise
from visionft.training.interrupting import Interrupted
from visionft.training.module import Classifier
from visionft.training.stopwatch import Limits
from visionft.training.train import train

__all__ = ["Advice", "Classifier", "Interrupted", "Limits", "advise", "train"]
