"""Fuzzed requests and bombs with an honest client beside them: no 5xx but 503, no honest failure, bounded memory."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import numpy as np
import pytest

from tests.serving.server.fuzzing import KINDS, Asked, bombs
from tests.serving.server.honest import Honest, honest
from tests.serving.server.processes import Served, served

FLAGS = ("--max-photo-seconds", "0.5")
MOST_MEMORY = 900e6
"""Bytes of the server's process: the budget of bodies, 256 MB, with what is parsed of them, and itself."""
MOST_GROWTH = 100e6
"""Bytes between the first tenth of the fuzzed requests and the last."""
ROUNDS = 5
"""Of bombs, each with an idle one before it: the medians of both are compared, as a machine is never quite idle."""
SLACK = 0.02
"""Seconds that the honest p99 may lie above twice its idle value: three turns of threads that wait for each other."""
MEMORY = "process_resident_memory_bytes"


def status_of(server: Served, client: httpx.Client, asked: Asked) -> int:
    """Send a request and return its status; 0 where the connection was ended without an answer."""
    if asked.place:
        headers = {name: value.encode("latin-1") for name, value in asked.headers.items()}
        try:
            return client.post(asked.place, content=asked.content, headers=headers).status_code
        except httpx.LocalProtocolError:  # the client refuses to send such a header
            return 0
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection, contextlib.suppress(OSError):
        connection.sendall(asked.content)
        connection.shutdown(socket.SHUT_WR)
        answer = connection.recv(1000)
        return int(answer[9:12]) if answer else 0
    return 0


def give_way() -> None:
    """Let a thread of the attackers, who stand for other machines, take no time of the server's."""
    os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 19)


def attacked(server: Served, requests: Sequence[Asked], threads: int) -> tuple[Counter[int], Honest]:
    """Send requests from some threads; return how often each status came, and the honest client beside them."""

    def send(asked: Asked) -> int:
        return status_of(server, client, asked)

    with (
        httpx.Client(base_url=server.address, timeout=90, limits=httpx.Limits(max_keepalive_connections=0)) as client,
        honest(server.address) as beside,
        ThreadPoolExecutor(threads, initializer=give_way) as pool,
    ):
        seen = Counter(pool.map(send, requests))
    return seen, beside


def check(server: Served, seen: Counter[int], beside: Honest) -> None:
    assert all(status < 500 or status == 503 for status in seen), seen
    assert {status for status, _ in beside.told} == {200}
    assert server.process.poll() is None
    assert server.client.get("/v2/health/ready").json() == {"ready": True}
    assert [line for line in server.lines() if line["level"] == "error"] == []
    assert server.figure("visionft_held_bytes") == 0
    assert server.figure(MEMORY) < MOST_MEMORY


@pytest.fixture
def server(bundle: Path, tmp_path: Path) -> Iterator[Served]:
    with served(bundle, tmp_path / "log", *FLAGS) as found:
        yield found


def fuzzed(count: int, seed: int) -> list[Asked]:
    random = np.random.default_rng(seed)
    return [KINDS[number % len(KINDS)](random) for number in range(count)]


def test_some_fuzzed_requests_and_every_bomb(server: Served) -> None:
    seen, beside = attacked(server, [*fuzzed(280, 3), *bombs()], threads=2)
    assert sum(seen.values()) == 280 + len(bombs())
    assert {200, 400, 413} <= set(seen)
    check(server, seen, beside)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_ten_thousand_fuzzed_requests(server: Served, capsys: pytest.CaptureFixture[str]) -> None:
    first, beside = attacked(server, fuzzed(1000, 5), threads=2)
    check(server, first, beside)
    before = server.figure(MEMORY)
    seen, beside = attacked(server, fuzzed(9000, 6), threads=2)
    grown = server.figure(MEMORY) - before
    with capsys.disabled():
        print(f"\n9,000 fuzzed: {dict(seen)}; memory grew {grown / 1e6:.0f} MB; honest p99 {beside.p99():.3f} s")

    check(server, seen, beside)
    assert grown < MOST_GROWTH


def thousand_bombs() -> list[Asked]:
    """Return a thousand in a mixed order, those of most work one in a hundred each."""
    random, heavy = np.random.default_rng(7), 4
    light = len(bombs()) - heavy
    return [
        bombs()[number % 100 if number % 100 < heavy else heavy + int(random.integers(light))] for number in range(1000)
    ]


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_thousand_bombs(server: Served, capsys: pytest.CaptureFixture[str]) -> None:
    attacked(server, bombs()[:3], threads=2)  # starts the two processes for large work
    chosen, idle, beside = thousand_bombs(), [], []
    for number in range(ROUNDS):
        with honest(server.address) as alone:
            time.sleep(5)
        seen, under_attack = attacked(server, chosen[number::ROUNDS], threads=4)
        check(server, seen, under_attack)
        assert len(under_attack.told) > 50
        idle.append(alone.p99())
        beside.append(under_attack.p99())
    with capsys.disabled():
        print(
            f"\n1,000 bombs: memory {server.figure(MEMORY) / 1e6:.0f} MB; honest p99 {np.median(beside):.4f} s of "
            f"{np.round(beside, 4).tolist()}, idle {np.median(idle):.4f} s of {np.round(idle, 4).tolist()}"
        )
    assert np.median(beside) < 2 * np.median(idle) + SLACK
