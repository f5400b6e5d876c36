"""Opening a model with onnxruntime, and reading what it answers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import onnxruntime as ort

from visionft.bundle import Bundle
from visionft.bundle import names as n
from visionft.errors import BundleError


def open_model(
    source: Path | bytes,
    threads: int | None = None,
    providers: Sequence[str] = ("CPUExecutionProvider",),
    *,
    arena: bool = True,
) -> ort.InferenceSession:
    """Open an ONNX file (or its bytes); BundleError if onnxruntime cannot.

    Args:
        source: the file or its bytes.
        threads: threads of the arithmetic; all cores if None.
        providers: onnxruntime's names of what it runs on; each takes what those before it cannot.
        arena: whether memory is kept for the next run; without it, it goes back to the system.
    """
    options = ort.SessionOptions()
    options.log_severity_level = 4  # warnings about the graph are of no use to who serves it, and faults are raised
    options.enable_mem_pattern = False  # patterns are kept for every shape seen, and photos come in any shape
    options.enable_cpu_mem_arena = arena
    # Waiting threads that spin take the cores from decoding: on a busy machine photos took twice as long.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.add_session_config_entry("session.load_model_format", "ONNX")
    if threads is not None:
        options.intra_op_num_threads = threads
    try:
        return ort.InferenceSession(
            source if isinstance(source, bytes) else str(source), options, providers=list(providers)
        )
    except Exception as error:  # onnxruntime raises a dozen types without a common ancestor
        reason = str(error).splitlines()[0]
        raise BundleError(
            f"onnxruntime {ort.__version__} cannot open the model ({reason}): update it, or export the run again"
        ) from error


def check_metadata(bundle: Bundle, session: ort.InferenceSession) -> None:
    """Raise BundleError where the model was exported with other classes than the record names."""
    found = session.get_modelmeta().custom_metadata_map.get(n.META_CLASSES_HASH)
    if found != bundle.record.classes_hash:
        raise BundleError(
            f"{bundle.model} was exported with other classes than bundle.json names: "
            "copy the bundle again or export it again"
        )
