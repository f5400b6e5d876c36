"""The trained model as an ONNX bundle, written only if it answers the same."""

from visionft.exporting.adapters.export_adapters import export_adapters
from visionft.exporting.export_bundle import Exported, export
from visionft.exporting.onnx_size import require_room
from visionft.exporting.trained_model import TrainedModel

__all__ = ["Exported", "TrainedModel", "export", "export_adapters", "require_room"]
