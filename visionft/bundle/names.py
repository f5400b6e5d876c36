"""Names a bundle fixes: its files, the graph's tensors and the metadata inside model.onnx."""

from __future__ import annotations

from importlib import metadata

MODEL_FILE = "model.onnx"
RECORD_FILE = "bundle.json"
CARD_FILE = "README.md"
GOLDEN_FOLDER = "golden"
EXPECTED_FILE = "expected.json"
ADAPTER_FOLDER = "adapters"
ADAPTER_SUFFIX = ".onnx_adapter"
OPENVINO_FOLDER, OPENVINO_FILE = "openvino", "model.xml"
"""The graph in OpenVINO's format, with its weights in model.bin; only where it was asked for."""

LAYOUT = "bundle_layout"
"""Key of the provenance: the version of the bundle's folder; none: 1. Older readers pass over what stands there."""
KEEPS_DIGESTS = 2
"""The first version that has digests.json."""

IMAGE = "image"
PIXELS = "pixels"
"""The one tensor where the preprocess half ends and the network half begins."""
LABEL = "label"
CLASS_INDEX = "class_index"
PROBABILITY = "probability"
PROBABILITIES = "probabilities"
LOGITS = "logits"
EMBEDDING = "embedding"
KNOWN_SCORE = "known_score"
UNKNOWN = "unknown"
OUTPUTS = (LABEL, CLASS_INDEX, PROBABILITY, PROBABILITIES, LOGITS, EMBEDDING, KNOWN_SCORE, UNKNOWN)
ADAPTED_OUTPUTS = OUTPUTS[1:]
"""Of a graph that adapters change: it knows no names of classes, so whoever calls it looks the label up."""

TEMPERATURE = "temperature"
THRESHOLD = "threshold"
CLASS_NAMES = "class_names"
CLASS_MEANS = "class_means"
HEAD_WEIGHT = "head_weight"
HEAD_BIAS = "head_bias"
CLASS_COUNT = "C"
"""Size of every tensor of an adapter that has one entry a class."""

META_SCHEMA = "visionft.schema_version"
META_VERSION = "visionft.version"
META_CLASSES = "visionft.classes"
META_CLASSES_HASH = "visionft.classes_hash"
META_PREPROCESS = "visionft.preprocess"
META_BACKBONE = "visionft.backbone"
META_LICENCE = "visionft.weights_licence"
META_FINGERPRINT = "visionft.data_fingerprint"


def factors(layer: str) -> tuple[str, str]:
    """Return the names of the inputs A (in, r) and B (r, out) of a layer's low-rank update."""
    return f"lora/{layer}/A", f"lora/{layer}/B"


def installed_version() -> str:
    """Return visionft's version, or `unknown` in a checkout that was never installed."""
    try:
        return metadata.version("visionft")
    except metadata.PackageNotFoundError:
        return "unknown"
