"""The page: small at any number of classes, whole HTML, right numbers, and no request to anywhere."""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pytest

from tests.reporting.conftest import MARK, Make
from tests.reporting.reading import Page
from visionft.evaluation import Evaluation
from visionft.reporting import report_evaluation
from visionft.reporting.album import SIDE, Album, Encoded, data_uri
from visionft.reporting.facts import Source, of_evaluation
from visionft.reporting.page import matrix, render

LARGEST = 5_000_000
ADDRESSES = ("src", "href", "xlink:href", "srcset", "poster", "data", "action", "background")


def written(evaluation: Evaluation, tmp_path: Path, *, pictures: bool = True) -> tuple[Path, Page]:
    encoded = Encoded(evaluation.root, evaluation.files())
    page = report_evaluation(tmp_path / "figures", None, encoded, pictures=pictures)
    return page, Page(page.read_text(encoding="utf-8"))


@pytest.mark.parametrize(("classes", "n"), [(2, 20), (10, 300), (200, 400)])
def test_a_page_is_whole_and_asks_for_nothing(evaluated: Make, tmp_path: Path, classes: int, n: int) -> None:
    file, page = written(evaluated(classes, n), tmp_path)
    assert page.open == []
    assert file.stat().st_size < LARGEST
    found = [value for _, attributes in page.elements for name, value in attributes.items() if name in ADDRESSES]
    assert len(found) > 10
    assert {urlsplit(str(address)).scheme for address in found} <= {"", "data"}
    assert all(str(address).startswith(("#", "data:image/webp;base64,")) for address in found)
    assert page.of("link") == page.of("iframe") == []
    text = file.read_text(encoding="utf-8")
    assert "url(http" not in text
    assert "@import" not in text
    policy = next(meta["content"] for meta in page.of("meta") if meta.get("http-equiv"))
    assert policy.startswith("default-src 'none'; img-src data:;")


@pytest.mark.slow
def test_a_page_of_200_classes_with_heat_maps_is_small_though_every_map_is_noise(
    evaluated: Make, tmp_path: Path
) -> None:
    evaluation, random = evaluated(200, 600), np.random.default_rng(0)
    asked = []

    def heat(path: str) -> str:
        asked.append(path)
        return data_uri(random.integers(0, 256, (SIDE, SIDE, 3), np.uint8))

    album = Album(Encoded(evaluation.root, evaluation.files()), heat=heat)
    found = of_evaluation(tmp_path / "figures", Source("a run", None, evaluation.root))
    text = render(found, album)
    drawn = text.count("data:image/webp;base64,")
    assert len(text.encode()) < LARGEST
    assert drawn > 100
    assert 40 < len(asked) <= 72, "as many as the page has places for"
    small = render(found, Album(Encoded(None), heat=heat))
    assert "data:image" not in small


@pytest.mark.parametrize(("classes", "n"), [(2, 20), (30, 90)])
def test_every_link_leads_to_a_place_of_the_page(evaluated: Make, tmp_path: Path, classes: int, n: int) -> None:
    _, page = written(evaluated(classes, n), tmp_path)
    places = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(places) == len(set(places))
    assert {link["href"][1:] for link in page.of("a")} <= set(places)


def test_the_sections_have_the_figures_of_the_evaluation(evaluated: Make, tmp_path: Path) -> None:
    evaluation = evaluated(10, 300)
    _, page = written(evaluation, tmp_path)
    metrics = evaluation.metrics
    low, high = metrics.intervals["top1"] or (0, 0)
    assert page.row("top-1 accuracy") == ["top-1 accuracy", f"{metrics.top1:.1%}", f"{low:.1%} to {high:.1%}"]
    assert page.row("log-loss (nats)")[1] == f"{metrics.log_loss:.3f}"
    one = metrics.per_class[3]
    assert page.row("class 003")[:2] == ["class 003", f"{one.recall:.1%}"]
    assert page.row("class 003")[-1] == "30"
    assert f"Right answers on 300 test photos {metrics.top1:.1%}" in page.text
    assert "Always answering class 000 10.0%" in page.text
    sections = [attributes["id"] for attributes in page.of("section")]
    assert sections == ["answer", "classes", "confusion", "photos", "probabilities", "data"]


def test_cells_of_few_classes_are_numbers_that_open_their_photos(evaluated: Make, tmp_path: Path) -> None:
    evaluation = evaluated(10, 300)
    _, page = written(evaluation, tmp_path)
    links = [link for link in page.of("a") if link["href"].startswith("#cell-")]
    assert len(links) == int((evaluation.metrics.confusion > 0).sum())
    true, answered = map(int, links[1]["href"].removeprefix("#cell-").split("-"))
    count = evaluation.metrics.confusion[true, answered]
    assert links[1]["aria-label"] == f"class {true:03} answered as class {answered:03}: {count}"


