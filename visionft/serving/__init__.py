"""Answering photos through onnxruntime. Free of torch."""

from visionft.serving.predicting import predict
from visionft.serving.session import Session

__all__ = ["Session", "predict"]
