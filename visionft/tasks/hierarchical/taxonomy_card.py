"""The model card of a taxonomy: README.md of its bundle."""

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
from visionft.tasks.hierarchical.answers import CHOSEN, CHOSEN_PROBABILITY, NODE_PROBABILITIES
from visionft.tasks.hierarchical.sure_level import LevelPostprocess
from visionft.tasks.hierarchical.taxonomy_tree import Tree

CALL = f"""```python
import numpy as np
import onnxruntime as ort
from PIL import Image, ImageOps

session = ort.InferenceSession("{n.MODEL_FILE}")
photo = ImageOps.exif_transpose(Image.open("photo.jpg")).convert("RGB")
pixels = np.asarray(photo)[None]  # uint8 (1, height, width, 3), any size: the graph resizes and normalises
label, probability = session.run(["{n.LABEL}", "{CHOSEN_PROBABILITY}"], {{"{n.IMAGE}": pixels}})
print(label[0] or "no level is sure", float(probability[0]))
```"""


def card(record: BundleRecord) -> str:
    """Return the card in Markdown: what the model is, its figures, how to call it, licence and provenance."""
    parts = {
        "Figures": _figures(record),
        "The answer": _answer(record),
        "Call it": f"{CALL}\n\n{tensor_table(record)}",
        "Nodes": f"{_leaves(record)}\n\n{class_list(record.classes)}",
        "The exported file": f"{proven_file(record)}\n{_proof(record)}",
        "Licence and provenance": provenance(record),
    }
    return assembled(_title(record), parts)


def _title(record: BundleRecord) -> str:
    tree = Tree(record.classes)
    return (
        f"# {inline(record.backbone)}: a taxonomy of {len(tree.leaves)} leaves in {tree.levels} levels\n\n"
        f"Fine-tuned and exported by visionft {record.visionft}, {record.created[:10]}. `{n.MODEL_FILE}` takes RGB "
        "photos of any size.\nEach photo is answered as deep in the taxonomy as the model is sure.\n"
        "It knows the nodes below and no others, and is as good as your photos resemble those it learnt from."
    )


def _figures(record: BundleRecord) -> str:
    lines = []
    for where, inner in measured_sets(record):
        if "levels" not in inner:
            continue
        levels = ", ".join(f"level {row['depth']} {_figure(row['accuracy'])}" for row in inner["levels"])
        sure, (low, high) = inner["sure"], inner["sure"]["interval"] or (None, None)
        lines.append(
            f"- {where}, {inner['n']:,} photos: accuracy {levels}; {inner['distance']:.3f} edges from the truth on "
            f"average. Of answers sure from {sure['min_confidence']:g} up {_figure(sure['precision'])} are right "
            f"(95 % interval {_figure(low)} to {_figure(high)}); {sure['answered']:.1%} of the photos have one."
        )
    return "\n".join(lines) or UNMEASURED


def _figure(value: float | None) -> str:
    return "none" if value is None else f"{value:.4f}"


def _answer(record: BundleRecord) -> str:
    sure = LevelPostprocess.by(Tree(record.classes), record.temperature, record.min_confidence).sure
    return (
        f"- `{n.LABEL}` is the deepest node whose probability is at least {sure:g}, `{CHOSEN}` its index below. "
        "Where not even the top is so sure, they are empty and -1.\n"
        f"- A parent's probability in `{NODE_PROBABILITIES}` is the sum of its children's.\n"
        f"- Logits are divided by the temperature {record.temperature:.4g} before the softmax over the leaves."
    )


def _leaves(record: BundleRecord) -> str:
    places = ", ".join(str(at) for at in Tree(record.classes).leaves)
    return f"The leaves, in the order of `{n.PROBABILITIES}` and `{n.LOGITS}`, are the nodes {places}."


def _proof(record: BundleRecord) -> str:
    found: Any = record.parity or {}
    return (
        f"- Beside the trained model, on {found.get('n', 0):,} validation photos from their encoded bytes: "
        f"probabilities at most {found.get('max_probability_difference', 0.0):.2g} apart, and "
        f"{found.get('near_ties', 0):,} nodes chosen otherwise, all of them at the confidence. Parents are at most "
        f"{found.get('max_parent_difference', 0.0):.2g} off the sum of their children."
    )
