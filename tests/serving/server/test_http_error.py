"""A request that is answered with a sentence."""

from __future__ import annotations

import pytest

from visionft.serving.server.http_error import RefusalError, shortened


@pytest.mark.parametrize(
    ("given", "length", "text"),
    [
        ("abc", 3, "abc"),
        ("abcd", 3, "ab…"),
        ("a\nb\x1b", 80, "a?b?"),
        (12345, 4, "123…"),
        (None, 80, "None"),
        ("größe", 80, "größe"),
    ],
)
def test_what_a_caller_gave_is_printable_and_short(given: object, length: int, text: str) -> None:
    assert shortened(given, length) == text


def test_a_refusal_keeps_what_it_was_given_apart_from_its_caller_s() -> None:
    headers = {"retry-after": "1"}
    refusal = RefusalError(429, "the queue is full", headers)
    headers.clear()
    assert (refusal.status, str(refusal), refusal.headers, refusal.more) == (
        429, "the queue is full", {"retry-after": "1"}, {},
    )  # fmt: skip
