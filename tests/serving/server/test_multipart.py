from __future__ import annotations

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from visionft.serving.server.http_error import RefusalError, shortened
from visionft.serving.server.multipart import BODY, Form, Upload, read_form

NAMES = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"], exclude_characters='"\\'), min_size=1)


@settings(max_examples=25)
@given(st.lists(st.tuples(NAMES, st.binary(max_size=300)), min_size=1, max_size=5), st.dictionaries(NAMES, NAMES))
def test_a_form_is_read_as_it_was_written(files: list[tuple[str, bytes]], fields: dict[str, str]) -> None:
    request = httpx.Request("POST", "http://x", files=[("file", item) for item in files], data=fields)

    form = read_form(request.headers["content-type"], request.read(), most=5)

    assert [file.data for file in form.files] == [data for _, data in files]
    assert [file.name for file in form.files] == [shortened(name, 200) for name, _ in files]
    assert form.fields == fields


def test_any_other_body_is_one_file() -> None:
    assert read_form("image/png", b"bytes", 1).files == (Upload(BODY, b"bytes"),)
    assert read_form("", b"bytes", 1).files == (Upload(BODY, b"bytes"),)


@settings(max_examples=200)
@given(st.binary(max_size=400), st.sampled_from(["edge", "", "--", "e" * 70]))
def test_any_bytes_are_a_form_or_a_refusal(body: bytes, boundary: str) -> None:
    content_type = f"multipart/form-data; boundary={boundary}"
    found: Form | RefusalError
    try:
        found = read_form(content_type, b"--" + boundary.encode() + body, 3)
    except RefusalError as refusal:
        found = refusal

    assert found.status in (400, 413) if isinstance(found, RefusalError) else 1 <= len(found.files) <= 3


def test_more_files_than_allowed_are_refused() -> None:
    request = httpx.Request("POST", "http://x", files=[("f", ("a", b"1"))] * 3)
    with pytest.raises(RefusalError, match="there are more than 2 files in the request: send at most so many at once"):
        read_form(request.headers["content-type"], request.read(), 2)


def test_what_callers_give_is_short_and_printable_in_sentences() -> None:
    assert shortened("a\nb\x00c") == "a?b?c"
    assert shortened("x" * 100) == "x" * 79 + "…"
    assert shortened([1, 2]) == "[1, 2]"
