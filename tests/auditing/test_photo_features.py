"""Figures and embeddings of photos, kept by their digests between audits."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from visionft import backbones
from visionft.auditing.measures import measure
from visionft.auditing.photo_features import Features, compute
from visionft.backbones import Network
from visionft.errors import DataError
from visionft.photos import read
from visionft.settings import PreprocessSettings


@pytest.fixture(scope="module")
def network() -> Network:
    torch.manual_seed(0)
    return backbones.create("test_resnet", "none", 1)


@pytest.fixture
def photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, list[str], list[str]]:
    monkeypatch.setenv("VISIONFT_CACHE", str(tmp_path / "cache"))
    paths = [f"{number}.png" for number in range(3)]
    for number, path in enumerate(paths):
        levels = np.random.default_rng(number).integers(0, 256, (20, 30, 3), np.uint8)
        Image.fromarray(levels).save(tmp_path / path)
    return tmp_path, paths, [hashlib.sha256((tmp_path / path).read_bytes()).hexdigest() for path in paths]


def test_embeddings_have_length_one_and_are_those_of_the_network(
    network: Network, photos: tuple[Path, list[str], list[str]]
) -> None:
    root, paths, digests = photos
    found = compute(network, root, paths, digests)
    np.testing.assert_allclose(np.linalg.norm(found.embeddings(), axis=1), 1.0, atol=1e-6)
    transform = backbones.preprocess(network, PreprocessSettings())
    with torch.no_grad():
        pixels = np.stack([transform.tensor(read(root / path)) for path in paths])
        raw = network.embed(torch.from_numpy(pixels)).numpy()
    expected = raw / np.linalg.norm(raw, axis=1, keepdims=True)
    np.testing.assert_allclose(found.embeddings(), expected, atol=2e-3)  # kept as float16
    np.testing.assert_allclose(found.embeddings(np.array([2])), found.embeddings()[2:])


def test_figures_are_those_of_the_pixels(network: Network, photos: tuple[Path, list[str], list[str]]) -> None:
    root, paths, digests = photos
    found = compute(network, root, paths, digests)
    truth = [measure(read(root / path)) for path in paths]
    for name in ("width", "phash", "mirrored", "colourless"):
        assert found.column(name).tolist() == [getattr(one, name) for one in truth]
    np.testing.assert_allclose(found.column("sharpness"), [one.sharpness for one in truth], rtol=1e-6)


def test_what_was_computed_before_is_not_opened_again(
    network: Network, photos: tuple[Path, list[str], list[str]]
) -> None:
    root, paths, digests = photos
    compute(network, root, paths[:2], digests[:2])
    (root / paths[0]).unlink()
    moved: list[tuple[int, int]] = []
    found = compute(network, root, [*paths, paths[2]], [*digests, digests[2]], lambda *part: moved.append(part))
    assert moved[0] == (2 + 1, 4), "two are known, and one is there twice"
    assert moved[-1] == (4, 4)
    assert len(found) == 4
    assert found.rows[2] == found.rows[3]


def test_a_photo_that_is_gone_is_one_sentence(network: Network, photos: tuple[Path, list[str], list[str]]) -> None:
    root, paths, digests = photos
    (root / paths[1]).unlink()
    with pytest.raises(DataError, match=r"1\.png cannot be read any more \(no such file\): audit the photos again"):
        compute(network, root, paths, digests)


def test_a_zero_embedding_stays_zero() -> None:
    records = np.zeros(1, [("embedding", "<f2", (4,))])
    assert Features(records, np.array([0])).embeddings().tolist() == [[0, 0, 0, 0]]


def test_parts_of_photos_have_features_of_their_own_and_damaged_ones_are_made_again(
    network: Network, photos: tuple[Path, list[str], list[str]]
) -> None:
    root, paths, digests = photos
    halves = np.full((90, 120, 3), 20, np.uint8)
    halves[:, 60:] = 220
    Image.fromarray(halves).save(root / "halves.png")
    paths, digests = [*paths, "halves.png"], [*digests, hashlib.sha256((root / "halves.png").read_bytes()).hexdigest()]
    found = compute(network, root, paths, digests).parts(np.arange(4))
    assert found.of.tolist() == [3, 3]
    assert [found.box(at) for at in range(2)] == [(0, 0, 0.5, 1), (0.5, 0, 1, 1)]
    transform = backbones.preprocess(network, PreprocessSettings())
    with torch.no_grad():
        raw = network.embed(torch.from_numpy(transform.tensor(halves[:, :60])[None])).numpy()
    np.testing.assert_allclose(found.embeddings(slice(0, 1)), raw / np.linalg.norm(raw), atol=2e-3)
    before = found.embeddings(slice(0, 2))  # the file under it changes
    (file,) = (root / "cache").rglob("*.parts")
    file.write_bytes(file.read_bytes()[:-1])
    again = compute(network, root, paths, digests).parts(np.arange(4))
    assert len(again) == 2
    np.testing.assert_array_equal(again.embeddings(slice(0, 2)), before)
