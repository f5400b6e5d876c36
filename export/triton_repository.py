"""Write a model repository for NVIDIA Triton from a bundle, with nothing to edit by hand.

python triton_repository.py BUNDLE REPOSITORY [NAME] writes REPOSITORY/NAME/config.pbtxt and
REPOSITORY/NAME/1/model.onnx; NAME is the bundle's folder unless given. Needs Python alone. Exit code 0: written;
1: it was not; 2: wrong usage.
"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

SCHEMA_VERSION = 1
LARGEST_BATCH = 32  # more photos at once bring no further speed on a processor
LONGEST_WAIT = 2000  # microseconds in which requests gather to a batch: little beside the answer itself
TYPES = {
    "uint8": "TYPE_UINT8",
    "int64": "TYPE_INT64",
    "float32": "TYPE_FP32",
    "bool": "TYPE_BOOL",
    "string": "TYPE_STRING",
}


def config(name: str, record: dict[str, Any]) -> str:
    """Return config.pbtxt: tensors and hashes from bundle.json; Triton gathers photos of one size to batches."""
    tensors = [f"{row['direction']}put {tensor(row)}" for row in record["tensors"]]
    lines = [
        f"name: {quoted(name)}",
        'backend: "onnxruntime"',
        f"max_batch_size: {LARGEST_BATCH}",
        *tensors,
        f"dynamic_batching {{ max_queue_delay_microseconds: {LONGEST_WAIT} }}",
        parameter("visionft.classes_hash", record["classes_hash"]),
        parameter("visionft.model_sha256", record["model"]["sha256"]),
    ]
    return "\n".join(lines) + "\n"


def tensor(row: dict[str, Any]) -> str:
    """Return one input or output without its first dimension, which is the batch that Triton adds."""
    sizes = [-1 if isinstance(size, str) else size for size in row["shape"][1:]]
    # Triton wants a dimension where one photo's answer has none: its clients then see [N, 1].
    shape = f"dims: {sizes}" if sizes else "dims: [1] reshape: { shape: [] }"
    return f"{{ name: {quoted(row['name'])} data_type: {TYPES[row['dtype']]} {shape} }}"


def parameter(key: str, value: str) -> str:
    """Return an entry that Triton's model configuration endpoint gives back."""
    return f"parameters {{ key: {quoted(key)} value {{ string_value: {quoted(value)} }} }}"


def quoted(text: str) -> str:
    """Return a string of protobuf's text format, whose escapes for these characters are JSON's."""
    return json.dumps(text, ensure_ascii=False)


def write(bundle: Path, repository: Path, name: str) -> Path:
    """Write one model; its folder is returned."""
    record = json.loads((bundle / "bundle.json").read_text(encoding="utf-8"))
    if record["schema_version"] != SCHEMA_VERSION:
        raise ValueError(
            f"bundle.json has schema version {record['schema_version']}, this script knows {SCHEMA_VERSION}"
        )
    if (bundle / "model.onnx").is_symlink():
        raise ValueError("model.onnx is a link, which no bundle has; run check.py first")
    model = repository / name
    (model / "1").mkdir(parents=True)
    shutil.copyfile(bundle / "model.onnx", model / "1" / "model.onnx")
    (model / "config.pbtxt").write_text(config(name, record), encoding="utf-8")
    return model


def main(arguments: list[str]) -> int:
    """Write the model repository and say how to start it."""
    if len(arguments) not in (2, 3):
        print("usage: python triton_repository.py BUNDLE REPOSITORY [NAME]", file=sys.stderr)
        return 2
    bundle, repository = Path(arguments[0]), Path(arguments[1])
    try:
        model = write(bundle, repository, arguments[2] if len(arguments) == 3 else bundle.resolve().name)
    except (OSError, ValueError, KeyError, TypeError) as error:
        print(f"{bundle} was not written as a model of Triton ({type(error).__name__}: {error})", file=sys.stderr)
        return 1
    print(f"{model} is written\nNext: tritonserver --model-repository {repository}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
