"""The model card of a bundle with adapters."""

from __future__ import annotations

from visionft.bundle import names as n
from visionft.bundle.schema import AdapterRecord, BundleRecord
from visionft.exporting.markdown import inline
from visionft.exporting.model_card import class_list, sentences, tensor_table

CALL = """```python
import json
from pathlib import Path

import numpy as np
import onnxruntime as ort
from PIL import Image, ImageOps

adapters = {{row["name"]: row for row in json.loads(Path("{record}").read_text("utf-8"))["adapters"]}}
quiet = ort.SessionOptions()
quiet.log_severity_level = 3  # else there is a warning for every input that has a default
session = ort.InferenceSession("{model}", quiet)  # one for all adapters
chosen = adapters["{name}"]
adapter, options = ort.LoraAdapter(), ort.RunOptions()
adapter.Load(chosen["file"])
options.add_active_adapter(adapter)  # keep `adapter` as long as `options`: without it the base would answer
photo = ImageOps.exif_transpose(Image.open("photo.jpg")).convert("RGB")
pixels = np.asarray(photo)[None]  # uint8 (1, height, width, 3), any size: the graph resizes and normalises
index, probability = session.run(["{index}", "{probability}"], {{"{image}": pixels}}, options)
print(chosen["classes"][index[0]], float(probability[0]))
```"""


def card(record: BundleRecord) -> str:
    """Return the card in Markdown: what the base is, its adapters, how to call them, licence and provenance."""
    weights = record.weights
    parts = {
        "Adapters": _adapters(record),
        "Call it": f"{_call(record)}\n\n{_traps()}\n\n{tensor_table(record)}",
        **({"Made smaller": small} if (small := _smaller(record)) else {}),
        "Classes": "\n\n".join(
            f"### {inline(adapter.name)}\n\n{class_list(adapter.classes)}" for adapter in record.adapters
        ),
        "Licence and provenance": f"- Pretrained weights: {inline(weights.origin)} ({weights.kind}), licence: "
        f"{inline(weights.licence)}.\n- Settings, versions and every figure of each run: `{n.RECORD_FILE}`.",
    }
    return "\n\n".join([_title(record), *(f"## {title}\n\n{text}" for title, text in parts.items())]) + "\n"


def _title(record: BundleRecord) -> str:
    size = f"{record.model.bytes / 1e6:.1f} MB, opset {record.model.opset}"
    return (
        f"# {inline(record.backbone)}: {len(record.adapters)} classifiers of photos on one base\n\n"
        f"Fine-tuned and exported by visionft {record.visionft}, {record.created[:10]}.\n"
        f"`{n.MODEL_FILE}` ({size}) is what they share and answers nothing by itself: a file in `{n.ADAPTER_FOLDER}/` "
        "makes a classifier of it.\nOne session serves them all; each call chooses."
    )


def _adapters(record: BundleRecord) -> str:
    head = (
        "| adapter | MB | classes | rank | temperature | threshold | photos checked | same label as its run | "
        "probabilities apart |\n|---|---|---|---|---|---|---|---|---|"
    )
    return "\n".join([head, *(_row(adapter) for adapter in record.adapters)])


def _row(adapter: AdapterRecord) -> str:
    found = adapter.agreement
    proof = (
        ("", "", "")
        if found is None
        else (f"{found.n:,}", f"{found.agreement:.2%}", f"at most {found.max_probability_difference:.2g}")
    )
    threshold = "none" if adapter.threshold is None else f"{adapter.threshold:.4g}"
    size, count = f"{adapter.bytes / 1e6:.2f}", f"{len(adapter.classes):,}"
    cells = (adapter.name, size, count, str(adapter.rank), f"{adapter.temperature:.4g}", threshold, *proof)
    return f"| {' | '.join(cells)} |"


def _smaller(record: BundleRecord) -> str:
    lines = [
        f"- {adapter.name}: {sentence}."
        for adapter in record.adapters
        if adapter.shrunken is not None
        for sentence in sentences(adapter.shrunken)
    ]
    if not lines:
        return ""
    head = f"The base is in {record.model.precision}; adapters, heads and the resize are not touched.\n"
    return "\n".join([head, *lines])


def _call(record: BundleRecord) -> str:
    return CALL.format(
        record=n.RECORD_FILE, model=n.MODEL_FILE, name=record.adapters[0].name, image=n.IMAGE,
        index=n.CLASS_INDEX, probability=n.PROBABILITY,
    )  # fmt: skip


def _traps() -> str:
    return (
        "- One adapter a call: of two with the same tensors onnxruntime takes the first and says nothing.\n"
        "- `run_with_iobinding` ignores adapters and says nothing.\n"
        "- Without an adapter every probability is not-a-number.\n"
        "- A runtime without adapters can be fed the tensors of the file as inputs of the same names."
    )
