from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import CancelledError
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.bundle.making import make_bundle
from tests.serving.server.processes import ENVIRONMENT
from visionft.bundle import Bundle
from visionft.errors import PhotoError
from visionft.machine.cores import cores
from visionft.serving import Session
from visionft.serving.decode_cost import Weight
from visionft.serving.decode_process import Parcel
from visionft.serving.engine import LARGE_PIXELS, Engine
from visionft.serving.fair_queue import Photo
from visionft.serving.limits import Limits
from visionft.serving.pipeline import ClosedError, ExpiredError, Pipeline, QueueFullError

LATER = 1e9
LIMITS = Limits(batch=4, batch_seconds=5.0, queue=8, max_bytes=1, max_pixels=1, timeout=1.0)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return Bundle.open(make_bundle(tmp_path_factory.mktemp("pipeline") / "b"))


@pytest.fixture(scope="module")
def engine(bundle: Bundle) -> Engine:
    return Engine(bundle, threads=1)


@pytest.fixture
def batches() -> list[int]:
    return []


@pytest.fixture
def pipeline(engine: Engine, batches: list[int]) -> Iterator[Pipeline]:
    found = Pipeline(engine, LIMITS, batches.append)
    yield found
    found.close(10.0)


def grey(level: int) -> NDArray[np.uint8]:
    return np.full((3, 4, 3), level, np.uint8)


class Held:
    """A photo that is decoded once it is released."""

    def __init__(self, level: int = 9) -> None:
        self.release, self.level = threading.Event(), level

    def __call__(self) -> NDArray[np.uint8]:
        assert self.release.wait(30)
        return grey(self.level)


def test_the_halves_together_are_the_whole(bundle: Bundle, engine: Engine) -> None:
    random = np.random.default_rng(0)
    images = [random.integers(0, 256, (*random.integers(1, 30, 2), 3), np.uint8) for _ in range(7)]

    whole = Session(bundle).answer_batch(images)
    halves = engine.answer([engine.pixels(image) for image in images])

    for a, b in zip(whole, halves, strict=True):
        assert (a.label, a.class_index, a.unknown) == (b.label, b.class_index, b.unknown)
        np.testing.assert_allclose(a.logits, b.logits, rtol=1e-6)
        np.testing.assert_allclose(a.embedding, b.embedding, rtol=1e-6)


