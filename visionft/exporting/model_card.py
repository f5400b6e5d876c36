"""The model card: README.md of a bundle."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic import JsonValue

from visionft.bundle import names as n
from visionft.bundle.quantization_record import QuantizationRecord
from visionft.bundle.schema import BundleRecord, TargetRecord
from visionft.exporting.markdown import inline
from visionft.exporting.parity import NEAR_TIE_GAP
from visionft.metrics.results import TOP

SHOWN_CLASSES = 200
FIGURES = {
    "top1": "top-1", "top5": "top-5", "macro_f1": "macro-F1", "balanced_accuracy": "balanced accuracy",
    "log_loss": "log-loss", "ece": "expected calibration error", "n": "photos",
}  # fmt: skip
CALL = f"""```python
import numpy as np
import onnxruntime as ort
from PIL import Image, ImageOps

session = ort.InferenceSession("{n.MODEL_FILE}")
photo = ImageOps.exif_transpose(Image.open("photo.jpg")).convert("RGB")
pixels = np.asarray(photo)[None]  # uint8 (1, height, width, 3), any size: the graph resizes and normalises
label, probability = session.run(["{n.LABEL}", "{n.PROBABILITY}"], {{"{n.IMAGE}": pixels}})
print(label[0], float(probability[0]))
```"""


def card(record: BundleRecord) -> str:
    """Return the card in Markdown: what the model is, its figures, how to call it, licence and provenance."""
    parts = {
        "Figures": _figures(record),
        "Probabilities and unknown products": _fitted(record),
        "Call it": f"{CALL}\n\n{tensor_table(record)}",
        "Classes": _classes(record),
        "The exported file": _proof(record),
        **({"Made smaller": _smaller(record)} if record.shrunken is not None else {}),
        "Licence and provenance": provenance(record),
    }
    return assembled(_title(record), parts)


def assembled(title: str, parts: Mapping[str, str]) -> str:
    """Return a card in Markdown: its title, then each part under its heading."""
    return "\n\n".join([title, *(f"## {heading}\n\n{text}" for heading, text in parts.items())]) + "\n"


def measured_sets(record: BundleRecord) -> Iterator[tuple[str, Any]]:
    """Yield what a run was measured on, as Markdown, with the figures there: those on validation, then other sets."""
    for name, values in record.figures.items():
        inner: Any = values.get("val") if isinstance(values, dict) and "val" in values else values
        if isinstance(inner, dict):
            yield "validation" if inner is not values else inline(name), inner


UNMEASURED = "None was measured: `visionft evaluate` does so."


def _title(record: BundleRecord) -> str:
    height, width = record.preprocess["size"] if isinstance(record.preprocess["size"], list) else (0, 0)
    return (
        f"# {inline(record.backbone)}: {len(record.classes)} classes of photos\n\n"
        f"A photo classifier, fine-tuned and exported by visionft {record.visionft}, {record.created[:10]}.\n"
        f"The network sees {height} x {width} pixels; `{n.MODEL_FILE}` takes RGB photos of any size.\n"
        "It knows the classes below and no others, and is as good as your photos resemble those it learnt from."
    )


def _figures(record: BundleRecord) -> str:
    measured = [(name, found) for name, _, found in _sets(record) if found]
    if not measured:
        return "None was measured: `visionft evaluate` does so."
    return "\n".join(f"- {inline(name)}: {', '.join(found)}" for name, found in measured)


def _sets(record: BundleRecord) -> Iterator[tuple[str, dict[str, Any], list[str]]]:
    """Yield the name, the values and the figures in words of every set of photos that was measured."""
    rows = [(name, values) for name, values in record.figures.items() if isinstance(values, dict)]
    rows += [
        (f"{name}: {key}", value) for name, inner in rows for key, value in inner.items() if isinstance(value, dict)
    ]
    yield from ((name, values, _numbers(values, len(record.classes))) for name, values in rows if "top1" in values)


def _numbers(values: dict[str, JsonValue], classes: int) -> list[str]:
    idle = {"top5"} if classes <= TOP else set()
    known = {word: values[key] for key, word in FIGURES.items() if key in values and key not in idle}
    found = [f"{word} {_figure(value)}" for word, value in known.items() if isinstance(value, int | float)]
    return [*found, *_left_out(values), *_seen(values, classes)]


def _left_out(values: dict[str, JsonValue]) -> list[str]:
    """Say how many of the photos that were asked for have no part in the figures; older runs do not know."""
    account = values.get("account")
    asked, measured = (account.get(key) for key in ("asked", "measured")) if isinstance(account, dict) else (0, 0)
    if not isinstance(asked, int) or not isinstance(measured, int) or asked == measured:
        return []
    return [f"{asked - measured:,} of {asked:,} photos that were asked for are left out"]


def _seen(values: dict[str, JsonValue], classes: int) -> list[str]:
    """Say how many of the photos the run was trained on or chosen by, and what the figures are without them."""
    seen = values.get("seen")
    train, validation = (seen.get(key) for key in ("train", "validation")) if isinstance(seen, dict) else (0, 0)
    if not isinstance(seen, dict) or not isinstance(train, int) or not isinstance(validation, int):
        return []
    if not train + validation:
        return []
    told = f"of these photos the run was trained on {train:,} and chosen by {validation:,}"
    new = seen.get("new")
    if not isinstance(new, dict):
        return [f"{told}, and no other is left: these figures say nothing about new photos"]
    return [f"{told}: without them {', '.join(_numbers(new, classes))}"]


def _figure(value: float) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:.4f}"


def _fitted(record: BundleRecord) -> str:
    before = [
        f"- {inline(split)}: calibration error {_error(values, inner)}, log-loss {inner['log_loss']:.4f} before and "
        f"{values['log_loss']:.4f} after."
        for split, values, inner in _calibrated(record)
    ]
    temperature = f"- Logits are divided by the temperature {record.temperature:.4g}"
    fitted = f"{temperature}: none was fitted." if record.temperature == 1 else f"{temperature}, fitted to validation."
    if record.threshold is None or record.accepted is None:
        known = f"- There is no threshold: no photo is answered `{n.UNKNOWN}`."
    else:
        known = (
            f"- A photo is `{n.UNKNOWN}` if its `{n.KNOWN_SCORE}` is below {record.threshold:.4g}. By the validation "
            f"photos that accepts {record.accepted:.1%} of photos of the classes below.\n"
            "  How many photos of other products pass depends on how much they resemble these classes."
        )
    return "\n".join([fitted, *before, known])


def _calibrated(record: BundleRecord) -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    """Yield name, figures and figures before calibration of every set measured at the bundle's temperature."""
    for name, values, _ in _sets(record):
        inner = values.get("uncalibrated")
        if isinstance(inner, dict) and values.get("temperature") == record.temperature:
            yield name, values, inner


