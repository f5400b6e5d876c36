"""The model card of a regression: README.md of its bundle."""

from __future__ import annotations

from typing import Any

from visionft.bundle import names as n
from visionft.bundle.schema import BundleRecord
from visionft.exporting.markdown import inline
from visionft.exporting.model_card import UNMEASURED, assembled, measured_sets, proven_file, provenance, tensor_table
from visionft.tasks.regression.answers import VALUE

CALL = f"""```python
import numpy as np
import onnxruntime as ort
from PIL import Image, ImageOps

session = ort.InferenceSession("{n.MODEL_FILE}")
photo = ImageOps.exif_transpose(Image.open("photo.jpg")).convert("RGB")
pixels = np.asarray(photo)[None]  # uint8 (1, height, width, 3), any size: the graph resizes and normalises
(value,) = session.run(["{VALUE}"], {{"{n.IMAGE}": pixels}})
print(float(value[0]))
```"""


def card(record: BundleRecord) -> str:
    """Return the card in Markdown: what the model is, its figures, how to call it, licence and provenance."""
    parts = {
        "Figures": _figures(record),
        "Call it": f"{CALL}\n\n{tensor_table(record)}",
        "The exported file": f"{proven_file(record)}\n{_proof(record)}",
        "Licence and provenance": provenance(record),
    }
    return assembled(_title(record), parts)


def _title(record: BundleRecord) -> str:
    return (
        f"# {inline(record.backbone)}: a number for each photo\n\n"
        f"A regression, fine-tuned and exported by visionft {record.visionft}, {record.created[:10]}.\n"
        f"`{n.MODEL_FILE}` takes RGB photos of any size, and answers in the unit of the labels that it learnt from.\n"
        "It is as good as your photos resemble those; outside the range of its labels nothing was measured."
    )


def _figures(record: BundleRecord) -> str:
    lines = []
    for where, inner in measured_sets(record):
        if "mae" in inner:
            share = "none" if inner["r2"] is None else f"{inner['r2']:.3f}"
            said = f"MAE {inner['mae']:.4g}, RMSE {inner['rmse']:.4g}, R2 {share} on {inner['n']:,} photos"
            lines.append(f"- {where}: {said}")
    return "\n".join(lines) or UNMEASURED


def _proof(record: BundleRecord) -> str:
    found: Any = record.parity or {}
    return (
        f"- Beside the trained model, on {found.get('n', 0):,} validation photos from their encoded bytes: values at "
        f"most {found.get('max_value_difference', 0.0):.2g} apart, and {found.get('tolerance', 0.0):.2g} may be."
    )
