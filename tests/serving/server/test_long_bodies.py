"""Long bodies hold no thread for long: they are not copied whole, and are searched in stretches."""

from __future__ import annotations

import numpy as np
import pytest

from tests.serving.server.test_request_body import packed
from visionft.serving.server.body_budget import SMALL, Budget, Held
from visionft.serving.server.http_error import RefusalError
from visionft.serving.server.json_bounds import check_json
from visionft.serving.server.multipart import read_form
from visionft.serving.server.request_body import unpacked


def test_a_long_body_is_not_copied_and_cut_as_a_short_one_is() -> None:
    for size, kind in ((SMALL, bytes), (SMALL + 1, bytearray)):
        assert type(unpacked(packed(size), "gzip", 64_000_000, Held(Budget(64_000_000)))) is kind
    whole = np.random.default_rng(1).bytes(3 * SMALL)
    parts = [whole[: 2 * SMALL], whole[2 * SMALL :]]
    head = b'--b\r\nContent-Disposition: form-data; name="f"; filename="a"\r\n\r\n'
    # The second edge lies over the end of a stretch that is searched at one time.
    for shift in range(12):
        first = parts[0][: SMALL - len(head) - shift]
        body = head + first + b"\r\n" + head + parts[1] + b"\r\n--b--\r\n"
        forms = [read_form("multipart/form-data; boundary=b", kind(body), 2) for kind in (bytes, bytearray)]
        assert forms[0] == forms[1]
        assert [file.data for file in forms[1].files] == [first, parts[1]]
        assert all(type(file.data) is bytes for file in forms[1].files)


def test_the_digits_of_a_number_are_counted_and_those_of_its_neighbours_are_not() -> None:
    for text in (b"9" * 309, b",".join([b"7" * 309] * 50), b"[" + b"1.5e3," * 1000 + b"1]"):
        assert check_json(memoryview(text)) == text
    for text in (b"0123456789" * 31, b"[1," + b"8" * 310, b"1." + b"9" * 400 + b"]"):
        with pytest.raises(RefusalError, match="a number of more than 309 digits"):
            check_json(memoryview(text))