def test_a_matrix_of_500_classes_is_drawn_within_bounds() -> None:
    counts = [[int(row == column) + int((row * 7 + column) % 20 == 0) for column in range(500)] for row in range(500)]
    facts = {"confusion": counts, "per_class": [{"name": str(i)} for i in range(500)], "pairs": []}
    found = matrix(facts)
    assert np.count_nonzero(counts) > 6_000
    assert len(found["cells"]) == 6_000
    assert {(cell["true"], cell["answered"]) for cell in found["cells"]} >= {(row, row) for row in range(0, 500, 50)}
    assert found["room"] == 0
    assert max(cell["x"] + found["step"] for cell in found["cells"]) <= found["side"] + 1


def test_the_table_of_classes_can_be_sorted(evaluated: Make, tmp_path: Path) -> None:
    evaluation = evaluated(10, 300)
    _, page = written(evaluation, tmp_path)
    assert "data-sorts" in page.of("table")[1]
    values = [float(cell["data-value"]) for cell in page.of("td") if "data-value" in cell and cell.get("class") == "n"]
    recalls = [row.recall for row in evaluation.metrics.per_class]
    assert values[::4] == pytest.approx(recalls)


def test_a_class_without_photos_has_no_figures_and_sorts_last(evaluated: Make, tmp_path: Path) -> None:
    _, page = written(evaluated(10, 9), tmp_path)
    assert page.row("class 009")[:3] == ["class 009", "-", ""]
    assert any(cell.get("data-value") == "" for cell in page.of("td"))


def test_nothing_of_the_camera_travels(evaluated: Make, tmp_path: Path) -> None:
    evaluation = evaluated(2, 20)
    assert any(MARK in photo.read_bytes() for photo in (tmp_path / "photos").iterdir())
    file, page = written(evaluation, tmp_path)
    pictures = [base64.b64decode(image["src"].partition(",")[2]) for image in page.of("img")]
    assert len(pictures) > 5
    assert not any(MARK in data or b"EXIF" in data or b"Exif" in data for data in pictures)
    assert MARK not in file.read_bytes()


def test_every_picture_has_words(evaluated: Make, tmp_path: Path) -> None:
    _, page = written(evaluated(2, 20), tmp_path)
    assert all(" answered class " in image["alt"] for image in page.of("img"))


def test_without_pictures_the_page_holds_no_byte_of_a_photo(evaluated: Make, tmp_path: Path) -> None:
    evaluation = evaluated(10, 60)
    for photo in (tmp_path / "photos").iterdir():
        photo.unlink()  # what is not opened need not be there
    file, page = written(evaluation, tmp_path, pictures=False)
    text = file.read_text(encoding="utf-8")
    assert page.of("img") == []
    assert "base64" not in text
    assert "This page was asked to hold no pictures." in page.text
    assert page.row("top-1 accuracy")[1] == f"{evaluation.metrics.top1:.1%}"


def test_photos_that_are_gone_are_told_and_the_page_is_written(evaluated: Make, tmp_path: Path) -> None:
    evaluation = evaluated(2, 20)
    for photo in (tmp_path / "photos").iterdir():
        photo.unlink()
    _, page = written(evaluation, tmp_path)
    assert page.of("img") == []
    assert "not there any more" in page.text


def test_names_from_outside_stay_text(evaluated: Make, tmp_path: Path) -> None:
    evaluation = evaluated(2, 20)
    record = tmp_path / "figures" / "metrics.json"
    changed = json.loads(record.read_text())
    changed["notes"] = ["<script>alert(1)</script>"]
    record.write_text(json.dumps(changed))
    file, page = written(evaluation, tmp_path)
    assert "<script>alert(1)" not in file.read_text(encoding="utf-8")
    assert "<script>alert(1)</script>" in page.text
    assert len(page.of("script")) == 1


def test_the_facts_beside_it_are_the_same(evaluated: Make, tmp_path: Path) -> None:
    evaluation = evaluated(10, 60)
    _, page = written(evaluation, tmp_path)
    facts = json.loads((tmp_path / "figures" / "report.json").read_text(encoding="utf-8"))
    assert facts["top1"] == evaluation.metrics.top1
    assert facts["kind"] == "evaluation"
    assert facts["photos_root"] == str(tmp_path / "photos")
    shown = set(re.findall(r"class \d{3} \d{4}\.jpg", page.text))
    assert {photo["path"] for photo in facts["worst"]} <= shown


def test_a_page_made_twice_is_the_same(evaluated: Make, tmp_path: Path) -> None:
    evaluation = evaluated(2, 20)
    first = written(evaluation, tmp_path)[0].read_bytes()
    assert written(evaluation, tmp_path)[0].read_bytes() == first
