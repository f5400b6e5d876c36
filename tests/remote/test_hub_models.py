"""A bundle fetched from a hub of this machine: whole and as it was pushed, or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest
from huggingface_hub import constants

from tests.bundle.making import make_bundle
from tests.hub_server import Hub
from visionft.bundle import Bundle
from visionft.errors import HubError
from visionft.files import digests
from visionft.remote.hub_address import HubAddress
from visionft.remote.hub_models import fetched, kind_of

GOODS = HubAddress("me/goods")


@pytest.fixture
def pushed(hub: Hub, tmp_path: Path) -> Hub:
    made = make_bundle(tmp_path / "made")
    (made / "README.md").write_text("a card")
    digests.seal(made)
    hub.make("me/goods", {name: place.read_bytes() for name, place in digests.files(made).items()})
    return hub


def fetch(address: HubAddress = GOODS) -> tuple[Path, list[str]]:
    said: list[str] = []
    return fetched(address, said.append), said


def test_it_is_a_bundle_and_is_fetched_once(pushed: Hub) -> None:
    place, said = fetch()
    assert Bundle.open(place).record.backbone
    assert not any(path.is_symlink() for path in place.rglob("*"))
    assert ".gitattributes" not in {path.name for path in place.iterdir()}
    [line] = said
    assert line.startswith("hf://me/goods: bundle, 4 files, ")
    before = len(pushed.asked)
    assert fetch() == (place, [])
    assert not [one for one in pushed.asked[before:] if "model.onnx" in one]


def test_another_commit_is_another_folder_and_an_earlier_one_can_be_named(pushed: Hub) -> None:
    first, repository = fetch()[0], pushed.repositories["me/goods"]
    old = repository.head
    repository.commit({**pushed.files("me/goods"), "notes.txt": b"of somebody"})
    second, _ = fetch()
    assert second != first
    assert not (second / "notes.txt").exists()
    assert fetch(HubAddress("me/goods", old))[0] == first


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("model.onnx", b"short", r"model\.onnx has 5 bytes, and [\d,]+ were pushed"),
        ("bundle.json", None, r"bundle\.json: its digest is not the one in digests\.json"),
    ],
)
def test_a_file_that_was_altered_is_refused(pushed: Hub, name: str, content: bytes | None, words: str) -> None:
    files = pushed.files("me/goods")
    files[name] = content or files[name].replace(b"1", b"2")
    for _ in range(2):  # nothing of it stays in the cache
        with pytest.raises(HubError, match=rf"hf://me/goods is not as it was pushed \({words}\); push it again, or"):
            fetch()


def test_a_missing_file_is_refused(pushed: Hub) -> None:
    del pushed.files("me/goods")["model.onnx"]
    with pytest.raises(HubError, match=r"is not as it was pushed \(model\.onnx is missing\)"):
        fetch()


def test_a_card_that_was_edited_there_is_no_fault(pushed: Hub) -> None:
    pushed.files("me/goods")["README.md"] = b"edited"
    assert (fetch()[0] / "README.md").read_text() == "edited"


def test_what_holds_nothing_of_ours(hub: Hub) -> None:
    hub.make("me/goods", {"config.json": b"{}"})
    with pytest.raises(HubError, match="hf://me/goods holds neither a run nor a bundle of visionft; give a repository"):
        fetch()
    hub.make("me/goods", {"digests.json": b"[]"})
    with pytest.raises(HubError, match=r"hf://me/goods: digests\.json is damaged \(it holds no JSON object\); push it"):
        fetch()
    assert kind_of(["a"]) is None


def test_a_revision_that_is_not_there(pushed: Hub) -> None:
    with pytest.raises(HubError, match="hf://me/goods@v9: the repository has no such revision; give a branch, a tag"):
        fetch(HubAddress("me/goods", "v9"))


def test_private_ones_are_for_those_who_may(pushed: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    pushed.repositories["me/goods"].private = True
    assert fetch()[0].is_dir()
    monkeypatch.setenv("HF_TOKEN", "hf_stranger")
    with pytest.raises(HubError, match="hf://me/goods: the hub has no such repository, or it is private; look for its"):
        fetch()


def test_without_a_network_what_was_fetched_last_is_taken(pushed: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    place, _ = fetch()
    with monkeypatch.context() as patch:
        patch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
        again, said = fetch()
        assert (again, len(said)) == (place, 1)
        assert said[0].startswith("note: hf://me/goods: the hub is out of reach (http://127.0.0.1:9: ")
        patch.setenv("VISIONFT_CACHE", str(place.parents[2] / "emptied"))
        with pytest.raises(HubError, match="hf://me/goods: the hub is out of reach"):
            fetch()
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    again, said = fetch()
    assert again == place
    assert said[0].startswith(
        "note: hf://me/goods: HF_HUB_OFFLINE is set, so that the hub is not asked; unset it; until"
    )
    with pytest.raises(HubError, match="hf://me/other: HF_HUB_OFFLINE is set"):
        fetch(HubAddress("me/other"))
