"""Fetching goes on where it was interrupted, and every failure is a sentence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import fsspec
import pytest

from visionft.errors import DataError, MissingExtraError
from visionft.remote import buckets
from visionft.remote.addresses import Address
from visionft.remote.local_copy import local_copy


@pytest.fixture(autouse=True)
def memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("VISIONFT_CACHE", str(tmp_path / "cache"))
    system = fsspec.filesystem("memory")
    system.store.clear()
    for name in ("disc/1.jpg", "disc/2.jpg", "square/1.jpg", "notes.md", ".hidden/x.jpg"):
        system.pipe(f"/shop/photos/{name}", name.encode())
    return system


def test_an_interrupted_fetch_keeps_what_it_has_and_goes_on(memory: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    get, fetched, down = type(memory).get_file, list[str](), [True]

    def breaking(self: Any, source: str, target: str, **more: Any) -> None:
        fetched.append(source)
        if len(fetched) > 2 and down:
            raise OSError("the line is down")
        get(self, source, target, **more)

    monkeypatch.setattr(buckets, "THREADS", 1)
    monkeypatch.setattr(type(memory), "get_file", breaking)
    with pytest.raises(DataError, match=r"cannot be reached \(the line is down\): look at the network; what was"):
        local_copy("memory://shop/photos")
    down.clear()
    said: list[str] = []
    local_copy("memory://shop/photos", say=said.append)
    assert said[-1].endswith("; 2 fetched, 2 here before")


def test_a_file_that_changes_while_it_is_fetched_is_not_believed(memory: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def longer(self: Any, source: str, target: str, **more: Any) -> None:
        Path(target).write_bytes(b"longer than it was listed")

    monkeypatch.setattr(type(memory), "get_file", longer)
    with pytest.raises(DataError, match="changed while it was fetched"):
        local_copy("memory://shop/photos")


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (FileNotFoundError("x"), "there is no memory://shop/photos, or nothing in it"),
        (PermissionError("x"), "the credentials do not let memory://shop/photos be read"),
        (type("NoCredentialsError", (Exception,), {})("x"), "there are no credentials for memory://shop/photos"),
        (TimeoutError("timed out"), r"memory://shop/photos cannot be reached \(timed out\)"),
    ],
)
def test_each_failure_is_a_sentence(fault: Exception, words: str) -> None:
    with pytest.raises(DataError, match=words), buckets.told(Address("memory", "shop/photos")):
        raise fault


@pytest.mark.parametrize(
    ("scheme", "way"),
    [("s3", r"pip install 'visionft\[remote\]'"), ("gs", "pip install gcsfs"), ("az", "pip install adlfs")],
)
def test_what_has_to_be_installed_is_said(scheme: str, way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*_: Any, **__: Any) -> None:
        raise ImportError("no module")

    monkeypatch.setattr(fsspec, "filesystem", missing)
    with pytest.raises(MissingExtraError, match=way):
        local_copy(f"{scheme}://shop/photos")


def test_the_names_of_shards_are_written_with_braces(memory: Any) -> None:
    for name in ("s-08", "s-09", "s-10", "t-09"):
        memory.pipe(f"/shards/{name}.tar", name.encode())
    found = [file.address.name for file in buckets.find(Address("memory", "shards/{s,t}-{09..10}.tar"))]
    assert found == ["s-09.tar", "s-10.tar", "t-09.tar"]
