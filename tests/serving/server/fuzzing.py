"""Requests that a machine makes up, and bombs: small ones that ask for much."""

from __future__ import annotations

import copy
import json
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from io import BytesIO
from typing import Any

import numpy as np
from PIL import Image

Random = np.random.Generator
INFER = "/v2/models/colours/infer"
GZIP = {"content-encoding": "gzip"}
FORM = {"content-type": "multipart/form-data; boundary=edge"}


@dataclass(frozen=True)
class Asked:
    """A request; one without a place is bytes for the connection itself."""

    content: bytes
    place: str = ""
    headers: dict[str, str] = field(default_factory=dict)


def pick(random: Random, things: Any) -> Any:
    return things[int(random.integers(len(things)))]


@cache
def photo(kind: str = "PNG", side: int = 12) -> bytes:
    file = BytesIO()
    Image.fromarray(np.random.default_rng(side).integers(0, 256, (side, side, 3), np.uint8)).save(file, kind)
    return file.getvalue()


def damaged(random: Random, data: bytes) -> bytes:
    """Return bytes that were flipped, cut, doubled or filled in some places."""
    for _ in range(int(random.integers(1, 5))):
        a, b = sorted(int(place) for place in random.integers(0, len(data) + 1, 2))
        piece = data[a : min(b, a + 64)]
        data = pick(random, [
            data[:a] + random.bytes(len(piece)) + data[a + len(piece) :], data[:a] + data[a + len(piece) :], data[:b],
            data[:a] + piece * 3 + data[a:],
            data[:a] + pick(random, [b"\r\n", b"\0", b"--edge", b"\xff" * 9]) + data[a:],
        ])  # fmt: skip
    return data


ODD: tuple[Any, ...] = (
    None, True, 0, -1, 1, 255, 256, 2**31, 2**63, 10**300, 0.5, -0.0, 1e308, float("nan"), float("inf"), "", "image",
    "UINT8", "label", "\ud800", "\0", "x" * 2000, [], {}, [[]], [[[[[[1]]]]]], [1, [2]], ["1"], {"a": {"b": []}},
    [None] * 6, [1.0] * 6,
)  # fmt: skip
SOUND: dict[str, Any] = {
    "id": "a",
    "parameters": {"binary_data_output": False},
    "inputs": [
        {"name": "image", "datatype": "UINT8", "shape": [1, 1, 2, 3], "data": [1, 2, 3, 4, 5, 6], "parameters": {}}
    ],
    "outputs": [{"name": "label", "parameters": {"binary_data": True}}],
}


def mutated(random: Random, node: Any) -> Any:
    """Return a JSON value in which one place was replaced, dropped, doubled or wrapped."""
    if isinstance(node, dict | list) and node and random.random() < 0.8:
        found = copy.copy(node)
        key = pick(random, list(node) if isinstance(node, dict) else range(len(node)))
        what = random.random()
        if what < 0.1:
            del found[key]
        elif what < 0.2 and isinstance(found, list):
            found.extend([found[key]] * int(random.integers(1, 12)))
        else:
            found[key] = mutated(random, node[key])
        return found
    return pick(random, [*ODD, [node], {"x": node}, [node] * 3])


def json_request(random: Random) -> Asked:
    content = SOUND
    for _ in range(int(random.integers(1, 4))):
        content = mutated(random, content)
    text = json.dumps(content).encode()
    return Asked(damaged(random, text) if random.random() < 0.2 else text, INFER)


def binary_request(random: Random) -> Asked:
    size = pick(random, [0, 5, 6, 7, -1, 2**40, 10**18, "6", None, 6.0, True])
    tensor = {"name": "image", "datatype": "UINT8", "shape": [1, 1, 2, 3], "parameters": {"binary_data_size": size}}
    text = json.dumps({"inputs": [tensor]}).encode()
    length = pick(
        random, [str(len(text)), str(len(text) - 1), "0" * 5000 + "1", "9" * 4000, "-1", "1e2", "", " 7", "٣"]
    )
    header = length.encode().decode("latin-1")
    return Asked(text + bytes(int(random.integers(0, 9))), INFER, {"inference-header-content-length": header})


def form_request(random: Random) -> Asked:
    head = b'--edge\r\nContent-Disposition: form-data; name="%s"; filename="%s"\r\n\r\n'
    files = b"".join(
        head % (random.bytes(3).hex().encode(), pick(random, [b"a.png", b"", b"\xff", b'q"', b"*=utf-8''x"]))
        + photo(pick(random, ["PNG", "JPEG", "TIFF", "GIF"]))
        + b"\r\n"
        for _ in range(int(random.integers(0, 4)))
    )
    whole = files + b'--edge\r\nContent-Disposition: form-data; name="top"\r\n\r\n2\r\n--edge--\r\n'
    return Asked(damaged(random, whole), "/classify", FORM)


