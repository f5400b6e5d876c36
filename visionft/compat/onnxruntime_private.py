"""What visionft needs of onnxruntime's tools beyond what its documentation names: calibrated int8 node by node."""

from __future__ import annotations

from onnxruntime.quantization.calibrate import create_calibrator
from onnxruntime.quantization.qdq_quantizer import QDQQuantizer
from onnxruntime.quantization.registry import QDQRegistry, QLinearOpsRegistry
from onnxruntime.transformers.float16 import convert_float_to_float16

__all__ = ["QDQQuantizer", "QDQRegistry", "QLinearOpsRegistry", "convert_float_to_float16", "create_calibrator"]
