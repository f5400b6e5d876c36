"""The model card of several heads: README.md of its bundle."""

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
from visionft.tasks.multihead.answers import CLASS_INDICES, LABEL_PROBABILITIES, LABELS
from visionft.tasks.multihead.head_layout import Heads

CALL = f"""```python
import json
import numpy as np
import onnxruntime as ort
from PIL import Image, ImageOps

session = ort.InferenceSession("{n.MODEL_FILE}")
classes = json.loads(session.get_modelmeta().custom_metadata_map["{n.META_CLASSES}"])
photo = ImageOps.exif_transpose(Image.open("photo.jpg")).convert("RGB")
pixels = np.asarray(photo)[None]  # uint8 (1, height, width, 3), any size: the graph resizes and normalises
places, sure = session.run(["{CLASS_INDICES}", "{LABEL_PROBABILITIES}"], {{"{n.IMAGE}": pixels}})
print({{classes[at]: float(value) for at, value in zip(places[0], sure[0])}})
```"""


def card(record: BundleRecord) -> str:
    """Return the card in Markdown: what the model is, its figures, how to call it, licence and provenance."""
    parts = {
        "Figures": _figures(record),
        "The answer": _answer(record),
        "Call it": f"{CALL}\n\n{tensor_table(record)}",
        "Classes": class_list(record.classes),
        "The exported file": f"{proven_file(record)}\n{_proof(record)}",
        "Licence and provenance": provenance(record),
    }
    return assembled(_title(record), parts)


def _title(record: BundleRecord) -> str:
    heads = Heads(record.classes)
    named = ", ".join(f"{inline(name)} ({size})" for name, size in zip(heads.names, heads.sizes, strict=True))
    return (
        f"# {inline(record.backbone)}: {named}\n\n"
        f"Fine-tuned and exported by visionft {record.visionft}, {record.created[:10]}. `{n.MODEL_FILE}` takes RGB "
        f"photos of any size.\nOne pass answers one class of each of {len(heads)} heads.\n"
        "It knows the classes below and no others, and is as good as your photos resemble those it learnt from."
    )


def _figures(record: BundleRecord) -> str:
    lines = []
    for where, inner in measured_sets(record):
        heads: Any = inner.get("heads")
        if not isinstance(heads, dict):
            continue
        told = ", ".join(f"{inline(name)} {_top1(found)}" for name, found in heads.items())
        lines.append(
            f"- {where}, {inner['n']:,} photos: top-1 {told}; on average {inner['top1']:.4f}, and "
            f"{inner['all_right']:.4f} of the photos have all of them right"
        )
    return "\n".join(lines) or UNMEASURED


def _top1(found: Any) -> str:
    value = found.get("top1") if isinstance(found, dict) else found
    return "none" if value is None else f"{value:.4f}"


def _answer(record: BundleRecord) -> str:
    heads = Heads(record.classes)
    order = ", ".join(inline(name) for name in heads.names)
    return (
        f"- `{LABELS}`, `{CLASS_INDICES}` and `{LABEL_PROBABILITIES}` have a column for each head, in the order "
        f"{order}.\n"
        f"- `{n.PROBABILITIES}` and `{n.LOGITS}` have a column for each class below, those of a head side by side; the "
        "probabilities of a head sum to 1.\n"
        "- The logits of each head are divided by a temperature of its own before its softmax."
    )


def _proof(record: BundleRecord) -> str:
    found: Any = record.parity or {}
    told = ", ".join(f"{inline(head)} {value:.2g}" for head, value in found.get("by_head", {}).items())
    return (
        f"- Beside the trained model, on {found.get('n', 0):,} validation photos from their encoded bytes: "
        f"probabilities at most {found.get('max_probability_difference', 0.0):.2g} apart"
        f"{f' ({told})' if told else ''}, and {found.get('near_ties', 0):,} labels chosen otherwise, all of them where "
        "two are equally probable."
    )
