"""A push to a hub of this machine, read back; and what is left as it is."""

from __future__ import annotations

import pytest
from huggingface_hub import constants

from tests.hub_server import READER, Hub
from visionft.errors import HubError
from visionft.files import digests
from visionft.files.safe_open import entry_of_bytes
from visionft.sharing.hub_push import Pushed, look, push_staged
from visionft.sharing.staged import Staged


def staged(more: dict[str, bytes] | None = None, kind: str = "bundle") -> Staged:
    """Return two files and their digests, one of them so large that it goes through LFS."""
    first = "bundle.json" if kind == "bundle" else "settings.yaml"
    contents = {first: b"{}", "model.onnx": bytes(range(256)) * 100, **(more or {})}
    entries = {name: entry_of_bytes(content) for name, content in contents.items()}
    listed = digests.Digests(dict(entries)).text().encode()
    entries["digests.json"] = entry_of_bytes(listed)
    return Staged(kind, {**contents, "digests.json": listed}, entries, {"photos": ("golden/00.png",)})


def push(content: Staged | None = None, *, public: bool = False) -> tuple[Pushed, list[str]]:
    said: list[str] = []
    content = content or staged()
    return push_staged(content, look("me/goods", content.kind), public=public, say=said.append), said


def test_every_file_arrives_in_one_commit_of_a_private_repository(hub: Hub) -> None:
    pushed, said = push()
    assert hub.files("me/goods") == {".gitattributes": b"* text\n", **staged().contents}
    assert len(hub.blobs) == 1, "the large file went through LFS"
    assert hub.repositories["me/goods"].private
    assert hub.repositories["me/goods"].summaries == ["initial commit", "visionft push: bundle"]
    assert (pushed.commit, pushed.private, pushed.changed) == (hub.repositories["me/goods"].head, True, True)
    assert said == ["pushing 3 files, 0.0 MB, to hf://me/goods"]
    assert str(pushed).splitlines() == [
        f"bundle {hub.endpoint}/me/goods (private): 3 files, 0.0 MB, pushed, commit {pushed.commit[:8]}",
        "files: bundle.json, digests.json, model.onnx",
        "not pushed: golden/00.png (photos)",
    ]
    assert pushed.to_json()["address"] == "hf://me/goods"


def test_public_is_asked_for(hub: Hub) -> None:
    pushed, _ = push(public=True)
    assert not hub.repositories["me/goods"].private
    assert "(public: everybody can see it)" in str(pushed)


def test_the_same_again_is_no_commit_and_another_takes_away_what_it_has_not(hub: Hub) -> None:
    first, _ = push(staged({"old.bin": b"x"}))
    again, said = push(staged({"old.bin": b"x"}))
    assert (again.changed, again.commit, said) == (False, first.commit, [])
    repository = hub.repositories["me/goods"]
    repository.commit({**hub.files("me/goods"), "README.md": b"a card", "mine.txt": b"of its owner"})
    push(staged({"new.bin": b"y"}))
    assert set(hub.files("me/goods")) - {".gitattributes"} == {
        "bundle.json", "model.onnx", "digests.json", "new.bin", "README.md", "mine.txt",
    }  # fmt: skip


def test_other_content_is_left_as_it_is(hub: Hub) -> None:
    hub.make("me/goods", {"config.json": b"{}", "pytorch_model.bin": b"", "README.md": b""})
    words = r"hf://me/goods holds files that `visionft push` did not put there \(config\.json and pytorch_model\.bin\)"
    with pytest.raises(HubError, match=words):
        push()
    hub.make("me/goods", {"README.md": b"made on the hub's page"})
    assert push()[0].changed
    with pytest.raises(HubError, match="hf://me/goods holds a bundle, and this is a run; give another name"):
        push(staged(kind="run"))


def test_a_file_that_was_altered_on_the_way_is_told(hub: Hub) -> None:
    hub.spoil.add("model.onnx")
    with pytest.raises(
        HubError, match=r"what arrived is not what was pushed \(model\.onnx has another digest than was"
    ):
        push()
    hub.spoil = {"bundle.json"}
    with pytest.raises(
        HubError, match=r"what arrived is not what was pushed \(bundle\.json has another digest than was"
    ):
        push()


def test_a_commit_of_somebody_else_in_between_is_not_overwritten(hub: Hub) -> None:
    push()
    before = look("me/goods", "bundle")
    hub.repositories["me/goods"].commit(hub.files("me/goods"), "of somebody else")
    with pytest.raises(HubError, match="hf://me/goods: the hub was changed by somebody else meanwhile; give the same"):
        push_staged(staged({"new.bin": b"y"}), before, public=False, say=lambda _: None)


def test_no_token_no_rights_and_no_network(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", READER)
    with pytest.raises(HubError, match="hf://me/goods: the hub does not let this token do that; give a token that may"):
        push()
    monkeypatch.delenv("HF_TOKEN")
    with pytest.raises(HubError, match="hf://me/goods: there is no token for the hub; log in with `hf auth login`, or"):
        push()
    monkeypatch.setenv("HF_TOKEN", READER)
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(HubError, match=r"hf://me/goods: the hub is out of reach \(http://127.0.0.1:9: .*\); connect"):
        push()
    assert hub.repositories == {}


def test_an_upload_that_fails_is_one_sentence(hub: Hub) -> None:
    hub.fails["/lfs/"] = 403
    with pytest.raises(HubError, match="hf://me/goods: the hub does not let this token do that; give a token that may"):
        push()
