"""Exporting for another onnxruntime than the one installed here, or for OpenVINO, proved by that one."""

from visionft.exporting.target.openvino_ir import OpenVino
from visionft.exporting.target.target_env import environment
from visionft.exporting.target.target_parity import Allowed, prove
from visionft.exporting.target.target_runtime import Runtime
from visionft.exporting.target.target_version import Target

__all__ = ["Allowed", "OpenVino", "Runtime", "Target", "environment", "prove"]
