"""What the routes share: adapters by name, and what becomes of photos that come too late."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from tests.bundle.making import make_adapted_bundle
from visionft.bundle import Answer, Bundle
from visionft.errors import PhotoError
from visionft.serving.limits import Limits
from visionft.serving.pipeline import ClosedError, ExpiredError, QueueFullError
from visionft.serving.server.http_error import RefusalError
from visionft.serving.server.prometheus import Counters
from visionft.serving.server.service import Service

LIMITS = Limits(batch=1, batch_seconds=0.2, queue=4, max_bytes=1000, max_pixels=100, timeout=1.5)


class Line:
    """Stands in for the pipeline: answers what it is given, or refuses."""

    depth = 0

    def __init__(self, *answers: Any) -> None:
        self.answers, self.swept = answers, 0

    def submit(self, sources: Any, until: float, adapter: str | None) -> list[Future[Answer]]:
        if isinstance(self.answers[0], type):
            raise self.answers[0]
        jobs = [Future[Answer]() for _ in sources]
        for job, answer in zip(jobs, self.answers, strict=True):
            if isinstance(answer, Exception):
                job.set_exception(answer)
            elif answer is not None:
                job.set_result(answer)
        return jobs

    def sweep(self) -> None:
        self.swept += 1

    def problem(self) -> str | None:
        return None

    def close(self, seconds: float) -> None:
        """Do nothing."""


@pytest.fixture
def service(bundle: Path) -> Iterator[Service]:
    made = Service(Bundle.open(bundle), "colours", LIMITS, cast(Any, Line()), Counters(lambda: 0, {"model": "x"}))
    yield made
    made.close(1.0)


def request(seconds: float = 5.0) -> Any:
    return SimpleNamespace(state=SimpleNamespace(until=time.monotonic() + seconds))


def ask(service: Service, *answers: Any, seconds: float = 5.0) -> Any:
    service.pipeline = cast(Any, Line(*answers))
    return asyncio.run(service.answer(request(seconds), cast(Any, [b""] * len(answers))))


def refused(service: Service, *answers: Any, seconds: float = 5.0) -> tuple[int, str]:
    with pytest.raises(RefusalError) as caught:
        ask(service, *answers, seconds=seconds)
    return caught.value.status, caught.value.sentence


def test_answers_come_in_their_order_with_what_cannot_be_read(service: Service) -> None:
    unread = PhotoError("truncated")
    assert ask(service, "one", unread, "two") == ["one", unread, "two"]
    text = service.counters.text().decode()
    assert 'visionft_photos_total{outcome="answered"} 2.0' in text
    assert 'visionft_photos_total{outcome="unreadable"} 1.0' in text


def test_what_cannot_be_answered_now_has_its_status(service: Service) -> None:
    assert refused(service, QueueFullError) == (
        429, "the queue of large photos is full: send the request again in a moment",
    )  # fmt: skip
    assert refused(service, ClosedError)[0] == 503
    late = (504, "there was no answer within 1.5 s: send fewer or smaller photos, or later")
    assert refused(service, ExpiredError()) == late
    assert refused(service, None, seconds=0.01) == late
    assert cast(Any, service.pipeline).swept == 1
    service.draining = True
    assert refused(service, ExpiredError()) == (503, "the server is stopping: send the request to another one")
    assert service.problem() == "the server is stopping"


def test_a_fault_of_the_server_s_own_is_raised(service: Service) -> None:
    with pytest.raises(ZeroDivisionError):
        ask(service, "one", ZeroDivisionError())


def test_steps_of_reading_end_with_the_request_s_time(service: Service) -> None:
    assert asyncio.run(service.work(request(), lambda: 7, 10)) == 7
    with pytest.raises(RefusalError, match="there was no answer within"):
        asyncio.run(service.work(request(-1.0), lambda: 7, 10))
    service.close(1.0)
    with pytest.raises(RefusalError, match="the server is stopping"):
        asyncio.run(service.work(request(), lambda: 7, 10))


def test_an_adapter_is_named_where_there_are_some_and_nowhere_else(service: Service, tmp_path: Path) -> None:
    assert service.chosen(None) is None
    with pytest.raises(RefusalError, match=r"this bundle has no adapter two \(it has none at all\): leave it out"):
        service.chosen("two")
    service.bundle = Bundle.open(make_adapted_bundle(tmp_path / "b"))
    service.__dict__.pop("classes")
    assert service.chosen("two") == "two"
    with pytest.raises(RefusalError, match="no adapter was named: give one of three, two"):
        service.chosen(None)
    with pytest.raises(RefusalError, match="this bundle has no adapter 3: give one of three, two"):
        service.chosen(3)
