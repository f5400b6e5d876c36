"""Requests with anything wrong in them: 4xx in one sentence, never a crash, and memory that does not grow."""

from __future__ import annotations

import json
import socket
from collections import Counter
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import httpx
import numpy as np
import pytest
from PIL import Image

from tests.serving.server.processes import Served, served

Random = np.random.Generator
Request = tuple[str, bytes, dict[str, str]]
FORMATS = ("JPEG", "PNG", "GIF", "BMP", "TIFF", "WEBP")
INFER = "/v2/models/colours/infer"
MANY = 10_000
SETTLED = 2_000
"""Requests after which memory may grow no more: until then the allocators and the figures fill."""
GROWTH = 15_000_000
"""Bytes; a leak of one such body a request would be ten times as much."""


def photo(random: Random) -> bytes:
    file, (height, width) = BytesIO(), random.integers(8, 40, 2)
    pixels = random.integers(0, 256, (height, width, 3), np.uint8)
    Image.fromarray(pixels).save(file, str(random.choice(FORMATS)))
    return file.getvalue()


def noise(random: Random) -> Request:
    return "/classify", random.bytes(int(random.integers(0, 3000))), {}


def cut_photo(random: Random) -> Request:
    whole = photo(random)
    return "/classify", whole[: int(random.integers(0, len(whole) * 3 // 4))], {"content-type": "image/jpeg"}


def headed_noise(random: Random) -> Request:
    """Bytes that begin like a photo."""
    return "/classify", photo(random)[:12] + random.bytes(200), {}


def cut_form(random: Random) -> Request:
    file = photo(random)
    head = b'--edge\r\nContent-Disposition: form-data; name="f"; filename="a.png"\r\n\r\n'
    whole = head + file + b"\r\n--edge--\r\n"
    return (
        "/classify",
        whole[: int(random.integers(0, len(whole) - 8))],
        {"content-type": "multipart/form-data; boundary=edge"},
    )


def odd_form(random: Random) -> Request:
    kinds = ("multipart/form-data", "multipart/form-data; boundary=", "multipart/form-data; boundary=" + "x" * 500)
    return "/classify", photo(random), {"content-type": str(random.choice(kinds))}


def wrong_query(random: Random) -> Request:
    wrong = ("top=0", "top=-1", "top=1e3", "top=", "top=%F0%9F%98%80", "top=" + "9" * 300 + "x", "adapter=a")
    return f"/classify?{random.choice(wrong)}", photo(random), {}


def odd_packing(random: Random) -> Request:
    return (
        "/classify",
        photo(random),
        {"content-encoding": str(random.choice(["gzip", "deflate", "br", "x", "gzip, gzip"]))},
    )


def wrong_json(random: Random) -> Request:
    pieces = (b"{", b"[", b'"inputs"', b":", b"1e999", b"null", b'"\\ud800"', b"}", b"]", b",", b"\xff", b"-", b"\x00")
    return INFER, b"".join(random.choice(np.array(pieces, object), int(random.integers(0, 40)))), {}


def wrong_tensor(random: Random) -> Request:
    """A sound request with one value replaced by one that cannot be right there."""
    tensor = {"name": "image", "datatype": "UINT8", "shape": [1, 1, 2, 3], "data": [1, 2, 3, 4, 5, 6]}
    wrong = (None, [], {}, "", "image2", [[]], [[1], [2, 3]], [1.5] * 6, [-1] * 6, [10**30] * 6, ["a"] * 6, 10**19)
    key = str(random.choice(list(tensor)))
    content = {"inputs": [tensor | {key: wrong[int(random.integers(len(wrong)))]}]}
    return INFER, json.dumps(content).encode(), {}


def wrong_binary(random: Random) -> Request:
    """Sizes that do not agree with one another."""
    size, length = int(random.choice([-1, 0, 5, 7, 2**40])), int(random.choice([-5, 0, 10**20, 3]))
    tensor = {"name": "image", "datatype": "UINT8", "shape": [1, 1, 2, 3], "parameters": {"binary_data_size": size}}
    text = json.dumps({"inputs": [tensor]}).encode()
    claimed = len(text) if random.random() < 0.5 else length
    return INFER, text + bytes(6), {"Inference-Header-Content-Length": str(claimed)}


def wrong_place(random: Random) -> Request:
    places = (
        "/v2/models/x/infer",
        "/v2/models/colours/versions/9/infer",
        "/nowhere",
        "/v2/models//infer",
        "/%00",
        "/v2",
    )
    return str(random.choice(places)), random.bytes(10), {}


KINDS: tuple[Callable[[Random], Request], ...] = (
    noise, cut_photo, headed_noise, cut_form, odd_form, wrong_query, odd_packing, wrong_json, wrong_tensor,
    wrong_binary, wrong_place,
)  # fmt: skip


def check(client: httpx.Client, request: Request, kind: str) -> None:
    place, content, headers = request
    answer = client.post(place, content=content, headers=headers)
    told = answer.json()["error"]
    assert 400 <= answer.status_code < 500, (kind, request, answer.text)
    assert told
    assert "\n" not in told


def alive(server: Served) -> None:
    assert server.process.poll() is None
    assert server.client.get("/v2/health/ready").status_code == 200
    assert [line for line in server.lines() if line["level"] == "error"] == []


def test_some_hundred_malformed_requests(server: Served) -> None:
    random, seen = np.random.default_rng(7), Counter[str]()
    with httpx.Client(base_url=server.address, timeout=60) as client:
        for _ in range(40):
            for kind in KINDS:
                check(client, kind(random), kind.__name__)
                seen[kind.__name__] += 1

    assert sum(seen.values()) == 440
    alive(server)


def flipped(random: Random, data: bytes) -> bytes:
    changed = bytearray(data)
    for place in random.integers(0, len(data), int(random.integers(1, 6))):
        changed[place] ^= 1 << int(random.integers(8))
    return bytes(changed)


def test_flipped_bits_are_answered_or_refused(server: Served) -> None:
    """A flipped bit may leave a sound photo: then it is answered, and never is it the server's fault."""
    random, seen = np.random.default_rng(8), Counter[int]()
    with httpx.Client(base_url=server.address, timeout=60) as client:
        for _ in range(300):
            seen[client.post("/classify", content=flipped(random, photo(random))).status_code] += 1

    assert set(seen) == {200, 400}
    alive(server)


LINES = [
    b"\r\n\r\n\r\nnothing\r\n\r\n",
    b"GET\r\n\r\n",
    b"GET / HTTP/9.9\r\n\r\n",
    b"POST /classify HTTP/1.1\r\nhost: localhost\r\ncontent-length: -1\r\n\r\n",
    b"POST /classify HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nxx",
    b"POST /classify HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
    b"POST /classify HTTP/1.1\r\nhost: localhost\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    b"GET \xff\xfe HTTP/1.1\r\nhost: localhost\r\n\r\n",
    b"CONNECT host:80 HTTP/1.1\r\nhost: localhost\r\n\r\n",
    b"GET //[ HTTP/1.1\r\nhost: localhost\r\n\r\n",
    b"GET / HTTP/1.1\r\nho st: x\r\n\r\n",
    b"GET /classify HTTP/1.1\r\nhost: localhost\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n",
]


@pytest.mark.parametrize("line", LINES)
def test_what_is_no_http_gets_4xx(server: Served, line: bytes) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection:
        connection.sendall(line)
        answer = connection.recv(1000)

    assert answer.startswith(b"HTTP/1.1 4"), answer
    alive(server)


def test_random_lines_never_end_the_server(server: Served) -> None:
    random = np.random.default_rng(9)
    sound = b"POST /classify HTTP/1.1\r\nhost: localhost\r\ncontent-type: image/png\r\ncontent-length: 4\r\n\r\nabcd"
    for _ in range(200):
        with socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection:
            connection.sendall(flipped(random, sound))
            connection.shutdown(socket.SHUT_WR)
            answer = connection.recv(1000)
        assert answer == b"" or answer.startswith(b"HTTP/1.1 4"), answer
    alive(server)


@pytest.mark.slow
def test_ten_thousand_malformed_requests_leave_memory_flat(bundle: Path, tmp_path: Path) -> None:
    random, memory = np.random.default_rng(10), "process_resident_memory_bytes"
    flags = ("--max-bytes", "200000", "--max-pixels", "10000")
    with served(bundle, tmp_path / "log", *flags) as server:
        with httpx.Client(base_url=server.address, timeout=60) as client:
            for number in range(MANY):
                kind = KINDS[number % len(KINDS)]
                check(client, kind(random), kind.__name__)
                if number == SETTLED:
                    settled = server.figure(memory)
        grown = server.figure(memory) - settled
        alive(server)

    assert grown < GROWTH
