"""The deployed folder: its schema, its reading and the answers it gives. Free of torch."""

from visionft.bundle.load import Bundle, is_bundle
from visionft.bundle.prediction_folder import PredictionFolder
from visionft.bundle.prediction_rows import Answer, Prediction, Row, Unanswered
from visionft.bundle.predictions import Predictions
from visionft.bundle.schema import SCHEMA_VERSION, BundleRecord

__all__ = [
    "SCHEMA_VERSION",
    "Answer",
    "Bundle",
    "BundleRecord",
    "Prediction",
    "PredictionFolder",
    "Predictions",
    "Row",
    "Unanswered",
    "is_bundle",
]
