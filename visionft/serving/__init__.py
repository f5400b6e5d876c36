"""Postprocess photos through onnxruntime. Free of torch."""

from visionft.serving.bundle_comparison import Comparison
from visionft.serving.compare_bundles import compare
from visionft.serving.predict_bundle import predict
from visionft.serving.session import Session

__all__ = ["Comparison", "Session", "compare", "predict"]
