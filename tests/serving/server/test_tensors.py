"""Tensors of the Open Inference Protocol: to arrays, and back."""

from __future__ import annotations

import numpy as np
import pytest

from visionft.serving.limits import Limits
from visionft.serving.server.http_error import RefusalError
from visionft.serving.server.tensors import check_shape, dumped, encoded, image_from, image_of


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        ([True, False, 1, 2, 3, 4], "other things than whole numbers"),
        ([1, 2, 3, 4, 5, None], "other things than whole numbers"),
        ([[1, 2, 3], 4, 5, 6], "a ragged list"),
        ([[1, 2, 3], [4, 5]], "a ragged list"),
        ([{}], "other things than whole numbers"),
        ([], "stands for 6 numbers and its data has 0"),
        ([[], []], "stands for 6 numbers and its data has 0"),
    ],
)
def test_data_of_other_kinds_is_told(data: object, sentence: str) -> None:
    with pytest.raises(RefusalError, match=sentence):
        image_of([1, 1, 2, 3], data)


LIMITS = Limits(batch=1, batch_seconds=0.0, queue=4, max_bytes=1, max_pixels=100, timeout=1.0, max_request_pixels=150)


def test_levels_are_read_flat_nested_and_as_bytes() -> None:
    levels = np.arange(12, dtype=np.uint8).reshape(1, 2, 2, 3)
    for data in (levels.ravel().tolist(), levels.tolist()):
        np.testing.assert_array_equal(image_of([1, 2, 2, 3], data), levels)
    np.testing.assert_array_equal(image_from([1, 2, 2, 3], memoryview(levels.tobytes())), levels)
    with pytest.raises(RefusalError, match=r"its data goes from 0 to 256\): send UINT8 levels 0 to 255"):
        image_of([1, 1, 1, 3], [0, 1, 256])
    with pytest.raises(RefusalError, match=r"its shape \[1, 1, 1, 3\] stands for 3 bytes and 2 are given"):
        image_from([1, 1, 1, 3], memoryview(b"ab"))


@pytest.mark.parametrize(
    ("shape", "status", "words"),
    [
        ([1, 8, 8], 400, "its shape is"),
        ([1, 8, 8, 4], 400, "its shape is"),
        ([0, 8, 8, 3], 400, "its shape is"),
        ([1, 8, 2**31, 3], 400, "its shape is"),
        ([5, 1, 1, 3], 413, "image holds 5 photos: send at most 4 at once"),
        ([1, 11, 10, 3], 400, "image has 110 pixels a photo and 100 are allowed: send smaller photos"),
        ([2, 10, 8, 3], 413, "the photos of this request have 160 pixels together and 150 are allowed"),
    ],
)
def test_shapes_beyond_the_limits_are_refused_before_anything_is_read(
    shape: list[int], status: int, words: str
) -> None:
    with pytest.raises(RefusalError, match=words) as caught:
        check_shape(shape, LIMITS)
    assert caught.value.status == status
    check_shape([1, 10, 10, 3], LIMITS)


def test_an_answer_is_numbers_or_bytes() -> None:
    values = [np.array([0.5, np.nan], np.float32), np.array([1.0, np.inf], np.float32)]
    node, raw = encoded("probabilities", "float32", values, False)
    assert (node["shape"], node["data"], raw) == ([2, 2], [0.5, None, 1.0, None], b"")
    node, raw = encoded("probabilities", "float32", values, True)
    assert node["parameters"] == {"binary_data_size": 16}
    np.testing.assert_array_equal(np.frombuffer(raw, "<f4").reshape(2, 2), np.stack(values))
    node, raw = encoded("label", "string", ["hat", "ü"], True)
    assert raw == b"\3\0\0\0hat\2\0\0\0\xc3\xbc"
    assert encoded("unknown", "bool", [True, False], False)[0]["data"] == [True, False]


def test_json_is_ascii_and_has_no_nan() -> None:
    assert dumped({"a": "ü"}) == b'{"a":"\\u00fc"}'
    with pytest.raises(ValueError, match="not JSON compliant"):
        dumped(float("nan"))


def test_texts_may_be_several_a_photo() -> None:
    values = [np.array(["a", "bc"], dtype=object), np.array(["d", "e"], dtype=object)]
    node, _ = encoded("labels", "string", values, binary=False)
    assert (node["shape"], node["data"]) == ([2, 2], ["a", "bc", "d", "e"])
    node, raw = encoded("labels", "string", values, binary=True)
    assert raw == b"".join(len(text).to_bytes(4, "little") + text.encode() for text in ("a", "bc", "d", "e"))
    assert node["parameters"] == {"binary_data_size": len(raw)}
    assert encoded("label", "string", ["a", "bc"], binary=False)[0]["shape"] == [2]
