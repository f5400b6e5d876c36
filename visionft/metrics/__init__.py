"""Figures and answers from arrays of logits, embeddings and labels alone."""

from visionft.metrics.calibration_error import BINS, expected_calibration_error, log_loss
from visionft.metrics.classification import evaluate_logits, reliability, softmax
from visionft.metrics.confidence_intervals import bootstrap_difference, bootstrap_ece, bootstrap_macro_f1, wilson
from visionft.metrics.flips import Flips
from visionft.metrics.knn import KnnAccuracy, knn_accuracy
from visionft.metrics.ood import KnownScale, class_means, known_scores, unit
from visionft.metrics.postprocess import Postprocess
from visionft.metrics.results import ClassRow, Confused, Metrics, Reliability
from visionft.metrics.slices import Slice, slices
from visionft.metrics.temperature import Temperature, fit_temperature

__all__ = [
    "BINS",
    "ClassRow",
    "Confused",
    "Flips",
    "KnnAccuracy",
    "KnownScale",
    "Metrics",
    "Postprocess",
    "Reliability",
    "Slice",
    "Temperature",
    "bootstrap_difference",
    "bootstrap_ece",
    "bootstrap_macro_f1",
    "class_means",
    "evaluate_logits",
    "expected_calibration_error",
    "fit_temperature",
    "knn_accuracy",
    "known_scores",
    "log_loss",
    "reliability",
    "slices",
    "softmax",
    "unit",
    "wilson",
]
