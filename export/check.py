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

VERSIONS = (1, 2, 3)  # 2: one base with adapters, which answers nothing by itself; 3: answers that are no classes
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
    damaged = list(check_digests(folder, record))
    if damaged:
        yield from damaged
        return
    model = folder / "model.onnx"
    if not is_plain(model):
        yield f"{model.name} is missing, or no regular file"
        return
    content = model.read_bytes()
    if hashlib.sha256(content).hexdigest() != record["model"]["sha256"]:
        yield f"{model.name} is damaged: {len(content):,} bytes, its digest is not the one in bundle.json"
        return
    if reads_other_files(content):
        yield f"{model.name} keeps tensors in other files, or is no ONNX file: it must not be opened"
        return
    options = ort.SessionOptions()
    options.add_session_config_entry("session.load_model_format", "ONNX")
    options.log_severity_level = 3  # else a base for adapters warns of each of their inputs
    try:
        session = ort.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # noqa: BLE001 - onnxruntime's errors have no common ancestor
        yield f"{model.name} cannot be opened by onnxruntime {ort.__version__}: {str(error).splitlines()[0]}"
        return
    faults = [*check_classes(record, session), *check_tensors(record, session)]
    # Answers say nothing as long as the tensors are not the promised ones.
    yield from faults or check_answers(folder, record, session)


