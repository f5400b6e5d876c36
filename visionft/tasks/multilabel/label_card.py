"""The model card of several labels a photo: README.md of its bundle."""

from __future__ import annotations

from typing import Any

from visionft.bundle import names as n
from visionft.bundle.schema import BundleRecord
from visionft.exporting.markdown import inline
from visionft.exporting.model_card import (
    UNMEASURED,
    assembled,
    class_list,
    measured_sets,
    proven_file,
    provenance,
    tensor_table,
)
from visionft.tasks.multilabel.answers import CHOSEN, chooses_one

CALL = f"""```python
import json
import numpy as np
import onnxruntime as ort
from PIL import Image, ImageOps

session = ort.InferenceSession("{n.MODEL_FILE}")
names = json.loads(session.get_modelmeta().custom_metadata_map["{n.META_CLASSES}"])
photo = ImageOps.exif_transpose(Image.open("photo.jpg")).convert("RGB")
pixels = np.asarray(photo)[None]  # uint8 (1, height, width, 3), any size: the graph resizes and normalises
probabilities, chosen = session.run(["{n.PROBABILITIES}", "{CHOSEN}"], {{"{n.IMAGE}": pixels}})
print([name for name, yes in zip(names, chosen[0]) if yes])
```"""


def card(record: BundleRecord) -> str:
    """Return the card in Markdown: what the model is, its figures, how to call it, licence and provenance."""
    parts = {
        "Figures": _figures(record),
        "Call it": f"{CALL}\n\n{tensor_table(record)}",
        "Labels": class_list(record.classes),
        "The exported file": f"{proven_file(record)}\n{_proof(record)}",
        "Licence and provenance": provenance(record),
    }
    return assembled(_title(record), parts)


def _labels(record: BundleRecord) -> dict[str, Any]:
    settings: Any = record.provenance.get("settings") or {}
    return settings.get("labels") or {}


def _title(record: BundleRecord) -> str:
    one = ",\nand the most probable one where no label is" if chooses_one(record) else ""
    none = "" if one else ", or none"
    target = _labels(record).get("precision")
    best = "has the best F1" if target is None else f"holds a precision of {target:.1%} with 95 % confidence"
    return (
        f"# {inline(record.backbone)}: which of {len(record.classes)} labels a photo has\n\n"
        f"Fine-tuned and exported by visionft {record.visionft}, {record.created[:10]}. `{n.MODEL_FILE}` takes RGB "
        f"photos of any size.\nEach label is told by itself: a photo may have several{none}. A label is chosen from "
        f"the probability up\nthat {best} on the validation photos of the training{one}.\n"
        "It knows the labels below and no others, and is as good as your photos resemble those it learnt from."
    )


def _figures(record: BundleRecord) -> str:
    lines = []
    for where, inner in measured_sets(record):
        if "micro_f1" in inner:
            words = (("mAP", "map"), ("micro F1", "micro_f1"), ("macro F1", "macro_f1"))
            said = ", ".join(f"{word} {_figure(inner[key])}" for word, key in words)
            lines.append(f"- {where}: {said} on {inner['n']:,} photos")
    return "\n".join(lines) or UNMEASURED


def _figure(value: float | None) -> str:
    return "none" if value is None else f"{value:.4f}"


def _proof(record: BundleRecord) -> str:
    found: Any = record.parity or {}
    return (
        f"- Beside the trained model, on {found.get('n', 0):,} validation photos from their encoded bytes: "
        f"probabilities at most {found.get('max_probability_difference', 0.0):.2g} apart, and "
        f"{found.get('near_ties', 0):,} labels chosen otherwise, all of them on their threshold."
    )
