"""Photos on disk to batches: the manifest, its splits and its loading. `augmenting` is imported where it is needed."""

from visionft.data.audit import QuickAudit, quick_audit
from visionft.data.caches.decoded_photos import Decoded, estimate, room, side_of
from visionft.data.loading.collate import Batch, Item
from visionft.data.loading.dataloader import (
    EvalPhotos,
    FixedViews,
    TrainLoader,
    TrainPhotos,
    eval_batches,
    train_batches,
)
from visionft.data.loading.worker_init import worker_fault
from visionft.data.manifest import Column, Manifest, Rows, read_splits
from visionft.data.prepare import label_photos, prepare
from visionft.data.relocate import Located, locate
from visionft.data.sampler import EpochSampler, Sample, permutation, steps_per_epoch
from visionft.data.splits import SPLITS
from visionft.data.splitting.leakage import copies_line
from visionft.data.suggestions import Suggestion, Suggestions, read_suggestions
from visionft.data.summary import summary
from visionft.data.transforms.progressive_resizing import Sides
from visionft.data.verify_photos import Progress

__all__ = [
    "SPLITS",
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
    "QuickAudit",
    "Rows",
    "Sample",
    "Sides",
    "Suggestion",
    "Suggestions",
    "TrainLoader",
    "TrainPhotos",
    "copies_line",
    "estimate",
    "eval_batches",
    "label_photos",
    "locate",
    "permutation",
    "prepare",
    "quick_audit",
    "read_splits",
    "read_suggestions",
    "room",
    "side_of",
    "steps_per_epoch",
    "summary",
    "train_batches",
    "worker_fault",
]
