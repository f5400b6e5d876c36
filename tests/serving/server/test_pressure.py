"""Many clients, a full queue, slow networks, and the end of the process."""

from __future__ import annotations

import signal
import socket
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import httpx
import numpy as np
import pytest
from numpy.typing import NDArray

from tests.serving.server.processes import Served, photos, plain, png, served, until
from visionft.serving import Session

SLOW = 200
"""Level of a photo that a slow network turns on for about a second."""


def classify(server: Served, photo: bytes) -> httpx.Response:
    return server.client.post("/classify", content=photo)


def test_batched_answers_are_those_of_single_photos(bundle: Path, tmp_path: Path) -> None:
    images = photos(200, seed=3)
    answers = Session(bundle).answer_batch(images)
    wrong: list[str] = []

    def ask(pair: tuple[NDArray[np.uint8], object]) -> None:
        row = classify(server, png(pair[0])).json()["answers"][0]
        if row["label"] != pair[1].label or abs(row["probability"] - pair[1].probability) > 1e-6:  # type: ignore[attr-defined]
            wrong.append(str(row))

    with served(bundle, tmp_path / "log", "--batch", "8", "--batch-ms", "20") as server, ThreadPoolExecutor(16) as pool:
        list(pool.map(ask, zip(images, answers, strict=True)))
        batches, photos_in_them = (
            server.figure("visionft_batch_photos_count"),
            server.figure("visionft_batch_photos_sum"),
        )

    assert wrong == []
    assert photos_in_them == 200
    assert batches < 200, "no two photos were ever run together"


def test_a_full_queue_is_429_with_a_time_to_come_back(slow_bundle: Path, tmp_path: Path) -> None:
    with served(slow_bundle, tmp_path / "log", "--queue", "2", "--batch", "1") as server, ThreadPoolExecutor(2) as pool:
        first = [pool.submit(classify, server, plain(SLOW)) for _ in range(2)]
        until(lambda: server.figure("visionft_queue_photos") == 2)
        refused = classify(server, plain(0))
        alive, ready = server.client.get("/v2/health/live"), server.client.get("/v2/health/ready")
        answered = [future.result().status_code for future in first]
        later = classify(server, plain(0))

    assert refused.status_code == 429
    assert int(refused.headers["retry-after"]) >= 1
    assert refused.json()["error"] == "the queue of 2 photos is full: send the request again in a moment"
    assert (alive.status_code, answered, later.status_code) == (200, [200, 200], 200)
    assert (ready.status_code, ready.json()) == (503, {"ready": False, "error": "the queue of 2 photos is full"})


def test_all_files_of_a_request_are_taken_in_or_none(bundle: Path, tmp_path: Path) -> None:
    with served(bundle, tmp_path / "log", "--queue", "3") as server:
        files = [("f", (f"{i}.png", plain(i))) for i in range(3)]
        whole = server.client.post("/classify", files=files)
        assert (whole.status_code, len(whole.json()["answers"])) == (200, 3)
        assert server.client.post("/classify", files=[*files, *files]).status_code == 413
        assert server.figure("visionft_queue_photos") == 0


def test_late_answers_are_504_and_leave_the_queue(slow_bundle: Path, tmp_path: Path) -> None:
    flags = ("--timeout", "0.4", "--batch", "1")
    with served(slow_bundle, tmp_path / "log", *flags) as server, ThreadPoolExecutor(4) as pool:
        late = [future.result() for future in [pool.submit(classify, server, plain(SLOW)) for _ in range(4)]]
        until(lambda: server.figure("visionft_queue_photos") == 0)
        quick = classify(server, plain(0))
        ran = server.figure("visionft_batch_photos_sum")

    assert {answer.status_code for answer in late} == {504}
    assert late[0].json()["error"] == "there was no answer within 0.4 s: send fewer or smaller photos, or later"
    assert quick.status_code == 200
    assert ran <= 3, "photos that nobody waited for were run"


def test_a_body_that_does_not_arrive_is_408(bundle: Path, tmp_path: Path) -> None:
    head = b"POST /classify HTTP/1.1\r\nhost: localhost\r\ncontent-length: 100\r\n\r\nhalf"
    with (
        served(bundle, tmp_path / "log", "--timeout", "0.3") as server,
        socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection,
    ):
        connection.sendall(head)
        answer = b""
        while not answer.endswith(b"}"):
            answer += connection.recv(10_000)

    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"the body did not arrive within 0.3 s: send it faster or in smaller pieces" in answer


