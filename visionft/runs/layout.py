"""The run folder: which files it holds, under which names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

SETTINGS = "settings.yaml"  # resolved: what the run really used
CHOICES = "choices.json"  # what was asked for, and each resolved value with its reason
ENVIRONMENT = "environment.json"  # versions and hardware
DATA = "data.json"  # manifest fingerprint, counts, quarantine with reasons
SPLITS = "splits.csv"  # path, label, split, group, digest of every photo
CLASSES = "classes.json"
PREPROCESS = "preprocess.json"
METRICS = "metrics.csv"  # one row an epoch
CHECKPOINT = "checkpoint.pt"  # last state, enough to go on bit for bit
START = "start.safetensors"  # weights before the first step, the head solved; only where something is trained by epochs
BEST = "best.safetensors"  # weights of the best epoch so far; gone once the run is finished
WEIGHTS = "weights.safetensors"  # final weights: what is evaluated and exported
CALIBRATION = "calibration.json"  # temperature, and the scores of known photos from which a threshold is taken
CLASS_MEANS = "class_means.safetensors"  # mean direction of each class's training photos in the embedding
HELD_OUT = "validation_features.safetensors"  # what an added class is measured against; only where prototypes answer
RESULT = "result.json"  # final figures; its presence means that the run is finished
ADAPTER = "adapter"  # what a parameter-efficient method added, with the head; of low-rank updates in PEFT's format
DIGESTS = "digests.json"  # size and SHA-256 of every other file; kept up to date with each that is written
LOCK = "run.lock"
EVALUATION = "evaluation"  # one folder for each evaluated split or data set
RETENTION = f"{EVALUATION}/retention"  # what the features still know of an earlier task's photos
REPORT, REPORT_FACTS = "report.html", "report.json"  # the run for people, and the same facts for programs
CURVES, CONFUSION, AUGMENTED = "curves.png", "confusion.png", "augmented.png"  # of epochs, of classes, training views

VERSION = "run_layout"  # key of environment.json: the version of the run folder; none: 1
KEEPS_DIGESTS = 2  # the first version that has digests.json

RECORDS = frozenset({SETTINGS, CHOICES, ENVIRONMENT, DATA, SPLITS, CLASSES, PREPROCESS})
CALIBRATED = frozenset({CALIBRATION, CLASS_MEANS})
PAGE = frozenset({REPORT, REPORT_FACTS})  # of a run, and of each of its evaluations; made again from the other files
REPORTED = PAGE | {CURVES, CONFUSION, AUGMENTED}  # of a run alone
FINISHED = RECORDS | CALIBRATED | {METRICS, CHECKPOINT, START, WEIGHTS, RESULT, DIGESTS, LOCK}
# A run made from the start and the end of another.
BLENDED = RECORDS | CALIBRATED | {METRICS, START, WEIGHTS, RESULT, DIGESTS}
UNTRAINED = FINISHED - {CHECKPOINT, START}  # a run whose head was solved, and that trained nothing by epochs
PROTOTYPES = UNTRAINED | {HELD_OUT}  # a run whose head is made of prototypes


def keeps_digests(environment: Mapping[str, Any]) -> bool:
    """Tell by environment.json whether a run was written by a version that keeps digests."""
    version = environment.get(VERSION, 1)
    return not isinstance(version, int) or version >= KEEPS_DIGESTS
