"""A server over a bundle with adapters: each request is answered through the one that it names."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import tritonclient.http as triton

from tests.bundle.making import ADAPTERS, make_adapted_bundle
from tests.serving.server.processes import Served, photos, png, served
from visionft.serving import Session


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_adapted_bundle(tmp_path_factory.mktemp("adapted") / "shared")


@pytest.fixture(scope="module")
def server(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served(bundle, tmp_path_factory.mktemp("log") / "log") as found:
        yield found


def test_requests_at_once_get_the_answers_of_their_own_adapters(server: Served, bundle: Path) -> None:
    images, session = photos(12), Session(bundle)
    asked = [(image, name) for image in images for name in ADAPTERS]

    def ask(pair: tuple[np.ndarray, str]) -> dict[str, object]:
        image, name = pair
        response = server.client.post(f"/classify?top=2&adapter={name}", content=png(image))
        assert response.status_code == 200, response.text
        return response.json()["answers"][0]

    with ThreadPoolExecutor(8) as pool:
        rows = list(pool.map(ask, asked))

    for row, (image, name) in zip(rows, asked, strict=True):
        expected = session.answer(image, name)
        assert (row["label"], row["class_index"]) == (expected.label, expected.class_index)
        assert row["probability"] == pytest.approx(expected.probability, abs=1e-6)
        assert {best["label"] for best in row["top"]} <= set(session.bundle.chosen(name).classes.names)


def test_the_public_client_names_an_adapter_and_gets_labels(server: Served, bundle: Path) -> None:
    batch = np.stack([photos(1)[0]] * 3)
    with triton.InferenceServerClient(server.address.removeprefix("http://")) as client:
        about = client.get_model_metadata("shared")
        assert {row["name"]: row["shape"] for row in about["outputs"]}["probabilities"] == [-1, -1]
        for name in ADAPTERS:
            tensor = triton.InferInput("image", list(batch.shape), "UINT8")
            tensor.set_data_from_numpy(batch)
            answer = client.infer("shared", [tensor], parameters={"adapter": name})
            expected = Session(bundle).answer(batch[0], name)
            assert answer.as_numpy("label").tolist() == [expected.label.encode()] * 3
            np.testing.assert_allclose(answer.as_numpy("probabilities")[1], expected.probabilities, atol=1e-6)


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("", "no adapter was named: give one of three, two"),
        ("?adapter=hats", "this bundle has no adapter hats: give one of three, two"),
    ],
)
def test_an_adapter_that_is_not_there_is_one_sentence(server: Served, query: str, sentence: str) -> None:
    response = server.client.post(f"/classify{query}", content=png(photos(1)[0]))

    assert (response.status_code, response.json()["error"]) == (400, sentence)


def test_the_page_lets_a_person_choose(server: Served) -> None:
    page = server.client.get("/").text

    assert "2 adapters" in page
    assert all(f"<option>{name}</option>" in page for name in ADAPTERS)
