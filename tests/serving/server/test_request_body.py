"""What a client may make the server build: refused in one sentence, before it is built."""

from __future__ import annotations

import json
import resource
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.serving.server.processes import Served, plain, served
from visionft.serving.limits import Limits
from visionft.serving.server.body_budget import Budget, Held
from visionft.serving.server.http_error import RefusalError
from visionft.serving.server.infer import read_infer
from visionft.serving.server.json_bounds import check_json
from visionft.serving.server.multipart import read_form
from visionft.serving.server.request_body import unpacked

LIMITS = Limits(batch=4, batch_seconds=0.0, queue=128, max_bytes=64_000_000, max_pixels=50_000_000, timeout=30.0)
INFER = "/v2/models/colours/infer"


def request_of(**changes: Any) -> dict[str, Any]:
    image = {"name": "image", "datatype": "UINT8", "shape": [1, 1, 2, 3], "data": [1, 2, 3, 4, 5, 6]}
    return {"inputs": [image | changes]}


def text_of(data: str) -> bytes:
    """Return a request whose data is this JSON."""
    return json.dumps(request_of(data="HERE")).replace('"HERE"', data).encode()


ONE_LONG_STRING = text_of(json.dumps(["x" * 100_000] + [""] * 3_000))
TOO_MUCH: dict[str, tuple[bytes, int, str]] = {
    "one long string among short ones": (
        ONE_LONG_STRING, 400, r"image cannot be used \(its data holds other things than whole numbers\): send UINT8 .*",
    ),
    "strings without end": (
        text_of(json.dumps([""] * 6_000)), 413,
        r"the JSON holds 12,0\d\d quotation marks and 10,000 are allowed: send levels as numbers",
    ),
    "twenty million lists": (
        text_of("[" + "[]," * 20_000_000 + "[]]"), 413,
        r"the JSON holds 60,\d{3},\d{3} bytes and 33,554,432 are allowed: send the tensor's data as bytes .*",
    ),
    "a million lists": (
        text_of("[" + "[]," * 1_000_000 + "[]]"), 413,
        r"the JSON holds 1,000,00\d lists and 500,000 are allowed: send the data flat, or .*",
    ),
    "ten million numbers": (
        text_of("[" + "1," * 10_000_000 + "1]"), 413,
        r"the JSON holds 10,0\d\d,\d{3} values and 5,000,000 are allowed: send the tensor's data as bytes .*",
    ),
    "a million keys": (
        b"{" + b'"a":1,' * 1_000_000 + b'"a":1}', 413, r"the JSON holds 1,000,001 keys and 10,000 are allowed: .*",
    ),
    "objects without end": (
        b"[" + b"{}," * 11_000 + b"{}]", 413, r"the JSON holds 11,001 objects and 10,000 are allowed: send one .*",
    ),
    "a number of 310 digits": (
        text_of(f"[{'9' * 310}]"), 400,
        r"the JSON holds a number of more than 309 digits: send whole numbers from 0 .*",
    ),
    "numbers in every place of the shape": (
        json.dumps(request_of(shape=[1] * 1000)).encode(), 400,
        r"the request does not follow the protocol \(inputs\.0\.shape: .* at most 8 items.*",
    ),
    "a shape of 10^300": (
        json.dumps(request_of(shape=[1, 10**300, 10**300, 3])).encode(), 400,
        r"image cannot be used \(its shape is \[1, 1000.*…\): send UINT8 .*",
    ),
    "a level of 10^300": (
        json.dumps(request_of(data=[10**300] * 6)).encode(), 400,
        r"image cannot be used \(its data goes from 1000000000000000000… to 1000000000000000000…\): send UINT8 .*",
    ),
    "many inputs": (
        json.dumps({"inputs": request_of()["inputs"] * 100}).encode(), 400, r".*\(inputs: .* at most 8 items.*",
    ),
    "an id that is a book": (
        json.dumps(request_of() | {"id": "x" * 100_000}).encode(), 400, r".*\(id: .* at most 1000 characters\).*",
    ),
    "nested without end": (b"[" * 400_000, 400, r"the body is not JSON: .*"),
    "nested parameters": (
        json.dumps(request_of() | {"parameters": {}}).replace("{}", '{"a":' + "[" * 500 + "]" * 500 + "}").encode(),
        400, r"the request does not follow the protocol \(parameters\..*",
    ),
    "nested deeper than an image": (
        text_of("[[[[[[1,2,3,4,5,6]]]]]]"), 400, r".*its data holds other things than whole numbers.*",
    ),
    "photos of too many pixels together": (
        json.dumps(request_of(shape=[20, 7000, 7000, 3])).encode(), 413,
        r"the photos of this request have 980,000,000 pixels together and 500,000,000 are allowed: send fewer .*",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", TOO_MUCH)
def test_a_tensor_is_refused_before_it_is_built(case: str) -> None:
    body, status, sentence = TOO_MUCH[case]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(RefusalError, match=sentence) as told:
        read_infer(body, None, LIMITS)
    assert told.value.status == status
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000, "kilobytes"


@pytest.mark.parametrize("length", ["0" * 5000 + "2", "9" * 5000, "-1", "²", ""])
def test_a_header_length_of_thousands_of_digits_is_refused(length: str) -> None:
    with pytest.raises(
        RefusalError, match=r"Inference-Header-Content-Length is .* and the body has 2 bytes: give"
    ) as told:
        read_infer(b"{}", length, LIMITS)
    assert told.value.status == 400


def test_what_passes_the_scan_is_what_sound_requests_hold() -> None:
    """A nested photo of 384 by 384, and 32 flat ones of 224 by 224, as the largest that people send as JSON."""
    random = np.random.default_rng(0)
    nested = random.integers(0, 256, (1, 384, 384, 3))
    body = json.dumps(request_of(shape=list(nested.shape), data=nested.tolist())).encode()
    np.testing.assert_array_equal(read_infer(body, None, LIMITS).images, nested)
    flat = random.integers(0, 256, (32, 224, 224, 3))
    check_json(memoryview(json.dumps(flat.ravel().tolist()).encode()))


def form_of(parts: int, head: bytes = b'Content-Disposition: form-data; name="f"', value: bytes = b"") -> bytes:
    return (b"--b\r\n" + head + b"\r\n\r\n" + value + b"\r\n") * parts + b"--b--\r\n"


FORMS: dict[str, tuple[bytes, int, str]] = {
    "a million fields": (
        form_of(1_000_000), 413,
        r"the form has more than 192 parts: send at most 128 files at once",
    ),
    "fields beyond the bound": (form_of(100), 400, r"there is no photo in the request: .*"),
    "different fields beyond the bound": (
        b"".join(form_of(1, b'Content-Disposition: form-data; name="%d"' % i)[:-7] for i in range(70)) + b"--b--\r\n",
        413, r"the form has 70 fields and 64 are allowed: send fewer",
    ),
    "a long field": (form_of(1, value=b"x" * 9000), 413, r"a field of the form has 9,000 bytes and 8,192 are allowed"),
    "a head without end": (form_of(1, b"x" * 9000), 400, r"the multipart form is damaged or cut short: .*"),
    "line ends alone": (b"--b\r\n" + b"\r" * 30_000_000, 400, r"the multipart form is damaged or cut short: .*"),
    "what looks like an edge": (
        b"--b\r\n\r\n" + b"\r\n--bx" * 3_000_000, 413, r"the form has more than 192 parts: send .*",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", FORMS)
def test_a_form_is_refused_before_it_is_cut(case: str) -> None:
    body, status, sentence = FORMS[case]
    began = time.process_time()
    with pytest.raises(RefusalError, match=sentence) as told:
        read_form("multipart/form-data; boundary=b", body, 128)
    assert told.value.status == status
    assert time.process_time() - began < 2.0, "a parser that walks through the bytes takes ten times as long"


def test_a_form_has_a_preamble_and_an_epilogue_and_what_looks_like_an_edge_in_a_file() -> None:
    head = b'CONTENT-disposition:form-data; name=f; filename="a"'
    body = b"Not for you.\r\n--b \t\r\n" + head + b"\r\n\r\n1\r\n--bc\r\n--\r\n--b--\r\nNor this.\r\n--b\r\n"
    form = read_form('multipart/form-data; boundary="b"', body, 1)
    assert [(file.name, file.data) for file in form.files] == [("a", b"1\r\n--bc\r\n--")]


def packed(size: int, kind: int = 16 + zlib.MAX_WBITS) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, kind)
    return packer.compress(bytes(size)) + packer.flush()


def test_a_body_that_unpacks_is_taken_little_by_little() -> None:
    random = np.random.default_rng(0)
    whole = random.bytes(200_000) + bytes(3_000_000)
    for encoding, kind in (("gzip", 31), ("deflate", 15)):
        packer = zlib.compressobj(6, zlib.DEFLATED, kind)
        body = packer.compress(whole) + packer.flush()
        held = Held(Budget(64_000_000))
        assert unpacked(body, encoding, len(whole), held) == whole
        assert held._own == len(whole)
        with pytest.raises(RefusalError, match="the body is larger than 3,199,999 bytes"):
            unpacked(body, encoding, len(whole) - 1, held)
        for wrong in (body[:-1], body + b"x", body + body, b"", bytes(9)):
            with pytest.raises(RefusalError, match=f"the body is no whole {encoding}"):
                unpacked(wrong, encoding, 64_000_000, Held(Budget(64_000_000)))


@pytest.fixture(scope="module")
def wide(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Return a server with the bounds that it has when nobody says otherwise."""
    with served(bundle, tmp_path_factory.mktemp("wide") / "log") as found:
        yield found


def bombs() -> dict[str, Callable[[], tuple[str, bytes, dict[str, str]]]]:
    gzip = {"content-encoding": "gzip"}
    form = {"content-type": "multipart/form-data; boundary=b"}
    zipped = {name: zlib.compress(TOO_MUCH[name][0], wbits=31) for name in ("twenty million lists", "a million lists")}
    return {
        "lists": lambda: (INFER, zipped["twenty million lists"], gzip),
        "fewer lists": lambda: (INFER, zipped["a million lists"], gzip),
        "strings": lambda: (INFER, zlib.compress(ONE_LONG_STRING, wbits=31), gzip),
        "zeros": lambda: ("/classify", packed(300_000_000), gzip),
        "fields": lambda: ("/classify", zlib.compress(form_of(1_000_000), wbits=31), gzip | form),
    }


def test_bombs_leave_no_trace_in_the_answers_of_others(wide: Served) -> None:
    """Every one is refused, and every small photo beside and after them is answered at once, not with 504."""
    for make in bombs().values():
        place, content, headers = make()
        for _ in range(3):
            answer = wide.client.post(place, content=content, headers=headers)
            assert answer.status_code in (400, 413), answer.text
            assert answer.json()["error"]
            beside = wide.client.post("/classify", content=plain(9))
            assert beside.status_code == 200, beside.text
    assert wide.client.get("/v2/health/ready").json() == {"ready": True}
    assert wide.figure("visionft_held_bytes") == 0
    assert wide.figure("process_resident_memory_bytes") < 800e6
