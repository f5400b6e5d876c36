"""Connections that are slow, half-closed, endless or too many, and what the log says of them."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import socket
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.serving.server.processes import ENVIRONMENT, Served, plain, served, until
from visionft.serving.server import access_log, request_body, uvicorn_protocol
from visionft.serving.server.access_log import FewLines, JsonLines
from visionft.serving.server.body_budget import Budget, Held
from visionft.serving.server.http_error import RefusalError

HEAD = b"POST /classify HTTP/1.1\r\nhost: localhost\r\n"


def connected(server: Served) -> socket.socket:
    return socket.create_connection(("127.0.0.1", server.port), timeout=30)


def answer_of(connection: socket.socket) -> bytes:
    """Return all that comes until the other side closes."""
    found = b""
    with contextlib.suppress(ConnectionResetError):
        while piece := connection.recv(65_536):
            found += piece
    return found


class Trickling:
    """A request whose body comes piece by piece."""

    def __init__(self, pieces: list[bytes], pause: float) -> None:
        self.headers: dict[str, str] = {}
        self._pieces, self._pause = pieces, pause

    async def stream(self) -> AsyncIterator[bytes]:
        for piece in self._pieces:
            await asyncio.sleep(self._pause)
            yield piece


def read(request: Trickling, seconds: float, held: Held) -> bytes:
    return asyncio.run(request_body.read_body(request, 1_000_000, seconds, held))  # type: ignore[arg-type]  # enough of one


def test_a_body_that_trickles_is_ended_and_one_that_flows_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request_body, "GRACE", 0.3)
    held = Held(Budget(10_000_000))
    flowing = Trickling([bytes(4096)] * 12, 0.05)
    assert len(read(flowing, 30.0, held)) == 12 * 4096
    with pytest.raises(
        RefusalError, match=r"came at less than 4,096 bytes a second for 0\.\d+ s: send it over a"
    ) as told:
        read(Trickling([b"x"] * 1000, 0.02), 30.0, held)
    assert told.value.status == 408
    with pytest.raises(RefusalError, match=r"the body did not arrive within 0\.2 s: send it faster or in smaller"):
        read(Trickling([b"x"] * 1000, 0.02), 0.2, held)
    held.close()


def test_bodies_share_one_budget(bundle: Path, tmp_path: Path) -> None:
    """Five bodies that are sent all but for their last byte: the fifth finds no room, until one of them is whole."""
    size = 2_000_000
    flags = ("--max-bytes", str(size), "--max-held-bytes", str(4 * size))
    with served(bundle, tmp_path / "log", *flags) as server, contextlib.ExitStack() as open_ones:
        slow = [open_ones.enter_context(connected(server)) for _ in range(3)]
        for connection in slow:
            connection.sendall(HEAD + b"content-length: %d\r\n\r\n" % size + bytes(size - 1))
        until(lambda: server.figure("visionft_held_bytes") == 3 * (size - 1))
        refused = server.client.post("/classify", content=bytes(size))
        small = server.client.post("/classify", content=plain(9))
        for connection in slow:
            connection.sendall(b"\0")
            assert connection.recv(12) == b"HTTP/1.1 400", "zeros are no photo"
        until(lambda: server.figure("visionft_held_bytes") == 0)
        later = server.client.post("/classify", content=bytes(size))

    assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
    assert "are allowed together: send the request again in a moment" in refused.json()["error"]
    assert (small.status_code, later.status_code) == (200, 400)


def test_a_client_that_closed_its_half_is_answered(server: Served) -> None:
    photo = plain(9)
    with connected(server) as connection:
        connection.sendall(HEAD + b"content-length: %d\r\n\r\n" % len(photo) + photo)
        connection.shutdown(socket.SHUT_WR)
        answer = answer_of(connection)
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert answer.endswith(b"}")


def test_a_client_that_closed_inside_its_body_is_let_go(server: Served) -> None:
    with connected(server) as connection:
        connection.sendall(HEAD + b"content-length: 100\r\n\r\nhalf")
        connection.shutdown(socket.SHUT_WR)
        assert answer_of(connection) == b""
    ended = "the connection ended inside the body: send it whole"
    until(lambda: any(line.get("problem") == ended for line in server.lines()))
    assert server.figure("visionft_held_bytes") == 0


@pytest.mark.parametrize(
    "endless",
    [
        HEAD + b"transfer-encoding: chunked\r\n\r\n0\r\n" + b"x: y\r\n" * 200_000,  # trailers
        HEAD + b"transfer-encoding: chunked\r\n\r\n1;" + b"x" * 1_000_000,  # an extension of a chunk
    ],
)
def test_what_stands_beside_a_body_is_bounded(server: Served, endless: bytes) -> None:
    with connected(server) as connection:
        with contextlib.suppress(OSError):
            connection.sendall(endless)
        answer_of(connection)  # closed by the server: a connection that it keeps would run into the socket's timeout
    assert server.client.get("/v2/health/live").status_code == 200


def test_a_body_in_small_pieces_is_read(server: Served) -> None:
    photo = plain(9)
    pieces = b"".join(b"1\r\n%c\r\n" % byte for byte in photo) + b"0\r\n\r\n"
    with connected(server) as connection:
        connection.sendall(HEAD + b"connection: close\r\ntransfer-encoding: chunked\r\n\r\n" + pieces)
        assert answer_of(connection).startswith(b"HTTP/1.1 200 ")


def test_what_is_no_http_is_told_as_json(server: Served) -> None:
    with connected(server) as connection:
        connection.sendall(b"nothing\r\n\r\n")
        answer = answer_of(connection)
    assert json.loads(answer.partition(b"\r\n\r\n")[2]) == {
        "error": "the request is no HTTP/1.1: send it by an HTTP client"
    }


def test_an_answer_before_the_body_s_end_reaches_the_client_and_the_rest_is_thrown_away(server: Served) -> None:
    """413 comes while the body is still being sent; a client that only then reads gets it, not a reset."""
    with connected(server) as connection:
        connection.sendall(HEAD + b"content-length: 3000000\r\n\r\n")
        connection.sendall(bytes(2_999_999))
        answer = connection.recv(65_536)
    assert answer.startswith(b"HTTP/1.1 413 ")


def test_more_connections_than_descriptors_leave_room_for_who_asks_in_one_piece(bundle: Path, tmp_path: Path) -> None:
    with served(bundle, tmp_path / "log", descriptors=200) as server, contextlib.ExitStack() as open_ones:
        most = 200 - uvicorn_protocol._NEWCOMERS - uvicorn_protocol._OWN_DESCRIPTORS
        for number in range(3 * most):
            connection = open_ones.enter_context(connected(server))
            connection.sendall(HEAD + b"content-length: 100\r\n\r\n" if number % 2 else b"POST /cl")
        answers = [server.client.post("/classify", content=plain(9)).status_code for _ in range(20)]
        files = len(list(Path(f"/proc/{server.process.pid}/fd").iterdir()))

    assert answers == [200] * 20
    assert files < 200
    assert [line for line in server.lines() if line["level"] == "error"] == []


def test_the_limit_of_descriptors_is_the_limit_of_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    found = []
    for soft in (64, 256, 1024, 10**6):
        monkeypatch.setattr("resource.getrlimit", lambda _, soft=soft: (soft, soft))
        found.append(uvicorn_protocol.most_connections())
    assert found == [8, 128, 896, 10_000]


def record(name: str = "visionft.serving", **fields: object) -> logging.LogRecord:
    made = logging.LogRecord(name, logging.INFO, "", 0, "request", None, None)
    if fields:
        made.fields = fields
    return made


def test_lines_of_one_kind_have_a_rate_and_the_next_says_how_many_were_left_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = [0.0]
    monkeypatch.setattr("visionft.serving.server.access_log.time.monotonic", lambda: now[0])
    few = FewLines(seconds=10.0)
    passed = sum(few.filter(record(status=404)) for _ in range(1000))
    assert passed == 10 * access_log.OTHER_RATE
    assert few.filter(record(status=200)), "another kind"
    assert few.filter(record(name="asyncio")), "another kind"
    now[0] += 1.0
    line = record(status=418)
    assert few.filter(line)
    assert json.loads(JsonLines().format(line))["left_out"] == 800
    assert sum(few.filter(record(status=404)) for _ in range(100)) == access_log.OTHER_RATE - 1
    assert sum(few.filter(record(status=200)) for _ in range(9000)) == 10 * access_log.SOUND_RATE


def test_everything_on_stderr_is_json() -> None:
    """Warnings, faults of threads, of destructors and of the main thread, and names with line ends in them."""
    code = """
