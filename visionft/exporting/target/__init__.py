"""Exporting for another onnxruntime than the one installed here, proved by that one."""

from visionft.exporting.target.environment import environment
from visionft.exporting.target.proof import Allowed, prove
from visionft.exporting.target.runtime import Runtime
from visionft.exporting.target.version import Target

__all__ = ["Allowed", "Runtime", "Target", "environment", "prove"]
