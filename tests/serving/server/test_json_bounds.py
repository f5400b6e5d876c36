"""Bounds of a JSON text, looked at before anything of it is built."""

from __future__ import annotations

import pytest

from visionft.serving.server import json_bounds as module
from visionft.serving.server.http_error import RefusalError
from visionft.serving.server.json_bounds import check_json, check_length


def told(text: bytes) -> tuple[int, str]:
    with pytest.raises(RefusalError) as caught:
        check_json(memoryview(text))
    return caught.value.status, caught.value.sentence


def test_what_is_within_the_bounds_comes_back_as_it_is() -> None:
    text = b'{"inputs": [{"name": "image", "data": [1, 2.5e300]}]}'
    assert check_json(memoryview(text)) == text


@pytest.mark.parametrize(
    ("sign", "most", "what", "instead"),
    [
        (b",", module.MOST_VALUES, "values", "send the tensor's data as bytes (binary_data_size)"),
        (b"[", module.MOST_LISTS, "lists", "send the data flat, or send the tensor's data as bytes"),
        (b"{", module.MOST_WORDS, "objects", "send one request at a time"),
        (b":", module.MOST_WORDS, "keys", "send one request at a time"),
        (b'"', module.MOST_WORDS, "quotation marks", "send levels as numbers"),
    ],
)
def test_one_sign_too_many_is_413(sign: bytes, most: int, what: str, instead: str) -> None:
    assert check_json(memoryview(sign * most))
    status, sentence = told(sign * (most + 1))
    assert status == 413
    assert sentence.startswith(f"the JSON holds {most + 1:,} {what} and {most:,} are allowed: {instead}")


def test_a_number_without_end_is_400() -> None:
    assert check_json(memoryview(b"9" * 309))
    assert told(b"[" + b"123" * 104 + b"]") == (
        400, "the JSON holds a number of more than 309 digits: send whole numbers from 0 to 255",
    )  # fmt: skip


def test_a_text_is_too_long_by_its_length_alone() -> None:
    check_length(module.MOST_TEXT)
    with pytest.raises(RefusalError, match=r"holds 33,554,433 bytes and 33,554,432 are allowed"):
        check_length(module.MOST_TEXT + 1)