import threading, warnings, logging
from visionft.serving.server import access_log
access_log.configure()
warnings.warn("odd\\nthing")
logging.getLogger("library").error("%d", "no number")
logging.getLogger("library").error("two\\nlines \\x1b[31m")
def fail(): raise ValueError("in a\\nthread")
thread = threading.Thread(target=fail); thread.start(); thread.join()
class Odd:
    def __del__(self): raise ValueError("at the end")
Odd()
access_log.say("request", path="/\\n\\x1b[31m\\ud800")
raise RuntimeError("at last")
"""
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=ENVIRONMENT, check=False)
    lines = [json.loads(line) for line in told.stderr.splitlines()]
    assert told.stderr.isascii()
    assert [line.get("fault") for line in lines if "fault" in line] == [
        "ValueError: in a\nthread", "ValueError: at the end", "RuntimeError: at last",
    ]  # fmt: skip
    assert any("odd\nthing" in line["event"] for line in lines)
    assert any(line.get("path") == "/\n\x1b[31m\ud800" for line in lines)


@pytest.fixture
def slow_ones() -> Iterator[list[socket.socket]]:
    found: list[socket.socket] = []
    yield found
    for connection in found:
        connection.close()


@pytest.mark.slow
def test_three_hundred_slow_clients_hold_no_server_of_256_descriptors(
    bundle: Path, tmp_path: Path, slow_ones: list[socket.socket]
) -> None:
    """Each sends a byte a second for 30 s and connects again when it is ended; an honest client asks beside them."""
    stop = threading.Event()

    def trickle(server: Served) -> None:
        while not stop.wait(1.0):
            for place in range(300):
                with contextlib.suppress(OSError):
                    if len(slow_ones) <= place:
                        slow_ones.append(connected(server))
                        slow_ones[place].sendall(HEAD + b"content-length: 100000\r\n\r\n")
                    slow_ones[place].sendall(b"x")
                    continue
                with contextlib.suppress(OSError):
                    slow_ones[place].close()
                    slow_ones[place] = connected(server)
                    slow_ones[place].sendall(HEAD + b"content-length: 100000\r\n\r\n")

    with served(bundle, tmp_path / "log", descriptors=256) as server:
        thread = threading.Thread(target=trickle, args=[server])
        thread.start()
        end, told = time.monotonic() + 30, []
        while time.monotonic() < end:
            told.append(server.client.post("/classify", content=plain(9)).status_code)
            time.sleep(0.1)
        memory = server.figure("process_resident_memory_bytes")
        stop.set()
        thread.join()

    assert len(told) > 50
    assert set(told) == {200}
    assert memory < 400e6
    assert server.log.stat().st_size < 2_000_000