def test_endless_headers_end_the_connection(server: Served) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\n")
        try:
            for i in range(200):
                connection.sendall(f"x-{i}: {'y' * 1000}\r\n".encode())
            answer = connection.recv(1000)
        except OSError:
            answer = b"HTTP/1.1 400 "

    assert answer.startswith(b"HTTP/1.1 400 ")
    assert server.client.get("/v2/health/live").status_code == 200


def read(server: Served, answers: list[Future[httpx.Response]]) -> float:
    """Return how many photos the server has read: some may be answered before the last of them came."""
    return server.figure("visionft_queue_photos") + sum(answer.done() for answer in answers)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_what_was_read_is_answered_before_the_process_ends(
    slow_bundle: Path, tmp_path: Path, number: signal.Signals
) -> None:
    with served(slow_bundle, tmp_path / "log", "--batch", "2") as server, ThreadPoolExecutor(6) as pool:
        answers = [pool.submit(classify, server, plain(SLOW)) for _ in range(6)]
        until(lambda: read(server, answers) == 6)
        server.process.send_signal(number)
        code = server.process.wait(timeout=60)
        told = [future.result() for future in answers]

    assert code == 0
    assert [answer.status_code for answer in told] == [200] * 6
    assert {answer.json()["answers"][0]["label"] for answer in told} == {"blue"}
    assert all(line["event"] == "request" for line in server.lines())


def test_what_cannot_be_answered_in_time_is_503_while_stopping(slow_bundle: Path, tmp_path: Path) -> None:
    flags = ("--batch", "1", "--timeout", "2.5")
    with served(slow_bundle, tmp_path / "log", *flags) as server, ThreadPoolExecutor(8) as pool:
        answers = [pool.submit(classify, server, plain(255)) for _ in range(8)]
        until(lambda: read(server, answers) == 8)
        server.process.terminate()
        code = server.process.wait(timeout=60)
        told = [future.result() for future in answers]

    assert code == 0
    assert server.lines(), "each of them is JSON: onnxruntime says nothing of the run that was ended"
    assert {answer.status_code for answer in told} == {200, 503}
    stopped = next(answer for answer in told if answer.status_code == 503)
    assert stopped.json()["error"] == "the server is stopping: send the request to another one"


@pytest.mark.parametrize("seed", range(3))
def test_a_killed_server_never_gives_half_an_answer(bundle: Path, tmp_path: Path, seed: int) -> None:
    images = photos(20, seed)
    labels = [answer.label for answer in Session(bundle).answer_batch(images)]
    told: list[tuple[int, httpx.Response]] = []

    def ask(start: int) -> None:
        with httpx.Client(timeout=60) as client:
            for i in range(start, 10_000):
                photo = i % len(images)
                try:
                    answer = client.post(f"{server.address}/classify", content=png(images[photo]))
                except httpx.TransportError:
                    return
                told.append((photo, answer))

    with served(bundle, tmp_path / "log") as server:
        askers = [threading.Thread(target=ask, args=[i]) for i in range(4)]
        for asker in askers:
            asker.start()
        until(lambda: len(told) > 20)
        time.sleep(np.random.default_rng(seed).uniform(0, 0.2))
        server.process.kill()
        for asker in askers:
            asker.join()

    assert len(told) > 20
    for photo, answer in told:
        assert answer.status_code == 200
        assert answer.json()["answers"][0]["label"] == labels[photo]


def test_a_future_of_a_photo_is_never_left_open(bundle: Path, tmp_path: Path) -> None:
    """Clients that go away leave nothing behind."""
    with served(bundle, tmp_path / "log") as server:
        assert server.figure('visionft_photos_total{outcome="answered"}') == 0
        for _ in range(20):
            with socket.create_connection(("127.0.0.1", server.port)) as connection:
                photo = plain(9)
                connection.sendall(
                    f"POST /classify HTTP/1.1\r\nhost: localhost\r\ncontent-length: {len(photo)}\r\n\r\n".encode()
                )
                connection.sendall(photo)
        until(lambda: server.figure('visionft_photos_total{outcome="answered"}') == 20)
        assert server.figure("visionft_queue_photos") == 0
        server.process.terminate()
        assert server.process.wait(timeout=30) == 0
