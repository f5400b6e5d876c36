"""Held-out evaluation of runs and bundles."""

from visionft.evaluation.comparing import BeforeAfter, before_after
from visionft.evaluation.evaluate import evaluate_bundle, evaluate_run
from visionft.evaluation.evaluation import Evaluation
from visionft.evaluation.predicting import predict_run

__all__ = ["BeforeAfter", "Evaluation", "before_after", "evaluate_bundle", "evaluate_run", "predict_run"]
