"""Rows of parts."""

from __future__ import annotations

import numpy as np

from visionft.auditing.photo_parts import Parts, normalised, part_keys


def test_each_part_has_a_key_that_hangs_on_its_photo_and_its_place() -> None:
    keys = np.array([7, 2**64 - 1, 9], np.uint64)
    found = part_keys(keys, np.array([2, 0, 3]))
    assert len(set(found.tolist()) | set(keys.tolist())) == 8
    np.testing.assert_array_equal(part_keys(keys[2:], np.array([2])), found[2:4])
    assert part_keys(keys[:0], np.empty(0, np.int64)).tolist() == []


def test_a_part_is_read_from_its_record() -> None:
    records = np.zeros(3, [("box", "<f4", (4,)), ("embedding", "<f2", (2,))])
    records["box"][2], records["embedding"][2] = (0, 0.5, 1, 1), (3, 4)
    parts = Parts(np.array([5]), np.array([1], np.uint64), records, np.array([2]))
    assert (len(parts), parts.box(0)) == (1, (0, 0.5, 1, 1))
    np.testing.assert_allclose(parts.embeddings(slice(None)), [[0.6, 0.8]])


def test_vectors_have_length_one_and_zero_stays_zero() -> None:
    np.testing.assert_allclose(normalised(np.array([[3, 4], [0, 0]])), [[0.6, 0.8], [0, 0]])
