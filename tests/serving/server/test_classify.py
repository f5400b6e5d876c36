"""`POST /classify`, the page and the figures."""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.serving.server.processes import Served, photos, png
from visionft.bundle import Answer
from visionft.serving import Session

ROUNDING = 1e-6


def same(row: dict[str, object], answer: Answer) -> None:
    found = (row["label"], row["class_index"], row["unknown"])
    assert found == (answer.label, answer.class_index, answer.unknown)
    assert row["probability"] == pytest.approx(answer.probability, abs=ROUNDING)
    assert row["known_score"] == pytest.approx(answer.known_score, abs=1e-5)


@pytest.fixture(scope="module")
def images() -> list[NDArray[np.uint8]]:
    return photos(20)


@pytest.fixture(scope="module")
def expected(bundle: Path, images: list[NDArray[np.uint8]]) -> list[Answer]:
    return Session(bundle).answer_batch(images)


def test_one_photo_as_the_whole_body(server: Served, images: list[NDArray[np.uint8]], expected: list[Answer]) -> None:
    answer = server.client.post("/classify", content=png(images[0]), headers={"content-type": "image/png"})

    assert answer.status_code == 200
    assert answer.json()["model"] == "colours"
    (row,) = answer.json()["answers"]
    assert row["file"] == "body"
    same(row, expected[0])
    assert row["top"] == [{"label": row["label"], "probability": row["probability"]}]


def test_several_files_are_answered_in_their_order(
    server: Served, images: list[NDArray[np.uint8]], expected: list[Answer]
) -> None:
    files = [("file", (f"Foto {i} ä.png", png(image), "image/png")) for i, image in enumerate(images)]

    rows = server.client.post("/classify", files=files).json()["answers"]

    assert [row["file"] for row in rows] == [f"Foto {i} ä.png" for i in range(len(images))]
    for row, answer in zip(rows, expected, strict=True):
        same(row, answer)


def test_a_photo_sent_by_curl_is_a_photo(
    server: Served, images: list[NDArray[np.uint8]], expected: list[Answer]
) -> None:
    """`curl --data-binary @photo` claims a form."""
    headers = {"content-type": "application/x-www-form-urlencoded"}
    answer = server.client.post("/classify", content=png(images[2]), headers=headers)
    same(answer.json()["answers"][0], expected[2])


@pytest.mark.parametrize(("query", "field"), [("?top=2", {}), ("", {"top": "2"}), ("?top=2", {"top": "1"})])
def test_further_labels_on_request(
    server: Served, images: list[NDArray[np.uint8]], expected: list[Answer], query: str, field: dict[str, str]
) -> None:
    answer = server.client.post(f"/classify{query}", files={"a": ("a.png", png(images[1]))}, data=field)

    top = answer.json()["answers"][0]["top"]
    order = np.argsort(-expected[1].probabilities)[:2]
    names = ("blue", "green", "red/Äpfel")
    assert [row["label"] for row in top] == [names[i] for i in order]
    assert [row["probability"] for row in top] == pytest.approx(expected[1].probabilities[order], abs=ROUNDING)


def test_more_labels_than_classes_are_all_of_them(server: Served, images: list[NDArray[np.uint8]]) -> None:
    answer = server.client.post("/classify?top=99", content=png(images[0]))
    assert len(answer.json()["answers"][0]["top"]) == 3


def test_a_problem_with_one_file_does_not_harm_the_others(server: Served, images: list[NDArray[np.uint8]]) -> None:
    files = [("f", ("good.png", png(images[0]))), ("f", ("bad.jpg", b"\xff\xd8\xff nothing")), ("f", ("empty", b""))]

    answer = server.client.post("/classify", files=files)

    rows = answer.json()["answers"]
    assert answer.status_code == 200
    assert "label" in rows[0]
    assert rows[1]["problem"] == "bad.jpg cannot be used as a photo: damaged; send another file"
    assert rows[2]["problem"] == "empty cannot be used as a photo: empty file; send another file"


WRONG = [
    (b"%PDF-1.4", {}, "", 400, r"body cannot be used as a photo: a PDF, not a photo; send another file"),
    (b"", {}, "", 400, r"there is no photo in the request: send files as multipart/form-data, or one photo as the .*"),
    (
        b"x=1",
        {"content-type": "application/x-www-form-urlencoded"},
        "",
        400,
        r"body cannot be used .*: not an image .*",
    ),
    (b"x", {"content-type": "multipart/form-data"}, "", 400, r"the multipart form is damaged or cut short: .*"),
    (b"x", {"content-type": "multipart/form-data; boundary=b"}, "", 400, r"the multipart form is damaged or .*"),
    (
        b'--b\r\nContent-Disposition: form-data; name="f"; filename="a.png"\r\n\r\nhalf',
        {"content-type": "multipart/form-data; boundary=b"},
        "",
        400,
        r"the multipart form is damaged or cut short: send it again, with its boundary",
    ),
    (
        b"--b--\r\n",
        {"content-type": "multipart/form-data; boundary=b"},
        "",
        400,
        r"(the multipart|there is no photo).*",
    ),
    (b"x", {}, "?top=0", 400, r"top is 0: give the number of labels for each photo, from 1 up"),
    (b"x", {}, "?top=many", 400, r"top is many: give the number of labels for each photo, from 1 up"),
    (b"x", {}, "?adapter=hats", 400, r"this bundle has no adapter hats \(it has none at all\): leave it out"),
    (b"x" * 200_001, {}, "", 413, r"the body is larger than 200,000 bytes: send fewer or smaller photos .*"),
]


