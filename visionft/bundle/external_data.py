"""Whether an ONNX file stands for itself: one that names other files has onnxruntime read them with our rights.

The file is walked as protobuf, field by field, before onnxruntime sees it, and without loading onnx, which takes a
third of a second. What cannot be followed is refused.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from pathlib import Path

from visionft.files.safe_open import MODEL_BYTES, UnreadableError, opened

TENSOR, MODEL, GRAPH, NODE, ATTRIBUTE, SPARSE, FUNCTION, TRAINING = (
    "TensorProto", "ModelProto", "GraphProto", "NodeProto", "AttributeProto", "SparseTensorProto", "FunctionProto",
    "TrainingInfoProto",
)  # fmt: skip
INNER: dict[str, dict[int, str]] = {
    MODEL: {7: GRAPH, 20: TRAINING, 25: FUNCTION},
    GRAPH: {1: NODE, 5: TENSOR, 15: SPARSE},
    NODE: {5: ATTRIBUTE},
    ATTRIBUTE: {5: TENSOR, 6: GRAPH, 10: TENSOR, 11: GRAPH, 22: SPARSE, 23: SPARSE},
    SPARSE: {1: TENSOR, 2: TENSOR},
    FUNCTION: {7: NODE, 11: ATTRIBUTE},
    TRAINING: {1: GRAPH, 2: GRAPH},
    TENSOR: {},
}
"""Messages of onnx.proto that can hold a tensor, by field number."""
EXTERNAL_DATA, DATA_LOCATION = 13, 14
"""Fields of TensorProto: the file that holds it, and whether one does."""
DEEPEST = 64
"""Messages within each other; graphs in graphs are rare, and each is three deep."""
VARINT_BYTES = 10
ORT_MARK = b"ORTM"
"""Of onnxruntime's own format, which it would open too, and which names other files otherwise."""

Buffer = mmap.mmap | bytes


def require_self_contained(path: Path) -> None:
    """Raise UnreadableError where a model keeps tensors in other files, or is no ONNX file."""
    with opened(path, MODEL_BYTES, inside=path.parent) as file:
        try:
            content = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except ValueError as error:
            raise UnreadableError("it is empty") from error
        with content:
            if content[4:8] == ORT_MARK:
                raise UnreadableError("it is a file of onnxruntime's own format, not ONNX")
            _walk(content, 0, len(content), MODEL, 0)


def _walk(content: Buffer, start: int, end: int, kind: str, depth: int) -> None:
    if depth > DEEPEST:
        raise UnreadableError("its graphs lie too deep within each other")
    inner = INNER[kind]
    for number, wire, first, last in _fields(content, start, end):
        if kind == TENSOR and (
            number == EXTERNAL_DATA or (number == DATA_LOCATION and not _is_zero(content, first, wire))
        ):
            raise UnreadableError("it keeps tensors in another file, which a bundle's model must not")
        if number in inner:
            if wire != 2:
                raise UnreadableError("it is no ONNX file")
            _walk(content, first, last, inner[number], depth + 1)


def _is_zero(content: Buffer, first: int, wire: int) -> bool:
    return wire == 0 and content[first] == 0


def _fields(content: Buffer, start: int, end: int) -> Iterator[tuple[int, int, int, int]]:
    """Yield number, wire type, first byte and end of every field of a message."""
    place = start
    while place < end:
        key, place = _varint(content, place, end)
        number, wire = key >> 3, key & 7
        first = place
        if wire == 0:
            _, place = _varint(content, place, end)
        elif wire == 2:
            length, first = _varint(content, place, end)
            place = first + length
        elif wire in (1, 5):
            place += 8 if wire == 1 else 4
        else:  # groups, which ONNX never had
            raise UnreadableError("it is no ONNX file")
        if place > end or not 0 < number < 1 << 29:
            raise UnreadableError("it is no ONNX file")
        yield number, wire, first, place


def _varint(content: Buffer, place: int, end: int) -> tuple[int, int]:
    value = 0
    for shift in range(min(VARINT_BYTES, end - place)):
        byte = content[place + shift]
        value |= (byte & 0x7F) << 7 * shift
        if byte < 0x80:
            return value, place + shift + 1
    raise UnreadableError("it is no ONNX file")
