"""Long JSON, read in a process of its own."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.serving.server.processes import served
from tests.serving.server.test_request_body import LIMITS, TOO_MUCH, request_of
from visionft.serving.server.http_error import RefusalError
from visionft.serving.server.infer import read_infer
from visionft.serving.server.json_process import Parser

LONG = 120.0


@pytest.fixture(scope="module")
def parser() -> Iterator[Parser]:
    found = Parser(LIMITS)
    yield found
    found.process.close()


def test_what_it_reads_is_what_the_server_itself_reads(parser: Parser) -> None:
    levels = np.random.default_rng(0).integers(0, 256, (2, 30, 40, 3), np.uint8)
    plain = request_of(shape=levels.shape, data=levels.tolist()) | {
        "id": "ä", "parameters": {"adapter": None, "binary_data_output": True}, "outputs": [{"name": "label"}],
    }  # fmt: skip
    body = json.dumps(plain).encode()
    binary = json.dumps(
        request_of(shape=levels.shape, data=None, parameters={"binary_data_size": levels.size})
    ).encode()

    for whole, length in ((body, None), (binary + levels.tobytes(), str(len(binary)))):
        found, expected = parser.read(whole, length, LONG), read_infer(whole, length, LIMITS)
        np.testing.assert_array_equal(found.images, expected.images)
        assert (found.id, found.outputs, found.parameters) == (expected.id, expected.outputs, expected.parameters)


@pytest.mark.parametrize("case", list(TOO_MUCH))
def test_what_is_wrong_is_told_in_the_same_words(parser: Parser, case: str) -> None:
    body, status, sentence = TOO_MUCH[case]
    with pytest.raises(RefusalError, match=sentence) as told:
        parser.read(body, None, LONG)
    assert told.value.status == status


def test_a_process_that_is_late_or_gone_is_a_sentence_and_another_takes_its_place(parser: Parser) -> None:
    body = json.dumps(request_of()).encode()
    parser.read(body, None, LONG)
    running = parser.process._running
    assert running is not None
    os.kill(running.pid, signal.SIGSTOP)
    with pytest.raises(RefusalError, match=r"the JSON was not read within 0\.3 s: send it again, or less") as late:
        parser.read(body, None, 0.3)
    parser.read(body, None, LONG)
    parser.process.stop()
    with pytest.raises(RefusalError, match="the JSON needs more memory than one request may take: send its") as gone:
        parser.read(body, None, LONG)
    assert (late.value.status, gone.value.status) == (504, 413)
    assert parser.read(body, None, LONG).images.shape == (1, 1, 2, 3)


def test_a_long_request_is_answered_like_a_short_one(bundle: Path, tmp_path: Path) -> None:
    """One photo as JSON beyond the bound of what the server parses itself, alone and with a header of its length."""
    levels = np.full((1, 300, 400, 3), (9, 200, 9), np.uint8)
    body = json.dumps(request_of(shape=levels.shape, data=levels.ravel().tolist())).encode()
    assert len(body) > 1_000_000
    with served(bundle, tmp_path / "log") as server:
        for headers in ({}, {"Inference-Header-Content-Length": str(len(body))}):
            answer = server.client.post("/v2/models/colours/infer", content=body, headers=headers).json()
            assert next(row["data"] for row in answer["outputs"] if row["name"] == "label") == ["green"]
