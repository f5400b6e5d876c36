"""The trained model as an ONNX bundle, written only if it answers the same."""

from visionft.exporting.adapters.bundling import export_adapters
from visionft.exporting.bundling import Exported, export
from visionft.exporting.sizing import require_room
from visionft.exporting.trained import TrainedModel

__all__ = ["Exported", "TrainedModel", "export", "export_adapters", "require_room"]
