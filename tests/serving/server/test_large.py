"""Photos that cost much, beside other people's small ones; and the end of a process that is at work on them."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path

import httpx
import numpy as np
import pytest
from PIL import Image

from tests.serving.server.processes import ENVIRONMENT, Served, plain, png, served, until
from tests.serving.test_decode_cost import saved, with_scans
from visionft.serving import Session

SMALL = plain(9)


@pytest.fixture(scope="module")
def huge() -> bytes:
    """Return a PNG of 49 megapixels, in some 150 kB."""
    return saved((7000, 7000), "PNG", compress_level=1)


@pytest.fixture(scope="module")
def large() -> bytes:
    """Return a PNG of 20 megapixels: large enough to be worked on apart."""
    return saved((5000, 4000), "PNG", compress_level=1)


@pytest.fixture(scope="module")
def laborious() -> bytes:
    """Return a JPEG of 49 megapixels in 3,000 scans, which takes minutes."""
    return with_scans(saved((7000, 7000), "JPEG", progressive=True), 3000)


@pytest.fixture(scope="module")
def server(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    flags = ("--timeout", "120", "--max-photo-seconds", "60")
    with served(bundle, tmp_path_factory.mktemp("large") / "log", *flags) as found:
        yield found


def form(photo: bytes, count: int) -> list[tuple[str, tuple[str, bytes]]]:
    return [("file", (f"{number}.png", photo)) for number in range(count)]


def classify(server: Served, photo: bytes) -> httpx.Response:
    return server.client.post("/classify", content=photo)


def test_forty_photos_of_49_megapixels_are_refused_at_once(server: Served, huge: bytes) -> None:
    with ThreadPoolExecutor(2) as pool:
        refused = pool.submit(server.client.post, "/classify", files=form(huge, 40))
        beside = [classify(server, SMALL).status_code for _ in range(5)]
        answer = refused.result()

    assert (answer.status_code, answer.json()["error"]) == (
        413,
        "the photos of this request have 1,960,000,000 pixels together and 500,000,000 are allowed: "
        "send fewer at once (or serve with a larger --max-request-pixels)",
    )
    assert beside == [200] * 5
    assert server.figure("visionft_queue_photos") == 0
    decoded = ("answered", "unreadable")
    assert sum(server.figure(f'visionft_photos_total{{outcome="{outcome}"}}') for outcome in decoded) == 5


def test_small_photos_are_answered_while_large_ones_are_in_work(server: Served, large: bytes, bundle: Path) -> None:
    with ThreadPoolExecutor(2) as pool:
        slow = pool.submit(server.client.post, "/classify", files=form(large, 4))
        until(lambda: server.figure("visionft_queue_photos") == 4)
        beside = [classify(server, SMALL).status_code for _ in range(10)]
        ready = server.client.get("/v2/health/ready").status_code
        overtaken = not slow.done()
        answer = slow.result()

    assert (beside, ready) == ([200] * 10, 200)
    assert overtaken, "ten small photos waited for four large ones"
    expected = Session(bundle).answer(np.full((1, 1, 3), (200, 30, 30), np.uint8))
    assert answer.status_code == 200
    rows = answer.json()["answers"]
    assert [row["label"] for row in rows] == [expected.label] * 4
    assert rows[0]["probability"] == pytest.approx(expected.probability, abs=1e-6)


def tensor(side: int) -> tuple[bytes, dict[str, str]]:
    head = (
        b'{"inputs":[{"name":"image","datatype":"UINT8","shape":[1,%d,%d,3],"parameters":{"binary_data_size":%d}}],'
        b'"outputs":[{"name":"label"}]}' % (side, side, side * side * 3)
    )
    levels = np.full((side, side, 3), (9, 200, 9), np.uint8).tobytes()
    return head + levels, {"Inference-Header-Content-Length": str(len(head))}


def test_a_large_tensor_is_answered_apart_too(server: Served) -> None:
    body, headers = tensor(4100)
    answer = server.client.post("/v2/models/colours/infer", content=body, headers=headers)
    assert answer.json()["outputs"][0]["data"] == ["green"]


def test_a_large_tensor_that_takes_too_long_is_refused_and_not_left_out(bundle: Path, tmp_path: Path) -> None:
    body, headers = tensor(4100)
    with served(bundle, tmp_path / "log", "--max-photo-seconds", "0.001") as server:
        answer = server.client.post("/v2/models/colours/infer", content=body, headers=headers)
    assert (answer.status_code, answer.json()["error"]) == (
        413,
        "a photo of image cannot be used (takes more than 0.001 s to decode): send smaller ones",
    )


def test_a_queue_of_large_photos_is_full_where_small_ones_have_room(bundle: Path, tmp_path: Path, large: bytes) -> None:
    flags = ("--max-request-pixels", "20000000", "--timeout", "120", "--max-photo-seconds", "60")
    with served(bundle, tmp_path / "log", *flags) as server, ThreadPoolExecutor(6) as pool:
        asked = [pool.submit(classify, server, large) for _ in range(6)]
        until(lambda: server.figure("visionft_queue_photos") == 2 or all(one.done() for one in asked))
        small = classify(server, SMALL).status_code
        told = [one.result() for one in asked]

    full = [answer for answer in told if answer.status_code == 429]
    assert {answer.status_code for answer in told} == {200, 429}
    assert full[0].json()["error"] == "the queue of large photos is full: send the request again in a moment"
    assert small == 200


def test_a_jpeg_of_three_thousand_scans_stops_nobody(bundle: Path, tmp_path: Path, laborious: bytes) -> None:
    with (
        served(bundle, tmp_path / "log", "--max-photo-seconds", "1.5") as server,
        ThreadPoolExecutor(3) as pool,
    ):
        bad = [pool.submit(classify, server, laborious) for _ in range(3)]
        beside = []
        while not all(one.done() for one in bad):
            beside.append(classify(server, SMALL).status_code)
        told = [one.result() for one in bad]
        ready = server.client.get("/v2/health/ready").status_code
        apart = server.client.post("/classify", content=saved((30, 20), "TIFF")).status_code

    assert {answer.status_code for answer in told} == {400}
    assert "body cannot be used as a photo: " in told[0].json()["error"]
    assert ("takes more than 1.5 s to decode" in told[0].text) or ("scans" in told[0].text)
    assert len(beside) > 5
    assert set(beside) == {200}
    assert (ready, apart) == (200, 200)


@pytest.mark.parametrize("signals", [1, 3])
def test_the_process_ends_in_its_time_whatever_it_decodes(
    bundle: Path, tmp_path: Path, laborious: bytes, signals: int
) -> None:
    flags = ("--timeout", "2", "--max-photo-seconds", "3600")
    photos = [png(np.zeros((3900, 4000, 3), np.uint8)), laborious]
    with served(bundle, tmp_path / "log", *flags) as server:

        def ask(photo: bytes) -> None:
            with httpx.Client(timeout=60) as client:
                while server.process.poll() is None:
                    try:
                        client.post(f"{server.address}/classify", content=photo)
                    except httpx.TransportError:
                        return

        askers = [threading.Thread(target=ask, args=[photo]) for photo in photos * 4]
        for asker in askers:
            asker.start()
        until(lambda: server.figure("visionft_queue_photos") >= 4)
        for _ in range(signals):
            server.process.send_signal(signal.SIGTERM)
            time.sleep(0.2)
        began = time.monotonic()
        code = server.process.wait(timeout=60)
        took = time.monotonic() - began
        for asker in askers:
            asker.join()
        lines = server.lines()  # each is JSON: no traceback

    assert code == 0
    assert took < 30
    assert [line for line in lines if line["level"] == "error"] == []


@pytest.mark.parametrize("wait", [0.05, 0.4, 0.7, 1.0])
def test_a_signal_while_it_starts_leaves_no_traceback(bundle: Path, wait: float) -> None:
    command = [sys.executable, "-m", "visionft", "serve", str(bundle), "--port", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=ENVIRONMENT)
    time.sleep(wait)
    process.terminate()
    out, err = process.communicate(timeout=60)
    assert process.returncode in (-signal.SIGTERM, 128 + signal.SIGTERM, 0)
    assert "Traceback" not in err
    assert out.count("\n") <= 1


def test_memory_beside_large_photos_is_the_process_s_own(server: Served) -> None:
    """What a 2 kB WebP of 20 megapixels takes is taken, and given back, by the process of large photos."""
    file = BytesIO()
    Image.new("RGB", (5000, 4000), (9, 9, 200)).save(file, "WEBP", quality=1)
    before = server.figure("process_resident_memory_bytes")
    with ThreadPoolExecutor(2) as pool:
        told = [one.result() for one in [pool.submit(classify, server, file.getvalue()) for _ in range(2)]]
        during = server.figure("process_resident_memory_bytes")
    assert [answer.json()["answers"][0]["label"] for answer in told] == ["blue"] * 2
    assert during - before < 150e6
