"""The endpoints, by Starlette's client."""

from __future__ import annotations

import re

import pytest
from starlette.testclient import TestClient

from visionft.reviewing import Review
from visionft.reviewing.review_routes import MOST_BYTES, POLICY, build_app

TOKEN = "secret-token"
ENDPOINTS = ["", "review.js", "review.css", "overview", "cards", "card/0", "changes", "photo/0/small"]


@pytest.fixture
def client(review: Review) -> TestClient:
    return TestClient(build_app(review, TOKEN), base_url="http://127.0.0.1")


@pytest.mark.parametrize("name", ENDPOINTS)
def test_without_the_token_nothing_is_told(client: TestClient, name: str) -> None:
    assert client.get(f"/{TOKEN}/{name}").status_code == 200
    for prefix in ("", "/wrong", f"/{TOKEN}x", f"/{TOKEN[:-1]}", "/%FF", "/ü"):
        refused = client.get(f"{prefix}/{name}")
        assert refused.status_code == 403
        assert refused.json() == {"error": "open the address that `visionft review` printed: it holds a token"}


def test_answers_need_it_too(client: TestClient, review: Review) -> None:
    for name in ("answer", "undo"):
        assert client.post(f"/wrong/{name}", json={"number": 0, "action": "drop"}).status_code == 403
    assert not review.file.path.exists()


def test_a_strange_name_is_refused(client: TestClient) -> None:
    refused = client.get(f"/{TOKEN}/overview", headers={"host": "evil.example"})
    assert refused.status_code == 403
    assert "does not answer under the name evil.example" in refused.json()["error"]


@pytest.mark.parametrize("name", ENDPOINTS)
def test_the_policy_names_no_other_host_and_nothing_inline(client: TestClient, name: str) -> None:
    headers = client.get(f"/{TOKEN}/{name}").headers
    assert headers["content-security-policy"] == POLICY
    assert headers["referrer-policy"] == "no-referrer"
    sources = set(re.findall(r"[-\w]+-src ([^;]+)", POLICY))
    assert sources == {"'none'", "'self'", "'self' data:"}
    assert "unsafe" not in POLICY


def test_the_page_asks_nobody_else_and_has_no_script_of_its_own(client: TestClient) -> None:
    texts = [client.get(f"/{TOKEN}/{name}").text for name in ENDPOINTS[:3]]
    assert not re.findall(r"https?:|//[a-z]|@import|url\(", "".join(texts).replace("// ", ""))
    assert not re.findall(r"<script(?! src=\"review.js\" defer>)|<style| style=| on\w+=", texts[0])


@pytest.mark.parametrize(
    "path",
    ["photo/../../etc/passwd", "photo/..%2f..%2fetc%2fpasswd/small", "photo/-1/small", "photo/7/small", "photo/0/huge",
     "photo/0/..%2f", "../overview", "review.html", "templates/review.js", "%2e%2e/%2e%2e/etc/passwd"],
)  # fmt: skip
def test_nothing_but_photos_of_the_queue_is_read(client: TestClient, path: str) -> None:
    found = client.get(f"/{TOKEN}/{path}")
    assert found.status_code in (403, 404)
    assert set(found.json()) == {"error"}


def test_an_answer_is_on_the_disk_when_it_is_told(client: TestClient, review: Review) -> None:
    body = {"number": 0, "action": "relabel", "value": "cap", "who": "bob"}
    found = client.post(f"/{TOKEN}/answer", json=body).json()
    assert found["card"]["answer"]["who"] == "bob"
    assert "hat/0.jpg,relabel,cap,review: 'hat' has probability 0.02,1.000,bob," in review.file.path.read_text()
    assert client.get(f"/{TOKEN}/cards?state=answered").json()["cards"] == [found["card"]]
    assert client.get(f"/{TOKEN}/changes?since=0").json()["changes"] == [found["answer"]]
    body = {"number": 0, "when": found["answer"]["when"]}
    refused = client.post(f"/{TOKEN}/undo", json={**body, "who": "ann"})
    assert (refused.status_code, "is by bob, not by ann" in refused.json()["error"]) == (410, True)
    taken = client.post(f"/{TOKEN}/undo", json={**body, "who": "bob"}).json()
    assert taken["card"]["answer"] is None
    for again in ({**body, "who": "bob"}, {"number": None, "who": "bob"}):
        assert client.post(f"/{TOKEN}/undo", json=again).status_code == 410, "now or later"
    assert client.post(f"/{TOKEN}/undo", json={"number": 99, "when": ""}).status_code == 422


def test_the_overview_counts_what_there_is(client: TestClient) -> None:
    found = client.get(f"/{TOKEN}/overview").json()
    assert [(kind["name"], kind["number"]) for kind in found["kinds"]] == [
        ("label", 1), ("confused", 1), ("duplicate", 1), ("rest", 4),
    ]  # fmt: skip
    assert found["classes"] == ["Schuhe für Kinder", "cap", "hat"]
    assert (found["photos"], found["answered"], found["notes"]) == (7, 0, ["a note"])
    duplicate = client.get(f"/{TOKEN}/cards?kind=duplicate").json()["cards"][0]
    assert duplicate["other_path"] == "cap/0.jpg"


def test_a_photo_that_is_gone_is_a_sentence(client: TestClient, review: Review) -> None:
    assert client.get(f"/{TOKEN}/photo/0/large").headers["content-type"] == "image/jpeg"
    (review.root / review.cards[0].path).unlink()
    gone = client.get(f"/{TOKEN}/photo/0/large")
    assert (gone.status_code, gone.json()) == (404, {"error": "no such file"})


@pytest.mark.parametrize(
    ("content", "kind", "status", "words"),
    [
        (b"{", "application/json", 400, "no JSON that can be read"),
        (b"[]", "application/json", 400, "no JSON object"),
        (b"{}", "text/plain", 415, "send it as application/json"),
        (b" " * (MOST_BYTES + 1), "application/json", 413, "at most 16,384 bytes"),
        (b'{"number": "x"}', "application/json", 400, "x is no whole number"),
        (b'{"number": 0, "action": "relabel", "value": "bag"}', "application/json", 422, "there is no class 'bag'"),
        (b'{"number": 0}', "application/json", 422, "there is no answer 'None'"),
    ],
)
def test_what_is_no_answer_is_a_sentence(
    client: TestClient, review: Review, content: bytes, kind: str, status: int, words: str
) -> None:
    found = client.post(f"/{TOKEN}/answer", content=content, headers={"content-type": kind})
    assert found.status_code == status
    assert words in found.json()["error"]
    assert not review.file.path.exists()


def test_questions_that_cannot_be_answered_are_sentences(client: TestClient) -> None:
    assert client.get(f"/{TOKEN}/cards?state=lost").json()["error"].startswith("there is no state lost; give one of")
    assert client.get(f"/{TOKEN}/cards?start=x").status_code == 400
    assert client.get(f"/{TOKEN}/changes?since=x").status_code == 400
    assert client.get(f"/{TOKEN}/answer").json() == {"error": "there is no GET of this address here"}