def _error(values: dict[str, Any], before: dict[str, Any]) -> str:
    pairs = ((before["ece"], before["ece_interval"]), (values["ece"], values["intervals"]["ece"]))
    first, second = (f"{ece:.1%} ({low:.1%} to {high:.1%})" for ece, (low, high) in pairs)
    return f"{first} before and {second} after"


def tensor_table(record: BundleRecord) -> str:
    """Return the table of inputs and outputs in Markdown."""
    rows = "\n".join(
        f"| {row.direction} `{row.name}` | {row.dtype} [{', '.join(map(str, row.shape))}] | {row.meaning} |"
        for row in record.tensors
    )
    return f"| tensor | type | meaning |\n|---|---|---|\n{rows}"


def _classes(record: BundleRecord) -> str:
    return class_list(record.classes)


def class_list(classes: Sequence[str]) -> str:
    """Return the classes by their index, in Markdown."""
    shown = "\n".join(f"{i}. {inline(name)}" for i, name in enumerate(classes[:SHOWN_CLASSES]))
    rest = len(classes) - SHOWN_CLASSES
    return shown if rest <= 0 else f"{shown}\n\nand {rest:,} more in `{n.RECORD_FILE}`."


def _proof(record: BundleRecord) -> str:
    found = record.agreement
    lines = [proven_file(record).splitlines()[0]]
    close = "" if record.shrunken is not None else f", where the two best are within {NEAR_TIE_GAP}"
    if found is not None:
        lines += [
            f"- Beside the trained model, on {found.n:,} validation photos from their encoded bytes: the same label on "
            f"{found.agreement:.2%}, probabilities at most {found.max_probability_difference:.2g} apart,",
            f"  resized pixels at most {found.max_pixel_difference:.0f} of 255 levels apart.",
            f"- Labels that differ{close}: {len(found.near_ties)}.",
        ]
    if record.target is not None:
        sentence = tried(record.target)
        lines.append(f"- {sentence[0].upper()}{sentence[1:]}.")
        if record.target.runtime.startswith(f"{n.OPENVINO_FOLDER}=="):
            lines.append(
                f"- `{n.OPENVINO_FOLDER}/{n.OPENVINO_FILE}`, with `model.bin`: the same graph in OpenVINO's format, "
                "with the same tensors; compile it with `INFERENCE_PRECISION_HINT` f32, as it was tried."
            )
    return "\n".join([*lines, proven_file(record).splitlines()[1]])


