"""The browser page, in a headless Chromium: it answers every golden photo as `visionft predict` does.

Where VISIONFT_BROWSER names a file, as .ci/run does, a missing Chromium or onnxruntime-web is a failure, and what was
compared is written there, so that CI sees that it was. Elsewhere the tests are skipped with a sentence.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pytest

from tests.export_folder.awkward import FOR_ALL
from tests.export_folder.browsing import Browser, browsing, chromium, serving
from tests.export_folder.conftest import FOLDER
from visionft import photos, predict

pytestmark = pytest.mark.slow
PAGE = FOLDER / "browser"
FETCHED = ("ort.wasm.bundle.min.mjs", "ort-wasm-simd-threaded.wasm")
"""What the page needs of onnxruntime-web, as export/README.md says."""
RECORD = os.environ.get("VISIONFT_BROWSER")
CLOSE = 1e-4
WITHIN = 1  # level: two decoders round differently
DROP = """
(async (name, data) => {
  const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
  const carried = new DataTransfer();
  carried.items.add(new File([bytes], name));
  document.getElementById("note").textContent = "";
  const event = new DragEvent("drop", { dataTransfer: carried, bubbles: true, cancelable: true });
  document.getElementById("drop").dispatchEvent(event);
  const said = () => document.getElementById("said").textContent;
  while (!document.getElementById("note").textContent && !said().includes("cannot")) {
    await new Promise((resume) => setTimeout(resume, 20));
  }
  const ranks = [...document.querySelectorAll("#ranks li")];
  return { said: said(), ranks: ranks.map((row) => [...row.querySelectorAll("span")].map((cell) => cell.textContent)) };
})
"""
ANSWER = """
(async (height, width, data) => {
  const { answer, open } = await import("./visionft.js");
  window.bundle ??= open("bundle");
  const rgb = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
  return answer(await window.bundle, { width, height, rgb });
})
"""
DECODE = """
(async (data) => {
  const { decode } = await import("./visionft.js");
  const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
  const { width, height, rgb } = await decode(new Blob([bytes]));
  return { width, height, rgb: Array.from(rgb) };
})
"""
READY = """
(async () => {
  const said = () => document.getElementById("said")?.textContent ?? "";
  while (!said() || said().includes("…")) await new Promise((resume) => setTimeout(resume, 20));
  return said();
})()
"""


def missing(what: str) -> NoReturn:
    if RECORD:
        pytest.fail(f"{what}: CI must have it")
    pytest.skip(f"SKIPPED ALOUD: {what}")


@pytest.fixture(scope="module")
def runtime(request: pytest.FixtureRequest) -> Path:
    """Return node_modules with the onnxruntime-web that the page's package.json names, installed once."""
    place = request.config.cache.mkdir("onnxruntime-web")  # type: ignore[union-attr]
    wanted = json.loads((PAGE / "package.json").read_text(encoding="utf-8"))["dependencies"]["onnxruntime-web"]
    about = place / "node_modules" / "onnxruntime-web" / "package.json"
    if not about.is_file() or json.loads(about.read_text(encoding="utf-8"))["version"] != wanted:
        if shutil.which("npm") is None:
            missing("there is no npm to install onnxruntime-web with; install it with your system's package manager")
        shutil.copy(PAGE / "package.json", place)
        command = ["npm", "install", "--ignore-scripts", "--no-audit", "--no-fund"]
        done = subprocess.run(command, cwd=place, capture_output=True, text=True, check=False)
        if done.returncode:
            missing(f"onnxruntime-web {wanted} cannot be installed ({done.stderr.strip().splitlines()[0]})")
    return Path(place) / "node_modules"


