"""Files elsewhere are listed whole, by version, and every failure is a sentence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import fsspec
import pytest

from visionft.errors import DataError, UsageError
from visionft.remote import buckets
from visionft.remote.addresses import Address
from visionft.remote.buckets import Remote, fetch, find


@pytest.fixture
def memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("VISIONFT_CACHE", str(tmp_path / "cache"))
    system = fsspec.filesystem("memory")
    system.store.clear()
    for number in (8, 9, 10):
        system.pipe(f"/shop/{number:03}.tar", bytes(number))
    system.pipe("/shop/sub/a.jpg", b"a")
    system.pipe("/shopping/b.jpg", b"b")
    return system


def names(rest: str) -> list[str]:
    return [file.address.rest for file in find(Address("memory", rest))]


def test_a_prefix_ends_at_a_slash_and_a_file_is_itself(memory: Any) -> None:
    assert names("shop") == ["shop/008.tar", "shop/009.tar", "shop/010.tar", "shop/sub/a.jpg"]
    assert names("shop/sub/a.jpg") == ["shop/sub/a.jpg"]
    assert [file.size for file in find(Address("memory", "shop"))] == [8, 9, 10, 1]


def test_patterns_and_their_braces(memory: Any) -> None:
    assert names("shop/0*.tar") == ["shop/008.tar", "shop/009.tar", "shop/010.tar"]
    assert names("shop/{009..011}.tar") == ["shop/009.tar", "shop/010.tar"]
    assert names("{shop,shopping}/*.jpg") == ["shopping/b.jpg"]
    assert names("{shop/sub,shopping}/{a,b}.jpg") == ["shop/sub/a.jpg", "shopping/b.jpg"]
    with pytest.raises(DataError, match=r"^there is no memory://shop/\{011\.\.020\}\.tar, or nothing in it"):
        names("shop/{011..020}.tar")


def test_the_version_is_the_first_that_the_file_system_has() -> None:
    assert buckets._version({"ETag": '"abc"', "mtime": 3}) == "abc"
    assert buckets._version({"ETag": None, "mtime": 3}) == "3"
    assert buckets._version({"size": 3}) == ""


def test_a_file_s_place_is_of_its_address_version_and_size() -> None:
    files = [
        Remote(Address("s3", "shop/a"), 3, "v"), Remote(Address("s3", "shop/b"), 3, "v"),
        Remote(Address("s3", "shop/a"), 4, "v"), Remote(Address("s3", "shop/a"), 3, "w"),
    ]  # fmt: skip
    assert len({file.place for file in files}) == 4
    assert files[0].place == Remote(Address("s3", "shop/a"), 3, "v").place


def test_what_is_there_is_not_fetched_again_and_copies_once(memory: Any) -> None:
    files, told = find(Address("memory", "shop")), list[tuple[int, int]]()
    assert fetch([*files, files[0]], lambda done, of: told.append((done, of))) == 4
    assert [file.place.read_bytes() for file in files] == [bytes(8), bytes(9), bytes(10), b"a"]
    assert told[-1] == (5, 5)
    files[1].place.unlink()
    assert fetch(files, lambda *_: None) == 1
    assert files[1].place.read_bytes() == bytes(9)


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (FileNotFoundError("x"), "there is no memory://shop/photos, or nothing in it"),
        (PermissionError("x"), "the credentials do not let memory://shop/photos be read"),
        (type("NoCredentialsError", (Exception,), {})("x"), "there are no credentials for memory://shop/photos"),
        (NotADirectoryError("x"), "there is no memory://shop/photos, or nothing in it"),
        (ValueError(), r"cannot be reached \(ValueError\)"),
        (TimeoutError("timed out"), r"memory://shop/photos cannot be reached \(timed out\)"),
    ],
)
def test_each_failure_is_a_sentence(fault: Exception, words: str) -> None:
    with pytest.raises(DataError, match=words), buckets.told(Address("memory", "shop/photos")):
        raise fault


def test_a_failure_is_known_by_its_cause_and_a_sentence_stays_one() -> None:
    wrapped = RuntimeError("wrapped")
    wrapped.__cause__ = PermissionError("403")
    with (
        pytest.raises(DataError, match=r"set AWS_ACCESS_KEY_ID .* of someone who may"),
        buckets.told(Address("s3", "x")),
    ):
        raise wrapped
    with pytest.raises(UsageError, match=r"^said before$"), buckets.told(Address("s3", "x")):
        raise UsageError("said before")