def photo_request(random: Random) -> Asked:
    kind = pick(random, ["PNG", "JPEG", "TIFF", "GIF", "WEBP", "BMP", "AVIF", "JPEG2000"])
    return Asked(damaged(random, photo(kind)), f"/classify?top={pick(random, ['1', '3', '0', 'x', ''])}")


def packed_request(random: Random) -> Asked:
    packed = damaged(random, zlib.compress(json.dumps(SOUND).encode(), wbits=31))
    return Asked(packed, INFER, {"content-encoding": pick(random, ["gzip", "deflate", "x-gzip", "br"])})


def raw_request(random: Random) -> Asked:
    sound = b"POST /classify HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-length: %d\r\n\r\n"
    return Asked(damaged(random, sound % len(photo()) + photo()))


def chunked_request(random: Random) -> Asked:
    head = b"POST /classify HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n"
    rest, body = photo(), b""
    while rest:
        size = int(random.integers(1, 99))
        body += b"%x%s\r\n%s\r\n" % (len(rest[:size]), pick(random, [b"", b"", b"", b";a=b"]), rest[:size])
        rest = rest[size:]
    body += pick(random, [b"0\r\n\r\n", b"0\r\nx: y\r\n\r\n", b"", b"-1\r\n\r\n", b"f" * 40 + b"\r\n\r\n"])
    return Asked(head + (damaged(random, body) if random.random() < 0.7 else body))


KINDS: tuple[Callable[[Random], Asked], ...] = (
    json_request, binary_request, form_request, photo_request, packed_request, raw_request, chunked_request,
)  # fmt: skip


def packed_bomb(text: bytes, place: str = INFER, headers: dict[str, str] | None = None) -> Asked:
    return Asked(zlib.compress(text, 9, wbits=31), place, GZIP | (headers or {}))


def tensor_of(data: bytes) -> bytes:
    return json.dumps(SOUND).encode().replace(b"[1, 2, 3, 4, 5, 6]", data)


def form_of(files: int, data: bytes) -> Asked:
    head = b'--edge\r\nContent-Disposition: form-data; name="f"; filename="f"\r\n\r\n'
    return Asked((head + data + b"\r\n") * files + b"--edge--\r\n", "/classify", FORM)


@cache
def bombs() -> tuple[Asked, ...]:
    """Return small requests that ask for much, those of most work first."""
    large = BytesIO()
    Image.new("RGB", (7000, 7000)).save(large, "PNG", compress_level=1)
    scans = BytesIO()
    Image.new("RGB", (2000, 2000)).save(scans, "JPEG", progressive=True)
    last = scans.getvalue().rindex(b"\xff\xda")
    laborious = scans.getvalue()[:last] + scans.getvalue()[last:-2] * 3000 + b"\xff\xd9"
    return (
        Asked(laborious, "/classify"),
        packed_bomb(bytes(100_000_000), "/classify"),
        packed_bomb(b"[" + b"[]," * 20_000_000 + b"[]]"),
        form_of(40, large.getvalue()),
        packed_bomb(tensor_of(b"[" + b"[]," * 1_000_000 + b"[]]")),
        packed_bomb(tensor_of(b'["' + b"x" * 100_000 + b'"' + b',""' * 4_000 + b"]")),
        packed_bomb(tensor_of(b'["' + b"x" * 100_000 + b'"' + b',""' * 400_000 + b"]")),
        packed_bomb(tensor_of(b"[" + b"1," * 2_000_000 + b"1]")),
        packed_bomb(tensor_of(b"[" + b"9" * 1_000_000 + b"]")),
        packed_bomb(b"[" * 400_000),
        packed_bomb(b"{" + b'"a":1,' * 100_000 + b'"a":1}'),
        packed_bomb(b'--edge\r\nContent-Disposition: form-data; name="f"\r\n\r\n\r\n' * 200_000, "/classify", FORM),
        packed_bomb(b"--edge\r\n" + b"\r" * 5_000_000, "/classify", FORM),
        Asked(b"{}", INFER, {"inference-header-content-length": "0" * 5000 + "2"}),
        Asked(tensor_of(b"7").replace(b"[1, 1, 2, 3]", b"[128, 7000, 7000, 3]"), INFER),
        Asked(tensor_of(b"7").replace(b"[1, 1, 2, 3]", b"[1, 1%s, 1%s, 3]" % (b"0" * 300, b"0" * 300)), INFER),
    )
