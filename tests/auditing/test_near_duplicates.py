from __future__ import annotations

from typing import Any

import numpy as np

from visionft.auditing.near_duplicates import THRESHOLD, candidates, explained, groups
from visionft.auditing.photo_features import Features, keys_of


def features(embeddings: Any, hashes: list[int] | None = None, mirrored: list[int] | None = None) -> Features:
    n, d = np.shape(embeddings)
    records = np.zeros(n, [("phash", "<u8"), ("mirrored", "<u8"), ("embedding", "<f2", (d,))])
    records["embedding"] = embeddings
    apart = [int(number) for number in np.random.default_rng(0).integers(0, 2**63, 2 * n)]
    records["phash"], records["mirrored"] = hashes or apart[:n], mirrored or apart[n:]
    return Features(records, np.arange(n))


def test_groups_are_what_pairs_connect() -> None:
    found = groups(7, np.array([[0, 3], [3, 5], [1, 6]]))
    assert [group.tolist() for group in found] == [[0, 3, 5], [1, 6]]
    assert groups(3, np.empty((0, 2), np.int64)) == []


def test_the_nearest_in_the_embedding_are_candidates_once_and_in_order() -> None:
    vectors = np.eye(12, 24)
    vectors[7] = vectors[2] + 0.05 * vectors[3]
    assert candidates(features(vectors), np.arange(12)).tolist() == [[2, 7]]


def test_what_a_hash_finds_is_a_candidate_though_embeddings_are_apart() -> None:
    hashes = [0b1111 << 8 * at for at in range(5)]
    hashes = [value | (0x9E3779B97F4A7C15 * (at + 1)) % 2**64 for at, value in enumerate(hashes)]
    mirrored = [(0xC2B2AE3D27D4EB4F * (at + 7)) % 2**64 for at in range(5)]
    mirrored[4] = hashes[0] ^ 0b111  # three bits off
    found = candidates(features(np.eye(5, 16), hashes, mirrored), np.arange(5))
    assert found.tolist() == [[0, 4]]


def test_only_one_of_exact_copies_is_compared() -> None:
    vectors = np.eye(4, 8)
    vectors[3] = vectors[0]
    assert candidates(features(vectors), np.array([0, 1, 2])).tolist() == []


def test_one_photo_has_no_pair() -> None:
    assert candidates(features(np.eye(1, 8)), np.array([0])).shape == (0, 2)


def test_the_threshold_is_explained() -> None:
    assert f"From {THRESHOLD:g} on" in explained(THRESHOLD)


def test_keys_are_the_first_bits_of_digests() -> None:
    assert keys_of(["00000000000000ff" + "0" * 48]).tolist() == [255]