def proven_file(record: BundleRecord) -> str:
    """Return the file with its size and digest, and what golden vectors there are, a line each."""
    model, golden = record.model, record.golden
    size = f"{model.bytes / 1e6:.1f} MB, opset {model.opset}, {model.precision}"
    vectors = f"{golden.n} photos in `{n.GOLDEN_FOLDER}/`" if golden.n else "left out, since the photos are private"
    return f"- `{model.file}`: {size}, SHA-256 `{model.sha256}`.\n- Golden vectors: {vectors}."


def tried(target: TargetRecord) -> str:
    """Return how the bundle did under the runtime that it was written for."""
    return (
        f"under {target.runtime}, {target.n:,} photos have the same answers as under the onnxruntime of the export, "
        f"probabilities at most {target.max_probability_difference:.2g} apart"
    )


def sentences(shrunken: QuantizationRecord) -> list[str]:
    """Return how a network was made smaller and what its gates measured, a sentence each."""
    flips = [
        f"{each.given}: {each.lost} of {each.n:,} validation photos went from right to wrong and {each.gained} from "
        f"wrong to right; the loss is under {each.upper * 100:.2f} points of top-1 with 95 % certainty"
        for each in shrunken.flips
    ]
    speeds = [
        f"{'the network' if each.part == 'network' else 'the whole, resize included,'} at batch {each.batch}: "
        f"{each.ratio:.2f} times as fast as fp32 ({each.low:.2f} to {each.high:.2f})"
        for each in shrunken.speeds
    ]
    slower = ["it is not faster than fp32 by the gate's measure, which was allowed"] if shrunken.allowed else []
    return [shrunken.recipe, *flips, *speeds, *slower]


def _smaller(record: BundleRecord) -> str:
    shrunken = record.shrunken
    assert shrunken is not None, "asked for where there is one alone"
    machine = shrunken.machine
    lines = [
        f"The network half is in {record.model.precision}; the resize is not touched. The figures above are the "
        f"trained model's in fp32, whose file has {shrunken.bytes_fp32 / 1e6:.1f} MB. "
        "Golden answers are this file's own.\n",
        *(f"- {sentence[0].upper()}{sentence[1:]}." for sentence in sentences(shrunken)),
        f"- Timed in turn on {machine.processor}, {machine.cores} cores, onnxruntime {machine.onnxruntime}.",
    ]
    if record.model.precision == "int8":
        lines.append(
            "- On x86 processors without VNNI sums of int8 products can saturate: run `check.py` where it will serve."
        )
    return "\n".join(lines)


def _unfinished(record: BundleRecord) -> str:
    if not record.provenance.get("unfinished"):
        return ""
    return (
        f"- The run was not finished: these are its best weights so far, of epoch {record.provenance.get('epoch')}.\n"
    )


def provenance(record: BundleRecord) -> str:
    """Return weights, origin, teacher and fingerprint of the photos, a line each."""
    weights, blend, origin = record.weights, record.provenance.get("blend"), record.provenance.get("origin")
    teacher = record.provenance.get("teacher")
    taught = f"- Taught by the run {inline(teacher['path'])} (distillation).\n" if isinstance(teacher, dict) else ""
    went_on = f"- Went on from the run {inline(origin['path'])}.\n" if isinstance(origin, dict) else ""
    blended = f"- Blended: {blend} of the way from the start to the trained weights (WiSE-FT, arXiv 2109.01903).\n"
    return (
        f"- Pretrained weights: {inline(weights.origin)} ({weights.kind}), licence: {inline(weights.licence)}.\n"
        f"{went_on}{taught}{blended if blend is not None else ''}"
        f"{_unfinished(record)}- Data fingerprint: `{record.provenance.get('data_fingerprint')}`.\n"
        f"- Settings, versions and every figure: `{n.RECORD_FILE}`."
    )