@pytest.mark.parametrize(("content", "headers", "query", "status", "sentence"), WRONG)
def test_what_is_wrong_is_one_sentence(
    server: Served, content: bytes, headers: dict[str, str], query: str, status: int, sentence: str
) -> None:
    answer = server.client.post(f"/classify{query}", content=content, headers=headers)

    assert (answer.status_code, bool(re.fullmatch(sentence, answer.json()["error"]))) == (status, True), answer.text


def test_too_many_pixels_are_refused_from_the_header_alone(server: Served) -> None:
    bomb = png(np.zeros((3000, 3000, 3), np.uint8))

    answer = server.client.post("/classify", content=bomb)

    assert answer.status_code == 400
    assert "too many pixels (9,000,000; 10,000 are allowed)" in answer.json()["error"]


def test_too_many_files_are_refused(server: Served) -> None:
    answer = server.client.post("/classify", files=[("f", ("a", b"x"))] * 129)

    assert answer.status_code == 413
    assert answer.json()["error"] == "there are more than 128 files in the request: send at most so many at once"


def test_a_body_without_a_length_is_bounded_too(server: Served) -> None:
    answer = server.client.post("/classify", content=(b"x" * 10_000 for _ in range(30)))
    assert answer.status_code == 413


def test_other_places_and_methods_are_told(server: Served) -> None:
    missing = server.client.get("/v3")
    assert (missing.status_code, missing.json()["error"]) == (
        404,
        "there is no GET /v3 here: see / and /v2, or POST photos to /classify",
    )
    wrong = server.client.get("/classify")
    assert (wrong.status_code, wrong.json()["error"]) == (405, "GET /classify is not possible: use POST there")
    assert wrong.headers["allow"] == "POST"


class Page(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_page_is_whole_in_itself(server: Served) -> None:
    answer = server.client.get("/")
    page = Page(answer.text)

    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "colours: colours, 3 classes." in page.text
    assert "{{" not in answer.text
    assert "http" not in answer.text
    loaded = [attributes for _, attributes in page.tags if {"src", "href", "action"} & attributes.keys()]
    assert loaded == [{"rel": "icon", "href": "data:,"}]


def test_the_page_can_be_used_without_a_mouse_or_eyes(server: Served) -> None:
    page = Page(server.client.get("/").text)
    tags = [tag for tag, _ in page.tags]

    assert ("html", {"lang": "en"}) in page.tags
    assert tags.index("label") == tags.index("input") - 1  # the label holds the input: it names it, and Tab reaches it
    assert {"type": "file", "id": "file", "accept": "image/*", "multiple": None} in [a for _, a in page.tags]
    assert ("p", {"id": "status", "role": "status", "aria-live": "polite"}) in page.tags
    assert "main" in tags
    assert "h1" in tags


def test_the_page_s_policy_names_its_own_script_and_style_alone(server: Served) -> None:
    answer = server.client.get("/")
    policy = dict(part.strip().split(" ", 1) for part in answer.headers["content-security-policy"].split(";"))

    assert policy["default-src"] == "'none'"
    for kind in ("script", "style"):
        (block,) = re.findall(rf"<{kind}>(.*?)</{kind}>", answer.text, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(block.encode()).digest()).decode()
        assert policy[f"{kind}-src"] == f"'sha256-{digest}'"


def test_requests_are_counted_and_logged(server: Served, images: list[NDArray[np.uint8]]) -> None:
    name = 'visionft_requests_total{route="classify",status="200"}'
    server.client.post("/classify", content=png(images[0]))
    before = server.figure(name)
    server.client.post("/classify?secret=1", content=png(images[0]), headers={"x-request-id": "from-the-test"})

    assert server.figure(name) == before + 1
    assert server.figure('visionft_request_seconds_count{route="classify"}') >= before + 1
    assert server.figure("visionft_queue_photos") == 0
    assert server.figure("process_resident_memory_bytes") > 1e6
    (line,) = [line for line in server.lines() if line.get("request") == "from-the-test"]
    assert (line["event"], line["method"], line["path"]) == ("request", "POST", "/classify")
    assert (line["status"], line["photos"], line["bytes"]) == (200, 1, len(png(images[0])))
    assert 0 < line["ms"] < 60_000


def test_made_up_paths_and_ids_do_not_grow_the_figures(server: Served) -> None:
    for i in range(5):
        answer = server.client.get(f"/made/up/{i}", headers={"x-request-id": "not good {}"})
        assert re.fullmatch(r"[0-9a-f]{32}", answer.headers["x-request-id"])

    text = server.client.get("/metrics").text
    assert "made" not in text
    assert 'route="none",status="404"' in text


def test_several_files_of_one_product_get_one_answer_beside_theirs(
    server: Served, images: list[NDArray[np.uint8]], expected: list[Answer]
) -> None:
    files = [("file", (f"{i}.png", png(image), "image/png")) for i, image in enumerate(images[:3])]
    files.append(("file", ("no.png", b"no photo", "image/png")))

    found = server.client.post("/classify?group=1&top=2", files=files).json()

    logits = np.mean([answer.logits for answer in expected[:3]], axis=0)
    assert (found["product"]["photos"], found["product"]["unread"]) == (3, 1)
    assert found["product"]["class_index"] == logits.argmax()
    assert found["product"]["known_score"] == pytest.approx(np.mean([a.known_score for a in expected[:3]]), abs=1e-4)
    assert len(found["product"]["top"]) == 2
    for row, answer in zip(found["answers"][:3], expected[:3], strict=True):
        same(row, answer)
    assert "problem" in found["answers"][3]


def test_a_group_that_is_no_number(server: Served, images: list[NDArray[np.uint8]]) -> None:
    answer = server.client.post("/classify?group=yes", content=png(images[0]))
    assert answer.status_code == 400
    assert answer.json()["error"] == "group is yes: give 1 where all files show one product, or leave it out"
