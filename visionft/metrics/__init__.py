"""Figures from arrays of logits, embeddings and labels alone."""

from visionft.metrics.calibration import BINS, expected_calibration_error, log_loss
from visionft.metrics.evaluating import evaluate_logits, softmax
from visionft.metrics.intervals import bootstrap_difference, bootstrap_macro_f1, wilson
from visionft.metrics.knn import KnnAccuracy, knn_accuracy
from visionft.metrics.results import ClassRow, Confused, Metrics

__all__ = [
    "BINS",
    "ClassRow",
    "Confused",
    "KnnAccuracy",
    "Metrics",
    "bootstrap_difference",
    "bootstrap_macro_f1",
    "evaluate_logits",
    "expected_calibration_error",
    "knn_accuracy",
    "log_loss",
    "softmax",
    "wilson",
]