def test_large_photos_are_answered_one_at_a_time(engine: Engine) -> None:
    large = np.full((2, LARGE_PIXELS // 2 + 1, 3), 90, np.uint8)
    assert engine.answer([engine.pixels(large)])[0].known_score == pytest.approx(90 / 16)
    assert not engine._large.locked()


def test_answers_come_to_whom_they_belong(pipeline: Pipeline) -> None:
    futures = [pipeline.submit([lambda level=level: grey(level)], LATER)[0] for level in range(8)]
    assert [future.result(30).known_score * 16 for future in futures] == pytest.approx(range(8))
    assert pipeline.depth == 0


def test_a_lone_photo_waits_for_no_other(pipeline: Pipeline) -> None:
    began = time.monotonic()
    pipeline.submit([lambda: grey(1)], LATER)[0].result(30)
    assert time.monotonic() - began < LIMITS.batch_seconds


def test_a_batch_waits_for_photos_that_are_being_decoded(pipeline: Pipeline, batches: list[int]) -> None:
    late = Held()
    futures = pipeline.submit([lambda: grey(1), late], LATER)
    time.sleep(0.1)
    assert not futures[0].done()
    late.release.set()
    assert [future.result(30).known_score * 16 for future in futures] == pytest.approx([1, 9])
    assert batches == [2]


def test_a_batch_waits_no_longer_than_its_time(engine: Engine, batches: list[int]) -> None:
    limits = Limits(batch=4, batch_seconds=0.05, queue=8, max_bytes=1, max_pixels=1, timeout=1.0)
    pipeline, late = Pipeline(engine, limits, batches.append), Held()
    futures = pipeline.submit([lambda: grey(1), late], LATER)
    assert futures[0].result(30).known_score * 16 == pytest.approx(1)
    assert not futures[1].done()
    late.release.set()
    assert futures[1].result(30).known_score * 16 == pytest.approx(9)
    assert batches == [1, 1]
    pipeline.close(10.0)


def test_photos_of_different_clients_never_change_each_others_answers(bundle: Bundle, batches: list[int]) -> None:
    """Where numbers are scaled by the largest of a batch, as in dynamic int8, a batch is one photo."""
    engine = Engine(bundle, threads=1)
    engine.mixes = True
    pipeline = Pipeline(engine, LIMITS, batches.append)
    for future in pipeline.submit([lambda: grey(1)] * 5, LATER):
        future.result(30)
    pipeline.close(10.0)
    assert batches == [1] * 5


def test_batches_are_no_larger_than_their_size(pipeline: Pipeline, batches: list[int]) -> None:
    for future in pipeline.submit([lambda: grey(1)] * 8, LATER):
        future.result(30)
    assert sum(batches) == 8
    assert max(batches) <= LIMITS.batch


def test_all_photos_are_taken_in_or_none(pipeline: Pipeline) -> None:
    held = Held()
    first = pipeline.submit([held] * 5, LATER)
    with pytest.raises(QueueFullError):
        pipeline.submit([lambda: grey(1)] * 4, LATER)
    assert pipeline.depth == 5
    held.release.set()
    assert len({future.result(30).label for future in first}) == 1


def test_a_photo_that_cannot_be_read_is_its_own_outcome_alone(pipeline: Pipeline) -> None:
    def broken() -> NDArray[np.uint8]:
        raise PhotoError("truncated")

    bad, good = pipeline.submit([broken, lambda: grey(3)], LATER)
    assert good.result(30).known_score * 16 == pytest.approx(3)
    with pytest.raises(PhotoError, match="truncated"):
        bad.result(30)
    assert pipeline.depth == 0


def test_an_unforeseen_fault_is_its_own_outcome_too(pipeline: Pipeline) -> None:
    def odd() -> NDArray[np.uint8]:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        pipeline.submit([odd], LATER)[0].result(30)
    assert pipeline.submit([lambda: grey(2)], LATER)[0].result(30).known_score * 16 == pytest.approx(2)


def test_expired_and_cancelled_photos_are_not_decoded(pipeline: Pipeline) -> None:
    seen: list[int] = []

    def watched() -> NDArray[np.uint8]:
        seen.append(1)
        return grey(1)

    with pytest.raises(ExpiredError):
        pipeline.submit([watched], time.monotonic() - 1)[0].result(30)
    held = [Held() for _ in range(6)]  # all threads are busy with these on any machine of up to six cores
    busy = pipeline.submit(held, LATER)
    (waiting,) = pipeline.submit([watched], time.monotonic() - 1)
    waiting.cancel()
    for photo in held:
        photo.release.set()
    assert len([future.result(30) for future in busy]) == 6
    with pytest.raises((CancelledError, ExpiredError)):
        waiting.result(30)
    pipeline.close(10.0)
    assert (seen, pipeline.depth) == ([], 0)


def test_closing_answers_what_was_taken_in(engine: Engine) -> None:
    pipeline, held = Pipeline(engine, LIMITS), Held()
    futures = pipeline.submit([held, lambda: grey(4)], LATER)
    closing = threading.Thread(target=pipeline.close, args=[30.0])
    closing.start()
    while not pipeline._closed:
        time.sleep(0.001)
    with pytest.raises(ClosedError):
        pipeline.submit([lambda: grey(1)], LATER)
    held.release.set()
    assert [future.result(30).known_score * 16 for future in futures] == pytest.approx([9, 4])
    closing.join()
    assert not pipeline._worker.is_alive()


def test_closing_ends_a_network_that_does_not(tmp_path: Path) -> None:
    """A white photo keeps this network busy for minutes."""
    bundle = Bundle.open(make_bundle(tmp_path / "b", slow=1_000_000))
    pipeline = Pipeline(Engine(bundle, threads=1), LIMITS)
    (future,) = pipeline.submit([lambda: grey(255)], LATER)
    time.sleep(0.2)
    began = time.monotonic()
    pipeline.close(0.1)
    assert time.monotonic() - began < 20
    with pytest.raises(Exception, match=r"(?i)terminat"):
        future.result(10)


def test_photos_that_nobody_waits_for_free_their_places_at_once(pipeline: Pipeline) -> None:
    held = [Held() for _ in range(6)]  # all threads are busy with these on any machine of up to six cores
    busy = pipeline.submit(held, LATER)
    gone = pipeline.submit([lambda: grey(1)] * 2, LATER)
    assert pipeline.problem() == "the queue of 8 photos is full"
    for future in gone:
        future.cancel()
    pipeline.sweep()
    assert pipeline.depth <= 6
    assert pipeline.problem() is None
    for photo in held:
        photo.release.set()
    assert len([future.result(30) for future in busy]) == 6


def test_it_says_that_every_thread_is_stuck(engine: Engine) -> None:
    pipeline = Pipeline(engine, replace(LIMITS, queue=100, max_photo_seconds=0.1))
    held = [Held() for _ in range(cores())]
    futures = pipeline.submit(held, LATER)
    while pipeline.problem() is None:
        time.sleep(0.01)
    assert pipeline.problem() == "every decoding thread has been at one photo for 0.1 s"
    for photo in held:
        photo.release.set()
    assert len([future.result(30) for future in futures]) == len(held)
    while pipeline.problem() is not None:
        time.sleep(0.01)
    pipeline.close(10.0)


def test_a_network_that_does_not_end_is_told(tmp_path: Path) -> None:
    """A white photo keeps this network busy for minutes."""
    limits = replace(LIMITS, timeout=0.2)
    pipeline = Pipeline(Engine(Bundle.open(make_bundle(tmp_path / "b", slow=1_000_000)), threads=1), limits)
    pipeline.submit([lambda: grey(255)], LATER)
    while pipeline.problem() is None:
        time.sleep(0.01)
    assert pipeline.problem() == "the network has been at one batch for 0.2 s"
    pipeline.close(0.1)


def large(level: int, pixels: int = 20_000_000) -> Photo:
    """Return a photo that claims so many pixels, and goes to the process of large ones."""
    levels = grey(level)
    return Photo(lambda: levels, Weight(pixels, True), Parcel(levels))


def test_large_photos_delay_no_small_ones(engine: Engine, batches: list[int]) -> None:
    pipeline = Pipeline(engine, replace(LIMITS, max_photo_seconds=60.0), batches.append)
    slow = pipeline.submit([large(level) for level in range(4)], LATER)  # the process starts first: a second or more
    small = pipeline.submit([lambda: grey(7)], LATER)[0]

    assert small.result(30).known_score * 16 == pytest.approx(7)
    assert not slow[-1].done()
    assert [future.result(100).known_score * 16 for future in slow] == pytest.approx(range(4))
    assert batches[0] == 1, "a batch waits for no large photo"
    pipeline.close(10.0)


def test_large_photos_that_wait_have_a_bound_of_their_own(engine: Engine) -> None:
    limits = replace(LIMITS, max_photo_seconds=60.0, max_request_pixels=50_000_000)
    pipeline = Pipeline(engine, limits)
    with pytest.raises(QueueFullError):
        pipeline.submit([large(1)] * 3, LATER)
    first = pipeline.submit([large(1)] * 2, LATER)
    with pytest.raises(QueueFullError):
        pipeline.submit([large(1)] * 2, LATER)
    assert pipeline.submit([lambda: grey(2)], LATER)[0].result(30).known_score * 16 == pytest.approx(2)
    assert len([future.result(100) for future in first]) == 2
    pipeline.close(10.0)


def test_a_thread_that_never_ends_keeps_no_process_from_ending(bundle: Bundle) -> None:
    code = (
        "import sys, time; from pathlib import Path; from visionft.bundle import Bundle;"
        "from visionft.serving.engine import Engine; from visionft.serving.limits import Limits;"
        "from visionft.serving.pipeline import Pipeline;"
        "p = Pipeline(Engine(Bundle.open(Path(sys.argv[1]))), Limits(1, 0.0, 99, 1, 1, 1.0));"
        "p.submit([lambda: time.sleep(1000)] * 50, 1e9); time.sleep(0.2); p.close(0.2); print('closed', flush=True)"
    )
    command = [sys.executable, "-c", code, str(bundle.path)]
    told = subprocess.run(command, capture_output=True, text=True, timeout=100, env=ENVIRONMENT, check=False)
    assert (told.returncode, told.stdout, told.stderr) == (0, "closed\n", "")
