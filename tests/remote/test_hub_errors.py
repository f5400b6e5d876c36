"""What the hub refuses, a sentence each."""

from __future__ import annotations

import pytest
from huggingface_hub import HfApi, constants
from huggingface_hub.utils.tqdm import are_progress_bars_disabled

from tests.hub_server import Hub
from visionft.errors import HubError
from visionft.remote.hub_errors import in_sentences, require_answer

STATUS = {
    403: "x: the hub does not let this token do that; give a token that may, by `hf auth login` or in HF_TOKEN",
    409: "x: the hub says that it is there already; give the same command again",
    412: "x: the hub was changed by somebody else meanwhile; give the same command again",
    413: "x: the hub takes no file of that size; see its limits",
    429: "x: the hub had too many requests; wait a while",
    507: "x: the hub fails (HTTP 507); wait a while, or see its status page",
}


@pytest.mark.parametrize(("status", "sentence"), STATUS.items())
def test_each_status_has_its_sentence(hub: Hub, status: int, sentence: str) -> None:
    hub.fails["/api/models"] = status
    with pytest.raises(HubError) as raised, in_sentences("x"):
        HfApi(hub.endpoint).model_info("me/goods")
    assert str(raised.value) == sentence


def test_what_is_not_there_is_private_or_wants_asking(hub: Hub) -> None:
    hub.make("me/gated", {}).gated = True
    with pytest.raises(HubError, match="x: the hub has no such repository, or it is private; look"), in_sentences("x"):
        HfApi(hub.endpoint).model_info("me/goods")
    with pytest.raises(HubError, match="x: its owner wants to be asked first; ask on its page"), in_sentences("x"):
        HfApi(hub.endpoint).model_info("me/gated")


def test_an_answer_that_is_none(hub: Hub) -> None:
    words = r"x: the hub gave no answer that can be used \(nonsense\); give the same"
    with pytest.raises(HubError, match=words), in_sentences("x"):
        raise ValueError("nonsense")
    assert not are_progress_bars_disabled()


def test_a_hub_out_of_reach(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    require_answer("x")
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(
        HubError, match=r"x: the hub is out of reach \(http://127\.0\.0\.1:9: .*\); connect this machine"
    ):
        require_answer("x")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(HubError, match="x: HF_HUB_OFFLINE is set, so that the hub is not asked; unset it"):
        require_answer("x")
