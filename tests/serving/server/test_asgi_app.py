"""Faults of the server's own, on the application in this process."""

from __future__ import annotations

import asyncio
import json
import logging
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.serving.server.processes import plain
from visionft.bundle import Bundle
from visionft.serving.engine import Engine
from visionft.serving.limits import Limits
from visionft.serving.pipeline import Pipeline
from visionft.serving.server.access_log import JsonLines
from visionft.serving.server.asgi_app import build_app
from visionft.serving.server.prometheus import Counters
from visionft.serving.server.service import Service


@pytest.fixture
def service(bundle: Path) -> Iterator[Service]:
    opened = Bundle.open(bundle)
    limits = Limits(batch=4, batch_seconds=0.01, queue=4, max_bytes=10_000, max_pixels=10_000, timeout=30.0)
    pipeline = Pipeline(Engine(opened, threads=1), limits)
    made = Service(opened, "colours", limits, pipeline, Counters(lambda: pipeline.depth, {"model": "colours"}))
    yield made
    made.close(10.0)


def ask(service: Service, method: str, place: str, content: bytes = b"") -> httpx.Response:
    async def once() -> httpx.Response:
        transport = httpx.ASGITransport(build_app(service))
        async with httpx.AsyncClient(transport=transport, base_url="http://x") as client:
            return await client.request(method, place, content=content)

    return asyncio.run(once())


def test_a_network_that_fails_is_500_with_a_sentence_and_a_line_in_the_log(
    service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    service.pipeline._engine.stop()  # every run of the network ends with onnxruntime's own error from now on

    with caplog.at_level(logging.INFO, "visionft.serving"):
        answer = ask(service, "POST", "/classify", plain(9))

    assert (answer.status_code, answer.json()["error"]) == (
        500,
        "the server failed at this request, which is its own fault: see its log by the answer's X-Request-Id",
    )
    fault = next(record for record in caplog.records if record.levelname == "ERROR")
    line = json.loads(JsonLines().format(fault))
    assert line["request"] == answer.headers["x-request-id"]
    assert "terminate" in line["fault"].lower()
    assert line["places"]
    assert b'visionft_requests_total{route="classify",status="500"} 1.0' in service.counters.text()
    assert b'visionft_photos_total{outcome="failed"} 1.0' in service.counters.text()
    assert service.pipeline.depth == 0


def test_a_closing_server_is_503_and_not_ready(service: Service) -> None:
    assert ask(service, "GET", "/v2/health/ready").status_code == 200
    service.draining = True
    service.pipeline.close(10.0)

    answer = ask(service, "POST", "/classify", plain(9))

    assert (answer.status_code, answer.json()["error"]) == (
        503,
        "the server is stopping: send the request to another one",
    )
    assert ask(service, "GET", "/v2/health/ready").status_code == 503
    assert ask(service, "GET", "/v2/models/colours/ready").status_code == 503
    assert ask(service, "GET", "/v2/health/live").status_code == 200


def test_a_request_that_finds_no_memory_is_503(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    def short(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr("visionft.serving.server.classify.read_form", short)
    answer = ask(service, "POST", "/classify", plain(9))

    assert (answer.status_code, answer.json()["error"], answer.headers["retry-after"]) == (
        503,
        "there is no memory for this request now: send it again in a moment, or less at once",
        "1",
    )
    assert service.budget.held == 0


def test_a_line_of_the_log_is_one_line_of_json() -> None:
    try:
        raise ValueError("two\nlines")
    except ValueError:
        record = logging.LogRecord("visionft", logging.ERROR, "", 0, "what\nhappened", None, sys.exc_info())
    text = JsonLines().format(record)

    assert "\n" not in text
    assert json.loads(text)["fault"] == "ValueError: two\nlines"
    assert json.loads(text)["level"] == "error"
