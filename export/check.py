"""Check a bundle against its own golden vectors, where it will serve.

python check.py BUNDLE needs onnxruntime and numpy, nothing of visionft. Exit code 0: the bundle answers as it did at
export; 1: it does not; 2: wrong usage.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort

SCHEMA_VERSION = 1
SCORE_TOLERANCE = 1e-2  # of logits, embedding and known_score, where golden/ has none of its own
TYPES = {
    "uint8": "tensor(uint8)",
    "int64": "tensor(int64)",
    "float32": "tensor(float)",
    "bool": "tensor(bool)",
    "string": "tensor(string)",
}


def check(folder: Path) -> Iterator[str]:
    """Yield one line for every fault of the bundle; none means that it conforms."""
    record, faults = read_record(folder)
    if record is None:
        yield from faults
        return
    model = folder / record["model"]["file"]
    if not model.is_file():
        yield f"{model.name} is missing"
        return
    content = model.read_bytes()
    if hashlib.sha256(content).hexdigest() != record["model"]["sha256"]:
        yield f"{model.name} is damaged: {len(content):,} bytes, its digest is not the one in bundle.json"
        return
    try:
        session = ort.InferenceSession(content, providers=["CPUExecutionProvider"])
    except Exception as error:  # noqa: BLE001 - onnxruntime's errors have no common ancestor
        yield f"{model.name} cannot be opened by onnxruntime {ort.__version__}: {str(error).splitlines()[0]}"
        return
    faults = [*check_classes(record, session), *check_tensors(record, session)]
    # Answers say nothing as long as the tensors are not the promised ones.
    yield from faults or check_golden(folder, record, session)


def read_record(folder: Path) -> tuple[dict[str, Any] | None, list[str]]:
    """Return bundle.json, or None and why not."""
    try:
        record = json.loads((folder / "bundle.json").read_text(encoding="utf-8"))
        version = record["schema_version"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        return None, [f"bundle.json cannot be read: {type(error).__name__}: {error}"]
    if version != SCHEMA_VERSION:
        return None, [f"bundle.json has schema version {version}, this check knows {SCHEMA_VERSION}"]
    return record, []


def check_classes(record: dict[str, Any], session: ort.InferenceSession) -> Iterator[str]:
    """Compare names, their hash and the names inside the model."""
    if hashlib.sha256("\n".join(record["classes"]).encode()).hexdigest() != record["classes_hash"]:
        yield "bundle.json: classes do not match classes_hash"
    inside = session.get_modelmeta().custom_metadata_map
    if json.loads(inside.get("visionft.classes", "null")) != record["classes"]:
        yield "model.onnx holds other classes than bundle.json"


def check_tensors(record: dict[str, Any], session: ort.InferenceSession) -> Iterator[str]:
    """Compare the graph's inputs and outputs with the table."""
    found = {("in", value.name): value for value in session.get_inputs()}
    found |= {("out", value.name): value for value in session.get_outputs()}
    wanted = {(row["direction"], row["name"]): row for row in record["tensors"]}
    for direction, name in sorted(found.keys() ^ wanted.keys()):
        yield f"{direction} {name} is {'not in bundle.json' if (direction, name) in found else 'not in model.onnx'}"
    for key in sorted(found.keys() & wanted.keys()):
        value, row = found[key], wanted[key]
        if value.type != TYPES[row["dtype"]] or list(value.shape) != row["shape"]:
            yield f"{key[0]} {key[1]} is {value.type} {value.shape}, bundle.json says {row['dtype']} {row['shape']}"


def check_golden(folder: Path, record: dict[str, Any], session: ort.InferenceSession) -> Iterator[str]:
    """Answer every golden photo alone and twice in one batch, from its raw RGB."""
    if record["golden"]["kind"] == "none":
        return
    try:
        expected = json.loads((folder / "golden" / "expected.json").read_text(encoding="utf-8"))
        photos = [(row, np.load(folder / "golden" / row["pixels"], allow_pickle=False)) for row in expected["photos"]]
    except (OSError, ValueError, KeyError) as error:
        yield f"golden/ cannot be read: {type(error).__name__}: {error}"
        return
    if len(photos) != record["golden"]["n"]:
        yield f"golden/ has {len(photos)} photos, bundle.json says {record['golden']['n']}"
    threshold = np.float32(-np.inf if record["threshold"] is None else record["threshold"])
    names = [value.name for value in session.get_outputs()]
    for row, pixels in photos:
        for batch in (pixels[None], np.stack([pixels, pixels])):
            answers = dict(zip(names, session.run(names, {"image": batch}), strict=True))
            for i in range(len(batch)):
                where = f"golden/{row['pixels']} (photo {i + 1} of a batch of {len(batch)})"
                answer = {name: values[i] for name, values in answers.items()}
                yield from (f"{where}: {fault}" for fault in compare(row, answer, expected))
                if answer["unknown"] != bool(answer["known_score"] < threshold):
                    yield f"{where}: unknown is {answer['unknown']}, by the threshold in bundle.json it is not"


def compare(row: dict[str, Any], answer: dict[str, Any], allow: dict[str, Any]) -> Iterator[str]:
    """Yield one fault for every answer that is off, but for the flag, which the threshold decides."""
    tolerance, score = allow["tolerance"], allow.get("score_tolerance", SCORE_TOLERANCE)
    probabilities = np.asarray(row["probabilities"])
    best = np.sort(probabilities)[::-1]
    tie = len(best) > 1 and best[0] - best[1] < 2 * tolerance  # labels of nearly equal probability may swap
    for name in ("label", "class_index"):
        if answer[name] != row[name] and not tie:
            yield f"{name} is {answer[name]}, expected {row[name]}"
    # Scores count relative to the largest: they differ by more than probabilities, and nobody reads them bare.
    allowed = dict.fromkeys(("probability", "probabilities"), tolerance)
    for name in ("logits", "known_score", "embedding"):
        allowed[name] = score * max(1.0, float(np.abs(row[name]).max()))
    for name, limit in allowed.items():
        difference = float(np.abs(np.asarray(answer[name]) - np.asarray(row[name])).max())
        if not difference <= limit:
            yield f"{name} is off by {difference:.3g}, {limit:.3g} may be"


def main(arguments: list[str]) -> int:
    """Print the faults of the bundle, or that there is none."""
    if len(arguments) != 1:
        print("usage: python check.py BUNDLE", file=sys.stderr)
        return 2
    folder = Path(arguments[0])
    faults = list(check(folder))
    for fault in faults:
        print(fault)
    if faults:
        print(f"{folder} does not conform: {len(faults)} fault{'' if len(faults) == 1 else 's'}")
        return 1
    golden = json.loads((folder / "bundle.json").read_text(encoding="utf-8"))["golden"]
    print(
        f"{folder} conforms: {golden['n']} golden photos"
        if golden["n"]
        else f"{folder} conforms; it has no golden photos"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
