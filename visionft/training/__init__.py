"""Training: from settings to a finished run."""

from visionft.training.interrupting import Interrupted
from visionft.training.module import Classifier
from visionft.training.train import train

__all__ = ["Classifier", "Interrupted", "train"]
