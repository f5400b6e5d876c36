"""Training: from settings to a finished run, and from a run to a blend of its start and its end."""

from visionft.training.advice import Advice
from visionft.training.advising import advise
from visionft.training.blending import TENTHS, blend
from visionft.training.interrupting import Interrupted
from visionft.training.module import Classifier
from visionft.training.stopwatch import Limits
from visionft.training.train import train

__all__ = ["TENTHS", "Advice", "Classifier", "Interrupted", "Limits", "advise", "blend", "train"]
