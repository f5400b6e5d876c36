"""Answering photos through onnxruntime. Free of torch."""

from visionft.serving.comparing import compare
from visionft.serving.comparison import Comparison
from visionft.serving.predicting import predict
from visionft.serving.session import Session

__all__ = ["Comparison", "Session", "compare", "predict"]
