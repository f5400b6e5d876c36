"""Addresses of models on the hub, and names that are none."""

from __future__ import annotations

from pathlib import Path

import pytest

from visionft.errors import UsageError
from visionft.remote.hub_address import HubAddress, hub_address_of, repository_of


@pytest.mark.parametrize("given", ["hf://me/my-goods", "hf:/me/my-goods", "HF://me/my-goods/"])
def test_an_address_is_told_also_where_a_path_took_a_slash(given: str) -> None:
    assert hub_address_of(given) == hub_address_of(Path(given)) == HubAddress("me/my-goods")


def test_a_revision_stands_behind_the_name() -> None:
    found = hub_address_of("hf://me/goods@refs/pr/3")
    assert found == HubAddress("me/goods", "refs/pr/3")
    assert (str(found), found.name) == ("hf://me/goods@refs/pr/3", "goods")
    with pytest.raises(UsageError, match=r"'\.\./x' is no revision; give hf://OWNER/NAME@REVISION"):
        hub_address_of("hf://me/goods@../x")


@pytest.mark.parametrize("given", ["runs/first", "s3://bucket/x", "hf:", "me/goods", "/hf:/x"])
def test_other_places_are_none(given: str) -> None:
    assert hub_address_of(given) is None


def test_a_folder_of_that_name_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "hf:" / "me" / "goods").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    assert hub_address_of(Path("hf://me/goods")) is None


@pytest.mark.parametrize(
    "given",
    [
        "goods",
        "me/goods/x",
        "me/../x",
        "me/a--b",
        "-me/goods",
        "me/goods.git",
        "me/a b",
        "datasets/x",
        "me/" + "x" * 99,
        "",
    ],
)
def test_names_that_the_hub_does_not_take(given: str) -> None:
    with pytest.raises(
        UsageError, match="is no model's name on the hub; give OWNER/NAME, of letters, digits and single"
    ):
        repository_of(given)


def test_a_name_is_given_as_such_or_as_an_address() -> None:
    assert repository_of("me/goods_v1.2") == repository_of("hf://me/goods_v1.2") == "me/goods_v1.2"
