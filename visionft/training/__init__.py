"""The training itself: steps under a schedule, averages and losses, what is computed once; from a plan to weights."""

from visionft.runs.criterion import Figures
from visionft.training.callbacks import Listener
from visionft.training.datamodule import PhotoDataModule
from visionft.training.loggers import LoggerListener
from visionft.training.module import Classifier
from visionft.training.process_group import is_first, joined
from visionft.training.ranks import Ranks
from visionft.training.state import TrainState
from visionft.training.train import follow, train

__all__ = [
    "Classifier",
    "Figures",
    "Listener",
    "LoggerListener",
    "PhotoDataModule",
    "Ranks",
    "TrainState",
    "follow",
    "is_first",
    "joined",
    "train",
]
