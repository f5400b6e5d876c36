"""The model card of a retrieval: README.md of its bundle."""

from __future__ import annotations

from typing import Any

from visionft.bundle import names as n
from visionft.bundle.schema import BundleRecord
from visionft.exporting.markdown import inline
from visionft.exporting.model_card import UNMEASURED, assembled, measured_sets, proven_file, provenance, tensor_table

CALL = f"""```python
import numpy as np
import onnxruntime as ort
from PIL import Image, ImageOps

session = ort.InferenceSession("{n.MODEL_FILE}")

def embedding(path):
    photo = ImageOps.exif_transpose(Image.open(path)).convert("RGB")
    pixels = np.asarray(photo)[None]  # uint8 (1, height, width, 3), any size: the graph resizes and normalises
    return session.run(["{n.EMBEDDING}"], {{"{n.IMAGE}": pixels}})[0][0]

print(float(embedding("photo.jpg") @ embedding("other.jpg")))  # cosine: 1 is the same direction
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
        f"# {inline(record.backbone)}: embeddings for visual search\n\n"
        f"Learnt from {len(record.classes):,} products and exported by visionft {record.visionft}, "
        f"{record.created[:10]}.\n`{n.MODEL_FILE}` takes RGB photos of any size, and answers with a vector of length "
        "1: photos of one product have a high cosine.\n`visionft index` makes a catalogue searchable with it. It is as "
        "good as your photos resemble those it learnt from."
    )


def _figures(record: BundleRecord) -> str:
    lines = []
    for where, inner in measured_sets(record):
        if inner.get("recall1") is not None:
            said = (
                f"recall@1 {inner['recall1']:.1%}, recall@5 {inner['recall5']:.1%}, mAP {inner['map']:.1%} of "
                f"{inner['queries']:,} photos of {inner['products']:,} products, each among the others"
            )
            lines.append(f"- {where}: {said}")
    return "\n".join(lines) or UNMEASURED


def _proof(record: BundleRecord) -> str:
    found: Any = record.parity or {}
    return (
        f"- Beside the trained model, on {found.get('n', 0):,} validation photos from their encoded bytes: cosines of "
        f"at least {found.get('least_cosine', 0.0):.6f}, and {found.get('tolerance', 0.0):g} is asked for."
    )
