"""`POST /search`: the hits of `visionft search` over HTTP, wrong requests, the page and its pictures."""

from __future__ import annotations

import asyncio
import json
import shutil
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

import visionft as vft
from tests.export_folder.browsing import browsing, chromium
from tests.searching.making import catalogue, photo
from tests.serving.server.processes import Served, png, served
from visionft.bundle import Bundle
from visionft.serving.engine import Engine
from visionft.serving.limits import Limits
from visionft.serving.pipeline import Pipeline
from visionft.serving.server.asgi_app import build_app
from visionft.serving.server.prometheus import Counters
from visionft.serving.server.service import Service


@pytest.fixture(scope="module")
def place(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("searched")
    catalogue(folder / "photos")
    vft.index(bundle, folder / "photos", out=folder / "index")
    return folder


@pytest.fixture(scope="module")
def searching(bundle: Path, place: Path) -> Iterator[Served]:
    with served(bundle, place / "log", "--index", str(place / "index"), "--max-bytes", "200000") as found:
        yield found


def asked(server: Served, path: Path, **parameters: Any) -> dict[str, Any]:
    answer = server.client.post("/search", content=path.read_bytes(), params=parameters)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


@pytest.mark.parametrize(
    "wanted",
    [
        {"top": 3},
        {"top": 20, "where": "label IN ('c1', 'c2') AND path LIKE '%2.png'"},
        {"per_product": True},
        {"none_below": "auto"},
        {"none_below": 0.999},
    ],
)
def test_the_hits_are_those_of_the_command(searching: Served, place: Path, wanted: dict[str, Any]) -> None:
    query = place / "photos" / "c2" / "1.png"
    found = asked(searching, query, **wanted)
    (row,) = found["queries"]
    (expected,) = vft.search(place / "index", query, **wanted).to_json()["queries"]
    assert [hit["path"] for hit in row["hits"]] == [hit["path"] for hit in expected["hits"]]
    assert [hit["score"] for hit in row["hits"]] == pytest.approx([hit["score"] for hit in expected["hits"]], abs=1e-5)
    assert (row["file"], row["known"], row["problem"]) == ("body", expected["known"], None)
    assert found["model"] == "colours"
    assert (found["rates"] is not None) == (wanted.get("none_below") == "auto")


def test_several_files_keep_their_order_and_the_unreadable_its_reason(searching: Served, place: Path) -> None:
    paths = [place / "photos" / f"c{c}" / "0.png" for c in (3, 0)]
    files = [("file", (path.parent.name, path.read_bytes(), "image/png")) for path in paths]
    answer = searching.client.post("/search", files=[files[0], ("file", ("bad.png", b"none", "")), files[1]])
    rows = answer.json()["queries"]
    assert [row["file"] for row in rows] == ["c3", "bad.png", "c0"]
    assert [row["hits"][0]["path"] if row["hits"] else row["problem"][:31] for row in rows] == [
        "c3/0.png", "bad.png cannot be used as a photo"[:31], "c0/0.png",
    ]  # fmt: skip


WRONG = [
    ({"topp": 1}, "a search has no parameter topp; did you mean 'top'?"),
    ({"zzz": 1}, "a search has no parameter zzz: it has top, where, per_product, none_below"),
    ({"top": "0"}, "top is 0: give the number of hits for each photo, from 1 to 1000"),
    ({"top": "1e3"}, "top is 1e3: give the number of hits for each photo, from 1 to 1000"),
    ({"per_product": "maybe"}, "per_product is maybe: give true or false"),
    ({"none_below": "nan"}, "none_below is nan: give a cosine from -1 to 1, or auto"),
    ({"where": "colour = 1"}, "where: there is no column 'colour'; the index has path, label, split and group"),
    ({"where": "1); DROP TABLE photos; --"}, None),
]


@pytest.mark.parametrize(("parameters", "sentence"), WRONG)
def test_wrong_requests_are_one_sentence(
    searching: Served, place: Path, parameters: dict[str, str], sentence: str | None
) -> None:
    content = (place / "photos" / "c0" / "0.png").read_bytes()
    answer = searching.client.post("/search", content=content, params=parameters)
    assert answer.status_code == 400
    told = answer.json()["error"]
    assert str(place) not in told
    assert told == sentence if sentence else told.startswith("where: ")


def test_a_request_without_a_photo_that_can_be_read(searching: Served) -> None:
    answer = searching.client.post("/search", content=b"no photo")
    assert answer.status_code == 400
    assert answer.json()["error"].startswith("body cannot be used as a photo: ")


def test_pictures_are_those_of_the_index(searching: Served, place: Path) -> None:
    hit = asked(searching, place / "photos" / "c1" / "0.png", top=1)["queries"][0]["hits"][0]
    picture = searching.client.get(f"/{hit['picture']}")
    assert (picture.status_code, picture.headers["content-type"]) == (200, "image/jpeg")
    refused = searching.client.get("/search/picture", params={"path": "../log"})
    assert refused.status_code == 404
    assert refused.json()["error"] == "there is no photo ../log in the index: take the paths that /search gives"


class Waiting:
    """An index that answers nobody until it is told to."""

    folder, adapter = Path("index"), None

    def __init__(self) -> None:
        self.begun, self.let_go = threading.Semaphore(0), threading.Event()

    def find(self, names: Sequence[str], embeddings: Sequence[Any], **wanted: Any) -> dict[str, Any]:
        self.begun.release()
        assert self.let_go.wait(30)
        return {"queries": [{"photo": name, "hits": []} for name in names]}


def test_slow_searches_hold_nobody_up_who_classifies(bundle: Path) -> None:
    opened, index = Bundle.open(bundle), Waiting()
    limits = Limits(batch=4, batch_seconds=0.001, queue=9, max_bytes=10_000, max_pixels=10_000, timeout=30.0)
    pipeline = Pipeline(Engine(opened, threads=1), limits)
    service = Service(opened, "colours", limits, pipeline, Counters(lambda: pipeline.depth, {"model": "colours"}))
    content = png(np.zeros((4, 4, 3), np.uint8))

    async def both() -> tuple[httpx.Response, list[httpx.Response]]:
        transport = httpx.ASGITransport(build_app(service, index))  # type: ignore[arg-type]
        async with httpx.AsyncClient(transport=transport, base_url="http://x") as client:
            searches = [asyncio.create_task(client.post("/search", content=content)) for _ in range(5)]
            for _ in range(2):  # as many as look up at one time
                await asyncio.to_thread(index.begun.acquire, timeout=30)
            answer = await asyncio.wait_for(client.post("/classify", content=content), 20)
            index.let_go.set()
            return answer, await asyncio.gather(*searches)

    answer, searched = asyncio.run(both())
    service.close(10.0)
    assert answer.status_code == 200
    assert [each.status_code for each in searched] == [200] * 5


def test_an_index_that_is_gone_is_no_fault_of_the_request(bundle: Path, tmp_path: Path) -> None:
    catalogue(tmp_path / "photos", each=3)
    vft.index(bundle, tmp_path / "photos", out=tmp_path / "index")
    with served(bundle, tmp_path / "log", "--index", str(tmp_path / "index")) as server:
        shutil.rmtree(tmp_path / "index")
        content = (tmp_path / "photos" / "c0" / "0.png").read_bytes()
        for answer in (server.client.post("/search", content=content), server.client.get("/search/index")):
            assert answer.status_code == 503
            assert answer.json()["error"].startswith("there is no index at index; make one")


def test_a_writer_is_seen_while_it_serves(bundle: Path, tmp_path: Path) -> None:
    catalogue(tmp_path / "photos", each=3)
    vft.index(bundle, tmp_path / "photos", out=tmp_path / "index")
    with served(bundle, tmp_path / "log", "--index", str(tmp_path / "index")) as server:
        assert server.client.get("/search/index").json()["photos"] == 12
        assert "Find a photo in the catalogue" in server.client.get("/").text
        photo(tmp_path / "photos" / "c7" / "0.png", (0, 0, 255))
        vft.index(bundle, tmp_path / "photos", out=tmp_path / "index")
        assert server.client.get("/search/index").json()["photos"] == 13
        assert asked(server, tmp_path / "photos" / "c7" / "0.png", top=1)["queries"][0]["hits"][0]["label"] == "c7"


def test_a_server_without_an_index_says_so(server: Served) -> None:
    for answer in (server.client.post("/search", content=b"x"), server.client.get("/search")):
        assert answer.status_code == 404
        assert answer.json()["error"] == (
            "this server searches no catalogue: serve it with --index INDEX, which `visionft index` makes"
        )
    assert "Find a photo" not in server.client.get("/").text


@pytest.mark.slow
@pytest.mark.skipif(chromium() is None, reason="SKIPPED ALOUD: no Chromium on the path; install it")
def test_a_chosen_photo_shows_its_hits_as_pictures(searching: Served, place: Path, tmp_path: Path) -> None:
    strange = tmp_path / "strange.png"
    strange.write_bytes(png(np.full((9, 9, 3), (0, 10, 250), np.uint8)))
    program = chromium()
    assert program is not None
    with browsing(program, tmp_path / "profile") as tab:
        for domain in ("DOM", "Runtime", "Log", "Network"):
            tab.send(f"{domain}.enable")
        tab.send("Emulation.setDeviceMetricsOverride", width=380, height=800, deviceScaleFactor=1, mobile=True)
        tab.go(f"{searching.address}/search")
        tab.until("document.readyState === 'complete' && !document.getElementById('threshold').hidden")
        tab.choose("#file", place / "photos" / "c1" / "0.png", strange)
        tab.until("document.querySelectorAll('article').length === 2")
        tab.until("document.querySelector('figure img').naturalWidth")
        first = tab.run("document.querySelector('figcaption').textContent")
        none = tab.run("document.querySelector('.none').textContent")
        tab.run("document.getElementById('per_product').click()")
        tab.until("document.querySelectorAll('article:first-child figure').length < 5")
        tab.run("document.getElementById('none_below').click()")
        tab.until("document.querySelector('.none') === null")
        code = "const w = document.getElementById('where'); w.value = %s; w.dispatchEvent(new Event('change')); true"
        tab.run(f"(() => {{ {code % json.dumps('label =')} }})()")
        fault = tab.until(
            "document.getElementById('status').textContent.startsWith('where:') && "
            "document.getElementById('status').textContent"
        )
        wide = tab.run("document.documentElement.scrollWidth")
        sent = [e["params"]["request"]["url"] for e in tab.events if e.get("method") == "Network.requestWillBeSent"]
        thrown = [e for e in tab.events if e.get("method") == "Runtime.exceptionThrown"]

    assert first.startswith("c1score 1.000")
    assert none.startswith("Not in the catalogue (the nearest has ")
    assert fault.startswith("where: label = cannot be used")
    assert wide <= 380
    assert all(url.startswith((searching.address, "blob:", "data:")) for url in sent)
    assert thrown == []
