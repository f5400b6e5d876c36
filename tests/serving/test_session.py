from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import helper

from tests.bundle.making import colour_model, make_bundle
from visionft.bundle import names as n
from visionft.bundle.load import digest_of
from visionft.errors import BundleError, UsageError
from visionft.serving import Session
from visionft.serving import session as room


@pytest.fixture
def session(tmp_path: Path) -> Session:
    return Session(make_bundle(tmp_path / "b"), threads=1)


def plain(red: int, green: int, blue: int, height: int = 3, width: int = 5) -> NDArray[np.uint8]:
    return np.full((height, width, 3), (red, green, blue), np.uint8)


def test_one_photo_gets_the_whole_answer(session: Session) -> None:
    answer = session.answer(plain(200, 10, 10))

    assert (answer.label, answer.class_index, answer.unknown) == ("red/Äpfel", 2, False)
    np.testing.assert_allclose(answer.logits, [10 / 16, 10 / 16, 200 / 16], rtol=1e-6)
    assert answer.probability == pytest.approx(float(answer.probabilities.max()))
    assert answer.known_score == pytest.approx(200 / 16)
    assert np.linalg.norm(answer.embedding) == pytest.approx(1)


def test_photos_of_mixed_sizes_come_back_in_their_order(session: Session) -> None:
    photos = [
        plain(9, 0, 0, 4, 4),
        plain(0, 9, 0, 2, 7),
        plain(0, 0, 9, 4, 4),
        plain(0, 9, 0, 4, 4),
        plain(9, 0, 0, 2, 7),
    ]

    labels = [answer.label for answer in session.answer_batch(photos)]

    assert labels == ["red/Äpfel", "green", "blue", "green", "red/Äpfel"]
    assert session.answer_batch([]) == []


@pytest.mark.parametrize(("pixels", "photos"), [(12, 32), (1, 32), (4_000_000, 2)])
def test_batches_are_cut_by_pixels_and_photos(
    session: Session, monkeypatch: pytest.MonkeyPatch, pixels: int, photos: int
) -> None:
    monkeypatch.setattr(room, "BATCH_PIXELS", pixels)
    monkeypatch.setattr(room, "BATCH_PHOTOS", photos)
    images = [plain(level, 0, 255 - level, 2, 3) for level in range(0, 250, 50)]

    answers = session.answer_batch(images)

    np.testing.assert_allclose([answer.logits[2] * 16 for answer in answers], range(0, 250, 50))


def test_threads_may_share_it(session: Session) -> None:
    images = [plain(level, 0, 0, 1 + level % 4, 2) for level in range(100)]

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(session.answer, images))

    np.testing.assert_allclose([answer.known_score * 16 for answer in answers], range(100), rtol=1e-6)


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((3, 4), np.uint8),
        np.zeros((3, 4, 4), np.uint8),
        np.zeros((0, 4, 3), np.uint8),
        np.zeros((3, 4, 3), np.float32),
    ],
)
def test_what_is_no_photo_is_refused(session: Session, image: NDArray[np.uint8]) -> None:
    with pytest.raises(UsageError, match=r"a photo is \(H, W, 3\) uint8 RGB, not"):
        session.answer(image)


def rewritten(folder: Path, content: bytes) -> Path:
    (folder / n.MODEL_FILE).write_bytes(content)
    record = json.loads((folder / n.RECORD_FILE).read_text(encoding="utf-8"))
    record["model"] |= {"bytes": len(content), "sha256": digest_of(folder / n.MODEL_FILE)}
    (folder / n.RECORD_FILE).write_text(json.dumps(record), encoding="utf-8")
    return folder


def test_a_file_that_is_no_model_is_one_sentence(tmp_path: Path) -> None:
    folder = rewritten(make_bundle(tmp_path / "b"), b"not a model")

    with pytest.raises(
        BundleError, match=r"model\.onnx is damaged \(it is no ONNX file\): copy the bundle again or export"
    ) as caught:
        Session(folder)
    assert "\n" not in str(caught.value)


def test_a_model_of_other_classes_is_refused(tmp_path: Path) -> None:
    model = colour_model()
    helper.set_model_props(model, {n.META_CLASSES_HASH: "0" * 64})
    folder = rewritten(make_bundle(tmp_path / "b"), model.SerializeToString())
    onnx.checker.check_model(model)

    with pytest.raises(BundleError, match="was exported with other classes than"):
        Session(folder)
