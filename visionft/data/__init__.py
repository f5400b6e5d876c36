"""Photos on disk to batches: the manifest, its splits and its loading. `augmenting` is imported where it is needed."""

from visionft.data.audit import QuickAudit, quick_audit
from visionft.data.caches.cache_folder import root as cache_root
from visionft.data.caches.decoded_photos import Decoded, estimate, room
from visionft.data.caches.photo_store import KeptTable, keep_table
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
from visionft.data.slice_columns import Values, product_rows, slice_columns
from visionft.data.sources.memory_rows import memory_rows
from visionft.data.splits import SPLITS
from visionft.data.splitting.leakage import copies_line
from visionft.data.suggestions import Suggestion, Suggestions, read_suggestions
from visionft.data.summary import summary
from visionft.data.transforms.decode_crop import side_of
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
    "KeptTable",
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
    "Values",
    "cache_root",
    "copies_line",
    "estimate",
    "eval_batches",
    "keep_table",
    "label_photos",
    "locate",
    "memory_rows",
    "permutation",
    "prepare",
    "product_rows",
    "quick_audit",
    "read_splits",
    "read_suggestions",
    "room",
    "side_of",
    "slice_columns",
    "steps_per_epoch",
    "summary",
    "train_batches",
    "worker_fault",
]
