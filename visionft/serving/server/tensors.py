"""Tensors of the Open Inference Protocol: from JSON numbers or the binary extension to arrays, and back."""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Sequence
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from visionft.serving.limits import Limits
from visionft.serving.server.http_error import RefusalError, shortened

DATATYPES = {"uint8": "UINT8", "int64": "INT64", "float32": "FP32", "bool": "BOOL", "string": "BYTES"}
"""bundle.json's element types by the protocol's names."""
_DIMENSIONS, _ENDLESS = 4, 2**31
_NUMPY = {"int64": "<i8", "float32": "<f4", "bool": "?"}


def image_of(shape: Sequence[int], data: object) -> NDArray[np.uint8]:
    """Return `image` from JSON numbers, flat or nested; RefusalError if they are not such levels, or not so many.

    The shape is one that `check_shape` let pass: [N, H, W, 3], as is that of the array.

    No array is made of what was sent before every value of it is known to be a level: numpy would make a table as wide
    as the longest of the strings in it.
    """
    values = _flat(data)
    if len(values) != math.prod(shape):
        raise _wrong(
            f"its shape {list(shape)} stands for {math.prod(shape):,} numbers and its data has {len(values):,}"
        )
    if min(values) < 0 or max(values) > 255:
        raise _wrong(f"its data goes from {shortened(min(values), 20)} to {shortened(max(values), 20)}")
    return np.frombuffer(bytes(values), np.uint8).reshape(shape)


def _flat(data: object) -> list[int]:
    """Return whole numbers from a list, or from lists in lists as deep as the shape; RefusalError for all else."""
    level: list[Any] = data if isinstance(data, list) else [data]
    for _ in range(_DIMENSIONS):
        kinds = set(map(type, level))
        if list not in kinds:
            break
        if len(kinds) > 1 or len(set(map(len, level))) > 1:
            raise _wrong("its data is a ragged list")
        level = list(chain.from_iterable(level))
    if not set(map(type, level)) <= {int}:
        raise _wrong("its data holds other things than whole numbers")
    return level


def image_from(shape: Sequence[int], data: memoryview) -> NDArray[np.uint8]:
    """Return `image` [N, H, W, 3] from raw bytes without a copy; RefusalError if the shape says another number."""
    if len(data) != math.prod(shape):
        raise _wrong(f"its shape {list(shape)} stands for {math.prod(shape):,} bytes and {len(data):,} are given")
    return np.frombuffer(data, np.uint8).reshape(shape)


def check_shape(shape: Sequence[int], limits: Limits) -> None:
    """Raise RefusalError unless the shape is one of photos that this server takes."""
    if len(shape) != _DIMENSIONS or shape[3] != 3 or not 1 <= min(shape) <= max(shape) < _ENDLESS:
        raise _wrong(f"its shape is {shortened(list(shape))}")
    if shape[0] > limits.queue:
        raise RefusalError(413, f"image holds {shape[0]:,} photos: send at most {limits.queue:,} at once")
    if (pixels := shape[1] * shape[2]) > limits.max_pixels:
        raise RefusalError(
            400, f"image has {pixels:,} pixels a photo and {limits.max_pixels:,} are allowed: send smaller photos"
        )
    check_pixels(shape[0] * pixels, limits)


def check_pixels(count: int, limits: Limits) -> None:
    """Raise RefusalError with 413 if the photos of one request have too many pixels together."""
    if count > limits.max_request_pixels:
        raise RefusalError(
            413,
            f"the photos of this request have {count:,} pixels together and {limits.max_request_pixels:,} are allowed: "
            "send fewer at once (or serve with a larger --max-request-pixels)",
        )


def encoded(name: str, dtype: str, values: Sequence[Any], binary: bool) -> tuple[dict[str, Any], bytes]:
    """Return an output tensor as the protocol's JSON node, and its bytes where they are asked for.

    Args:
        name: of the tensor.
        dtype: bundle.json's element type.
        values: one for each photo: a str, a number or an array of either.
        binary: whether the data follows the JSON as bytes.
    """
    if dtype == "string":
        texts = np.array(values, dtype=object)
        plain: list[Any] = texts.ravel().tolist()
        shape, raw = list(texts.shape), b"".join(_counted(str(text)) for text in plain) if binary else b""
    else:
        array = np.asarray(values, _NUMPY[dtype])
        shape, raw = list(array.shape), array.tobytes() if binary else b""
        plain = [] if binary else _finite(array)
    node: dict[str, Any] = {"name": name, "datatype": DATATYPES[dtype], "shape": shape}
    if binary:
        return node | {"parameters": {"binary_data_size": len(raw)}}, raw
    return node | {"data": plain}, b""


def dumped(content: object) -> bytes:
    """Return JSON in ASCII, which holds any text that came in."""
    return json.dumps(content, separators=(",", ":"), allow_nan=False).encode()


def _counted(text: str) -> bytes:
    data = text.encode()
    return struct.pack("<I", len(data)) + data


def _finite(array: NDArray[Any]) -> list[Any]:
    """Return plain flat values; JSON has no NaN and no infinity, so these are null."""
    flat = array.ravel()
    if flat.dtype.kind != "f" or np.isfinite(flat).all():
        return flat.tolist()
    return [value if math.isfinite(value) else None for value in flat.tolist()]


def _wrong(what: str) -> RefusalError:
    return RefusalError(400, f"image cannot be used ({what}): send UINT8 levels 0 to 255 of the shape [N, H, W, 3]")
