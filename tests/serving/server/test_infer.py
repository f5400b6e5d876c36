"""Bodies of the Open Inference Protocol's `infer`: what a client asks, and what it gets."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from visionft.bundle import Answer
from visionft.bundle.schema import tensors
from visionft.serving.limits import Limits
from visionft.serving.server.http_error import RefusalError
from visionft.serving.server.infer import HEADER_LENGTH, json_bytes, read_infer, write_infer

LIMITS = Limits(batch=1, batch_seconds=0.0, queue=4, max_bytes=1000, max_pixels=100, timeout=1.0)
IMAGE: dict[str, Any] = {"name": "image", "datatype": "UINT8", "shape": [1, 1, 2, 3], "data": [1, 2, 3, 4, 5, 6]}
NUMBERS = np.array([0.25, 0.75], np.float32)
ANSWER = Answer("hat", 1, 0.75, NUMBERS, NUMBERS, NUMBERS, 2.5, False)


def read(content: dict[str, Any]) -> Any:
    return read_infer(json.dumps(content).encode(), None, LIMITS)


def test_a_request_asks_for_everything_unless_it_names_what() -> None:
    asked = read({"id": "7", "inputs": [IMAGE]})
    np.testing.assert_array_equal(asked.images, [[[[1, 2, 3], [4, 5, 6]]]])
    assert asked.id == "7"
    assert [binary for _, binary in asked.outputs] == [False] * 8
    wishes = [{"name": "label"}, {"name": "logits", "parameters": {"binary_data": True}}]
    assert read({"inputs": [IMAGE], "outputs": wishes}).outputs == (("label", False), ("logits", True))


def test_data_may_follow_the_json_as_bytes() -> None:
    head = {name: value for name, value in IMAGE.items() if name != "data"} | {"parameters": {"binary_data_size": 6}}
    text = json.dumps({"inputs": [head]}).encode()
    asked = read_infer(text + bytes(range(6)), str(len(text)), LIMITS)
    assert asked.images.ravel().tolist() == list(range(6))
    with pytest.raises(RefusalError):
        read_infer(text + bytes(range(5)), str(len(text)), LIMITS)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"inputs": []}, "the model has one input, image, and the request has none: send image alone"),
        ({"inputs": [IMAGE | {"name": "x"}]}, "the request has x: send image alone"),
        ({"inputs": [IMAGE | {"datatype": "FP32"}]}, "image has the datatype FP32: send UINT8"),
        ({"inputs": [IMAGE], "outputs": [{"name": "x"}]}, "x is no output of the model: ask for label, "),
        ({"inputs": [IMAGE], "outputs": [{"name": "label"}] * 2}, "label is asked for twice: ask for "),
        ({"inputs": [{"name": "image"}]}, "the request does not follow the protocol"),
    ],
)
def test_what_is_wrong_is_400_and_one_sentence(content: dict[str, Any], words: str) -> None:
    with pytest.raises(RefusalError, match=words) as caught:
        read(content)
    assert caught.value.status == 400


def test_what_is_no_json_is_said() -> None:
    with pytest.raises(RefusalError, match="the body is not JSON: send the Open Inference Protocol's request"):
        read_infer(b"{", None, LIMITS)


@pytest.mark.parametrize(
    ("header", "length"), [(None, 10), ("4", 4), ("10", 10), ("11", None), ("-1", None), ("²", None)]
)
def test_the_length_of_the_json_is_that_of_its_header(header: str | None, length: int | None) -> None:
    assert json_bytes(b"0123456789", header) == length


def test_an_answer_has_what_was_asked_for_and_bytes_behind_it() -> None:
    table = tensors(2, 2)
    plain = read({"id": "7", "inputs": [IMAGE], "outputs": [{"name": "label"}, {"name": "known_score"}]})
    body, headers = write_infer(plain, "hats", [ANSWER], table)
    told = json.loads(body)
    assert (told["model_name"], told["id"]) == ("hats", "7")
    assert [(one["name"], one["data"]) for one in told["outputs"]] == [("label", ["hat"]), ("known_score", [2.5])]
    assert headers == {"content-type": "application/json"}
    binary = read({"inputs": [IMAGE], "outputs": [{"name": "logits", "parameters": {"binary_data": True}}]})
    body, headers = write_infer(binary, "hats", [ANSWER], table)
    assert body[int(headers[HEADER_LENGTH]) :] == NUMBERS.tobytes()
