"""The training itself: steps under a schedule, averages and losses, what is computed once; from a plan to weights."""

from visionft.training.module import Classifier
from visionft.training.train import train

__all__ = ["Classifier", "train"]