@pytest.fixture(scope="module")
def page(whole: Path, runtime: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """Return the page, served from a folder made as export/README.md says."""
    program = chromium()
    if program is None:
        missing("there is no Chromium to open the page in; install it with your system's package manager")
    site = tmp_path_factory.mktemp("site")
    for name in ("index.html", "page.js", "visionft.js"):
        shutil.copy(PAGE / name, site)
    dist = Path("node_modules", "onnxruntime-web", "dist")
    (site / dist).mkdir(parents=True)
    for name in FETCHED:
        shutil.copy(runtime.parent / dist / name, site / dist)
    shutil.copytree(whole, site / "bundle")
    with serving(site) as address, browsing(program, tmp_path_factory.mktemp("chromium")) as browser:
        browser.go(f"{address}/index.html")
        yield browser


def packed(data: bytes) -> str:
    return json.dumps(base64.b64encode(data).decode())


def golden(bundle: Path) -> list[Path]:
    files = sorted((bundle / "golden").glob("*.png"))
    assert len(files) == 8
    return files


def test_the_readme_names_what_is_fetched() -> None:
    words = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert all(f"`{name}`" in words for name in FETCHED)


def test_the_page_says_what_it_serves(page: Browser) -> None:
    assert page.run(READY) == "test_efficientnet, 3 classes. Drop a photo."


def test_every_golden_photo_is_answered_as_by_predict(page: Browser, whole: Path) -> None:
    page.run(READY)
    for file, row in zip(golden(whole), predict(whole, golden(whole)), strict=True):
        pixels = np.load(file.with_suffix(".npy"))
        height, width, _ = pixels.shape
        told: dict[str, Any] = page.run(f"{ANSWER}({height}, {width}, {packed(pixels.tobytes())})")
        assert (told["label"], told["class_index"], told["unknown"]) == (row.label, row.class_index, row.unknown)
        np.testing.assert_allclose(told["probabilities"], row.probabilities, atol=CLOSE)
        assert told["probability"] == pytest.approx(row.probability, abs=CLOSE)
        assert told["known_score"] == pytest.approx(row.known_score, abs=10 * CLOSE)
    record("raw RGB of 8 golden photos answered as by predict")


def test_a_dropped_golden_photo_is_answered_as_by_predict(page: Browser, whole: Path, tmp_path: Path) -> None:
    page.run(READY)
    for file, row in zip(golden(whole), predict(whole, golden(whole)).with_top(3), strict=True):
        told = page.run(f"{DROP}({json.dumps(file.name)}, {packed(file.read_bytes())})")
        assert told["said"] == f"{file.name}: {'likely none of the classes' if row.unknown else row.label}"
        assert told["ranks"][0][0] == row.label
        assert len(told["ranks"]) == 3
    assert page.picture(tmp_path / "page.png").read_bytes().startswith(b"\x89PNG")
    record("8 golden photos dropped on the page and answered as by predict")


@pytest.mark.parametrize("name", FOR_ALL)
def test_photos_of_the_decode_table_become_the_same_pixels(page: Browser, name: str) -> None:
    wanted = photos.decode(FOR_ALL[name])
    found = page.run(f"{DECODE}({packed(FOR_ALL[name])})")

    assert (found["height"], found["width"]) == wanted.shape[:2]
    pixels = np.array(found["rgb"]).reshape(wanted.shape)
    assert np.abs(pixels - wanted).max() <= WITHIN


def test_a_file_that_is_no_photo_is_said_to_be_none(page: Browser) -> None:
    page.run(READY)
    told = page.run(f"{DROP}('a.jpg', {packed(b'no photo')})")

    assert told["said"].startswith("a.jpg cannot be answered: ")
    assert told["ranks"] == []


def test_a_page_without_a_bundle_says_so(page: Browser) -> None:
    address = page.run("location.href")
    page.go(f"{address}?bundle=elsewhere")
    said = page.run(READY)
    page.go(address)

    assert said == "elsewhere/bundle.json cannot be fetched (404): put a bundle there"


def record(words: str) -> None:
    if RECORD:
        with Path(RECORD).open("a", encoding="utf-8") as file:
            file.write(words + "\n")
