"""Held-out evaluation of runs and bundles, and what they still know of earlier photos."""

from visionft.evaluation.answered import answered_by_bundle, answered_by_run, translated
from visionft.evaluation.before_after import BeforeAfter, before_after
from visionft.evaluation.evaluate import evaluate_bundle, evaluate_run, own_photos, reading_of
from visionft.evaluation.evaluation import Evaluation
from visionft.evaluation.explained import Explained, explainer
from visionft.evaluation.own_metrics import MetricFunction, OwnFigure, require_metrics
from visionft.evaluation.predict_run import predict_run, run_answerer
from visionft.evaluation.products import Grouping, ProductFigures
from visionft.evaluation.retention import Earlier, Retention, measure_retention
from visionft.evaluation.side_by_side import LETTERS, Answered, SideBySide, side_by_side
from visionft.evaluation.slice_values import columns_of_bundle, columns_of_run, folder_of, with_slices

__all__ = [
    "LETTERS",
    "Answered",
    "BeforeAfter",
    "Earlier",
    "Evaluation",
    "Explained",
    "Grouping",
    "MetricFunction",
    "OwnFigure",
    "ProductFigures",
    "Retention",
    "SideBySide",
    "answered_by_bundle",
    "answered_by_run",
    "before_after",
    "columns_of_bundle",
    "columns_of_run",
    "evaluate_bundle",
    "evaluate_run",
    "explainer",
    "folder_of",
    "measure_retention",
    "own_photos",
    "predict_run",
    "reading_of",
    "require_metrics",
    "run_answerer",
    "side_by_side",
    "translated",
    "with_slices",
]
