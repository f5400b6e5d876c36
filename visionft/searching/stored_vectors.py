"""How an index keeps its vectors: as they are, or in fewer bytes. A cosine asks for a direction, so no scale is kept.

Whatever is kept, every score is the exact cosine of what is kept; candidates alone are found by less.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from visionft.searching.origin import Vectors

Kind = Literal["float32", "float16", "int8", "binary"]
KINDS: tuple[Kind, ...] = ("float32", "float16", "int8", "binary")
_LARGEST = 127.0  # of a number in int8, which the largest of each vector becomes


def encode(vector: Vectors, kind: Kind) -> bytes:
    """Return the bytes of a vector (D,) of length 1; `binary` keeps those of int8, and signs beside all rows."""
    if kind == "float32":
        return vector.astype("<f4").tobytes()
    if kind == "float16":
        return vector.astype("<f2").tobytes()
    largest = float(np.abs(vector).max()) or 1.0
    return np.round(vector * (_LARGEST / largest)).astype(np.int8).tobytes()


def decode(blobs: Sequence[bytes], kind: Kind) -> Vectors:
    """Return vectors (n, D) float32 of length 1 from their bytes."""
    joined, shape = b"".join(blobs), (len(blobs), -1 if blobs else 0)
    if kind == "float32":
        return np.frombuffer(joined, "<f4").reshape(shape)
    rows = np.frombuffer(joined, "<f2" if kind == "float16" else np.int8).reshape(shape).astype(np.float32)
    lengths = np.sqrt(np.einsum("nd,nd->n", rows, rows))
    return np.asarray(rows / np.maximum(lengths, np.finfo(np.float32).tiny)[:, None], np.float32)


def signs(vectors: Vectors, centre: Vectors) -> NDArray[np.uint8]:
    """Return a bit a number, (n, ceil(D / 8)): whether vectors (n, D) lie above the centre (D,)."""
    return np.packbits(vectors > centre, axis=1)
