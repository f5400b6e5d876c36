"""Fewer bytes a number keep the direction, and never its length."""

from __future__ import annotations

import numpy as np
import pytest

from visionft.searching.stored_vectors import KINDS, Kind, decode, encode, signs


@pytest.mark.parametrize(("kind", "size", "close"), [("float32", 4, 0), ("float16", 2, 1e-6), ("int8", 1, 1e-4)])
def test_a_vector_comes_back_at_length_1(kind: Kind, size: int, close: float) -> None:
    rows = np.random.default_rng(0).normal(size=(50, 256)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    blobs = [encode(row, kind) for row in rows]
    assert {len(blob) for blob in blobs} == {256 * size}
    back = decode(blobs, kind)
    assert back.dtype == np.float32
    assert np.linalg.norm(back, axis=1) == pytest.approx(np.ones(50), abs=1e-6)
    assert np.einsum("nd,nd->n", rows, back).min() >= 1 - close - 1e-6


def test_binary_keeps_the_bytes_of_int8() -> None:
    row = np.array([0.6, -0.8], np.float32)
    assert encode(row, "binary") == encode(row, "int8") == np.array([95, -127], np.int8).tobytes()


@pytest.mark.parametrize("kind", KINDS)
def test_no_vectors_and_a_vector_of_zeros(kind: Kind) -> None:
    assert len(decode([], kind)) == 0
    assert not decode([encode(np.zeros(4, np.float32), kind)], kind).any()


def test_signs_are_of_what_lies_above_the_centre() -> None:
    bits = signs(np.array([[1.0, 0.0, -1.0], [0.0, 2.0, 5.0]], np.float32), np.array([0.5, 0.5, -2.0], np.float32))
    assert np.unpackbits(bits, axis=1)[:, :3].tolist() == [[1, 0, 1], [0, 1, 1]]
