"""One graph for many adapters."""

from __future__ import annotations

import numpy as np
import onnxruntime as ort

from tests.exporting.adapters.test_export_adapters import PHOTOS
from visionft.exporting import Exported


def test_the_base_alone_answers_not_a_number(adapted: Exported) -> None:
    options = ort.SessionOptions()
    options.log_severity_level = 3
    base = ort.InferenceSession(str(adapted.bundle / "model.onnx"), options, providers=["CPUExecutionProvider"])

    probability, logits = base.run(["probability", "logits"], {"image": PHOTOS[0][None]})

    assert np.isnan(probability).all()
    assert np.isnan(logits).all()
