"""Photos on disk to batches: the manifest, its splits and its loading. `augmenting` is imported where it is needed."""

from visionft.data.auditing import Audit, audit
from visionft.data.checking import Progress
from visionft.data.decoded import Decoded, estimate, room, side_of
from visionft.data.fetching import Batch, Item
from visionft.data.loading import (
    EvalPhotos,
    FixedViews,
    Remembered,
    TrainLoader,
    TrainPhotos,
    eval_batches,
    train_batches,
)
from visionft.data.locating import Located, locate
from visionft.data.manifest import SPLITS, Column, Manifest, Rows, read_splits
from visionft.data.preparing import label_photos, prepare
from visionft.data.sampling import EpochSampler, Sample, permutation, steps_per_epoch
from visionft.data.sizing import Sides
from visionft.data.summarising import summary
from visionft.data.working import worker_fault

__all__ = [
    "SPLITS",
    "Audit",
    "Batch",
    "Column",
    "Decoded",
    "EpochSampler",
    "EvalPhotos",
    "FixedViews",
    "Item",
    "Located",
    "Manifest",
    "Progress",
    "Remembered",
    "Rows",
    "Sample",
    "Sides",
    "TrainLoader",
    "TrainPhotos",
    "audit",
    "estimate",
    "eval_batches",
    "label_photos",
    "locate",
    "permutation",
    "prepare",
    "read_splits",
    "room",
    "side_of",
    "steps_per_epoch",
    "summary",
    "train_batches",
    "worker_fault",
]
