"""Addresses are told from paths, and archives from other files."""

from __future__ import annotations

from pathlib import Path

import pytest

from visionft.errors import UsageError
from visionft.remote.addresses import Address, address_of, archive_of, is_archive, is_elsewhere, stem


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("s3://shop/a/b/", "s3://shop/a/b"),
        (Path("s3://shop/a/b"), "s3://shop/a/b"),
        ("S3://shop", "s3://shop"),
        ("hf://datasets/x/y", "hf://datasets/x/y"),
        ("s3:/shop/a", "s3://shop/a"),
        ("memory://shop/../x", "memory://shop/../x"),
        ("s3://", None),
        ("s3:photos", None),
        ("photos", None),
        ("C:/photos", None),
        ("C:\\\\photos", None),
        ("/data/photos", None),
        ("zip://photos.zip", None),
    ],
)
def test_addresses_are_told_from_paths(text: str | Path, wanted: str | None) -> None:
    found = address_of(text)
    assert (None if found is None else str(found)) == wanted


def test_other_schemes_and_archives_that_are_not_there_are_refused() -> None:
    with pytest.raises(UsageError, match="photos are not read from https://; give a folder"):
        address_of("https://example.org/photos")
    with pytest.raises(UsageError, match=r"there is no file nowhere\.zip; give the path of an archive"):
        is_elsewhere("zip://nowhere.zip")
    assert archive_of("nowhere.zip") is None
    assert stem("photos.tar.gz") == "photos"


def test_what_lies_here_under_the_name_of_an_address_is_a_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "s3:" / "shop").mkdir(parents=True)
    (tmp_path / "s3:" / "gone").symlink_to("nowhere")
    assert address_of("s3:/shop") is None
    assert address_of("s3:/gone") is None, "a link here, though what it names is not"
    assert address_of("s3:/other") == Address("s3", "other")


def test_an_archive_is_a_file_here_with_such_an_ending(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("photos.ZIP", "photos.jpg"):
        (tmp_path / name).touch()
    (tmp_path / "folder.zip").mkdir()
    assert archive_of("photos.ZIP") == "photos.ZIP"
    assert archive_of("zip://photos.ZIP") == "photos.ZIP"
    assert archive_of(f"tar://{tmp_path}/photos.ZIP") == f"{tmp_path}/photos.ZIP"
    assert archive_of("photos.jpg") is None
    assert archive_of("folder.zip") is None, "a folder may be called so"
    assert archive_of("photos\0.zip") is None
    assert [is_elsewhere(place) for place in ("photos.ZIP", "photos.jpg", "s3://shop")] == [True, False, True]


def test_names_and_patterns() -> None:
    assert (Address("s3", "shop/a/b.jpg").name, Address("s3", "shop").name) == ("b.jpg", "shop")
    patterns = [Address("s3", rest).is_pattern for rest in ("a/b.jpg", "a/*.jpg", "a/{0..9}.tar", "a/[ab].tar")]
    assert patterns == [False, True, True, True]
    assert [stem(name) for name in ("a.b.tar.gz", "a.TGZ", ".zip", "a.jpg")] == ["a.b", "a", ".zip", "a.jpg"]
    assert [is_archive(name) for name in ("a.tar.zst", "a.TAR", "a.zip.jpg", "tar")] == [True, True, False, False]


@pytest.mark.parametrize(
    "text",
    ["s3://KEY:hush@shop/a", "s3:/KEY:hush@shop/a", "az://shop/a?sv=2026&sig=hush", "s3://shop/a?X-Amz-Signature=hush"],
)
def test_an_address_with_a_key_in_it_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(UsageError, match=r"so it may hold no key: leave it out") as refused:
        address_of(text)
    assert "hush" not in str(refused.value)


def test_an_at_sign_alone_is_no_key() -> None:
    for text in ("abfs://shop@account.dfs.core.windows.net/a", "hf://datasets/user/name@main/a", "s3://shop/a:b@c"):
        assert str(address_of(text)) == text


def test_the_root_of_a_pattern_is_what_stands_before_its_first_sign() -> None:
    roots = {"b/a/*.jpg": "b/a", "b/lot?/x": "b", "b/lot[12]/*": "b", "b/{x,y}/z*": "b", "b/a": "b/a"}
    assert {rest: Address("s3", rest).root for rest in roots} == roots
    exact = Address("s3", "b/lot[1]").exactly()
    assert (exact.is_pattern, exact.root, exact == Address("s3", "b/lot[1]")) == (False, "b/lot[1]", True)