def read_record(folder: Path) -> tuple[dict[str, Any] | None, list[str]]:
    """Return bundle.json, or None and why not."""
    try:
        if not is_plain(folder / "bundle.json"):
            return None, ["bundle.json is missing, or no regular file"]
        record = json.loads((folder / "bundle.json").read_text(encoding="utf-8"))
        version = record["schema_version"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        return None, [f"bundle.json cannot be read: {type(error).__name__}: {error}"]
    if version not in VERSIONS:
        return None, [f"bundle.json has schema version {version}, this check knows {', '.join(map(str, VERSIONS))}"]
    return record, []


def check_digests(folder: Path, record: dict[str, Any]) -> Iterator[str]:
    """Compare every file with digests.json, which bundles of older versions lack."""
    if not (folder / "digests.json").exists():
        provenance = record.get("provenance")
        if isinstance(provenance, dict) and provenance.get("bundle_layout", 1) != 1:
            yield "digests.json is missing: whether bundle.json is as it was written, nobody can know"
        return
    if not is_plain(folder / "digests.json"):
        yield "digests.json is missing, or no regular file"
        return
    try:
        listed = json.loads((folder / "digests.json").read_text(encoding="utf-8"))["files"]
        pairs = [(str(name), str(entry["sha256"])) for name, entry in listed.items()]
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        yield f"digests.json cannot be read: {type(error).__name__}: {error}"
        return
    for name, digest in pairs:
        if name.startswith("/") or ".." in name.split("/") or not is_plain(folder / name):
            yield f"{name} is missing, or no regular file of the bundle"
        elif hashlib.sha256((folder / name).read_bytes()).hexdigest() != digest:
            yield f"{name} is damaged: its digest is not the one in digests.json"


def is_plain(path: Path) -> bool:
    """Tell whether there is a regular file, and no link."""
    return path.is_file() and not path.is_symlink()


# Fields of ONNX's messages that lead to tensors: (message, field) -> message. In a tensor, field 13 names another file
# that holds it, and field 14 says that one does.
INNER = {
    ("model", 7): "graph", ("model", 20): "training", ("model", 25): "function", ("graph", 1): "node",
    ("graph", 5): "tensor", ("graph", 15): "sparse", ("node", 5): "attribute", ("attribute", 5): "tensor",
    ("attribute", 6): "graph", ("attribute", 10): "tensor", ("attribute", 11): "graph", ("attribute", 22): "sparse",
    ("attribute", 23): "sparse", ("sparse", 1): "tensor", ("sparse", 2): "tensor", ("function", 7): "node",
    ("function", 11): "attribute", ("training", 1): "graph", ("training", 2): "graph",
}  # fmt: skip


def reads_other_files(content: bytes) -> bool:
    """Tell whether onnxruntime would read other files for a model, with the rights of who serves it."""
    try:
        return content[4:8] == b"ORTM" or any(has_external(content, 0, len(content), "model"))
    except (IndexError, ValueError, RecursionError):
        return True


def has_external(content: bytes, place: int, end: int, message: str) -> Iterator[bool]:
    """Yield True for every tensor that lies in another file; ValueError where the bytes are no ONNX file."""
    while place < end:
        key, place = varint(content, place)
        kind, start = key & 7, place
        if kind == 0:
            value, place = varint(content, place)
        elif kind == 2:
            value, start = varint(content, place)
            place = start + value
        elif kind in (1, 5):
            place += 8 if kind == 1 else 4
        else:
            raise ValueError("a wire type that ONNX does not use")
        if place > end:
            raise ValueError("a field that is longer than its message")
        if message == "tensor" and (key >> 3 == 13 or (key >> 3 == 14 and (kind, value) != (0, 0))):
            yield True
        if (message, key >> 3) in INNER:
            yield from has_external(content, start, place, INNER[message, key >> 3])


def varint(content: bytes, place: int) -> tuple[int, int]:
    """Return a number of protobuf and where it ends."""
    value = shift = 0
    while True:
        byte = content[place]
        value, place, shift = value | (byte & 127) << shift, place + 1, shift + 7
        if byte < 128:
            return value, place
        if shift > 63:
            raise ValueError("a number that is too long")


def check_classes(record: dict[str, Any], session: ort.InferenceSession) -> Iterator[str]:
    """Compare names, their hash and the names inside the model."""
    for owner in (record, *record.get("adapters", ())):
        if hashlib.sha256("\n".join(owner["classes"]).encode()).hexdigest() != owner["classes_hash"]:
            of = f" of the adapter {owner['name']}" if "name" in owner else ""
            yield f"bundle.json: classes{of} do not match classes_hash"
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


def check_answers(folder: Path, record: dict[str, Any], session: ort.InferenceSession) -> Iterator[str]:
    """Answer the golden photos, through each adapter where there are some."""
    if not record.get("adapters"):
        yield from check_golden(folder / "golden", "golden", record, session)
    for own in record.get("adapters", ()):
        file = folder / own["file"]
        if not is_plain(file) or hashlib.sha256(file.read_bytes()).hexdigest() != own["sha256"]:
            yield f"{own['file']} is missing or damaged: its digest is not the one in bundle.json"
            continue
        adapter, options = ort.LoraAdapter(), ort.RunOptions()  # the options do not keep the adapter alive
        adapter.Load(str(file))
        options.add_active_adapter(adapter)
        yield from check_golden(folder / "golden" / own["name"], f"golden/{own['name']}", own, session, options)


def check_golden(
    place: Path, name: str, record: dict[str, Any], session: ort.InferenceSession, options: ort.RunOptions | None = None
) -> Iterator[str]:
    """Answer every golden photo alone and twice in one batch, from its raw RGB."""
    if record["golden"]["kind"] == "none":
        return
    try:
        expected = json.loads(golden_file(place, "expected.json").read_text(encoding="utf-8"))
        rows = [(row, golden_file(place, row["pixels"])) for row in expected["photos"]]
        photos = [(row, np.load(file, allow_pickle=False)) for row, file in rows]
    except (OSError, ValueError, KeyError, TypeError, EOFError, RecursionError) as error:
        yield f"{name}/ cannot be read: {type(error).__name__}: {error}"
        return
    if len(photos) != record["golden"]["n"]:
        yield f"{name}/ has {len(photos)} photos, bundle.json says {record['golden']['n']}"
    threshold = np.float32(-np.inf if record["threshold"] is None else record["threshold"])
    for row, pixels in photos:
        for batch in (pixels[None], np.stack([pixels, pixels])):
            answers = ask(session, batch, record["classes"], options)
            for i in range(len(batch)):
                where = f"{name}/{row['pixels']} (photo {i + 1} of a batch of {len(batch)})"
                answer = {key: values[i] for key, values in answers.items()}
                if "allowed" in row:
                    yield from (f"{where}: {fault}" for fault in compare_numbers(row, answer))
                    continue
                yield from (f"{where}: {fault}" for fault in compare(row, answer, expected))
                if answer["unknown"] != bool(answer["known_score"] < threshold):
                    yield f"{where}: unknown is {answer['unknown']}, by the threshold in bundle.json it is not"


def golden_file(place: Path, name: str) -> Path:
    """Return a file of a golden folder; ValueError for a link, for what is no file, and for one that lies elsewhere."""
    if Path(name).name != name or place.is_symlink() or not is_plain(place / name):
        raise ValueError(f"{name} is missing, or no regular file of the bundle")
    return place / name


def ask(
    session: ort.InferenceSession, batch: np.ndarray, classes: list[str], options: ort.RunOptions | None
) -> dict[str, Any]:
    """Return every output by name; a base for adapters has no label, so that it is looked up."""
    names = [value.name for value in session.get_outputs()]
    answers = dict(zip(names, session.run(names, {"image": batch}, options), strict=True))
    if "class_index" not in answers:
        return answers
    labels = [classes[i] if i < len(classes) else None for i in answers["class_index"]]
    return {"label": labels, **answers}


def compare_numbers(row: dict[str, Any], answer: dict[str, Any]) -> Iterator[str]:
    """Yield one fault for every output that is off by more than its golden answer allows."""
    for name, limit in row["allowed"].items():
        found, wanted = np.asarray(answer[name]), np.asarray(row[name])
        difference = float(np.abs(found - wanted).max()) if found.shape == wanted.shape else np.inf
        if not difference <= limit:
            yield f"{name} is off by {difference:.3g}, {limit:.3g} may be"


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
        found, wanted = np.asarray(answer[name]), np.asarray(row[name])
        if found.shape != wanted.shape:
            yield f"{name} has the shape {list(found.shape)}, expected {list(wanted.shape)}"
            continue
        difference = float(np.abs(found - wanted).max())
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
    record = json.loads((folder / "bundle.json").read_text(encoding="utf-8"))
    golden = sum(owner["golden"]["n"] for owner in record.get("adapters") or [record])
    print(f"{folder} conforms: {golden} golden photos" if golden else f"{folder} conforms; it has no golden photos")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
