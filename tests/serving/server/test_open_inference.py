"""The Open Inference Protocol, through the public client and by hand."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tritonclient.http as triton
from tritonclient.utils import InferenceServerException

from tests.serving.server.processes import ENVIRONMENT, Served, photos
from visionft.bundle import names as n
from visionft.serving import Session

NUMBERS = (n.PROBABILITY, n.PROBABILITIES, n.LOGITS, n.EMBEDDING, n.KNOWN_SCORE)
ROUNDING = 1e-6
"""Of probabilities, between an answer alone and one in a batch."""


@pytest.fixture(scope="module")
def client(server: Served) -> Iterator[triton.InferenceServerClient]:
    found = triton.InferenceServerClient(server.address.removeprefix("http://"))
    yield found
    found.close()


@pytest.fixture(scope="module")
def batch() -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (5, 9, 7, 3), np.uint8)


def tensor(images: np.ndarray, binary: bool = True) -> triton.InferInput:
    made = triton.InferInput(n.IMAGE, list(images.shape), "UINT8")
    made.set_data_from_numpy(images, binary_data=binary)
    return made


def test_health_and_metadata(client: triton.InferenceServerClient) -> None:
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.is_model_ready("colours")
    assert client.is_model_ready("colours", "1")
    assert client.get_server_metadata()["extensions"] == ["binary_tensor_data"]
    model = client.get_model_metadata("colours")
    assert model == client.get_model_metadata("colours", "1")
    assert (model["name"], model["versions"], model["platform"]) == ("colours", ["1"], "onnxruntime_onnx")
    assert model["inputs"] == [{"name": "image", "datatype": "UINT8", "shape": [-1, -1, -1, 3]}]
    assert [row["name"] for row in model["outputs"]] == list(n.OUTPUTS)
    kinds = {row["name"]: (row["datatype"], row["shape"]) for row in model["outputs"]}
    assert kinds["label"] == ("BYTES", [-1])
    assert kinds["class_index"] == ("INT64", [-1])
    assert kinds["probabilities"] == ("FP32", [-1, 3])
    assert kinds["unknown"] == ("BOOL", [-1])


@pytest.mark.parametrize("binary_in", [True, False])
@pytest.mark.parametrize("binary_out", [True, False, None])
def test_every_output_is_the_session_s(
    client: triton.InferenceServerClient, bundle: Path, batch: np.ndarray, binary_in: bool, binary_out: bool | None
) -> None:
    wanted = [triton.InferRequestedOutput(name, binary_data=bool(binary_out)) for name in n.OUTPUTS]
    found = client.infer(
        "colours", [tensor(batch, binary_in)], outputs=None if binary_out is None else wanted, request_id="mine"
    )

    answers = Session(bundle).answer_batch(list(batch))
    assert found.get_response()["id"] == "mine"
    labels = [text.decode() if isinstance(text, bytes) else text for text in found.as_numpy(n.LABEL)]
    assert labels == [answer.label for answer in answers]
    for name in NUMBERS:
        given, expected = found.as_numpy(name), np.stack([getattr(answer, name) for answer in answers])
        assert given.dtype == np.float32
        np.testing.assert_allclose(given, expected, rtol=ROUNDING, atol=ROUNDING)
    assert found.as_numpy(n.CLASS_INDEX).tolist() == [answer.class_index for answer in answers]
    assert found.as_numpy(n.UNKNOWN).tolist() == [False] * len(answers)


def test_outputs_come_as_they_are_asked_for(client: triton.InferenceServerClient, batch: np.ndarray) -> None:
    wanted = [triton.InferRequestedOutput(n.LABEL), triton.InferRequestedOutput(n.PROBABILITY, binary_data=False)]
    response = client.infer("colours", [tensor(batch)], outputs=wanted, model_version="1").get_response()

    assert [row["name"] for row in response["outputs"]] == [n.LABEL, n.PROBABILITY]
    assert ["data" in row for row in response["outputs"]] == [False, True]


@pytest.mark.parametrize("packing", ["gzip", "deflate"])
def test_packed_bodies_are_read(client: triton.InferenceServerClient, batch: np.ndarray, packing: str) -> None:
    plain = client.infer("colours", [tensor(batch)]).as_numpy(n.LOGITS)
    packed = client.infer(
        "colours", [tensor(batch)], request_compression_algorithm=packing, response_compression_algorithm=packing
    )

    np.testing.assert_array_equal(packed.as_numpy(n.LOGITS), plain)


def test_the_client_gets_our_sentence(client: triton.InferenceServerClient, batch: np.ndarray) -> None:
    with pytest.raises(InferenceServerException, match=r"there is no model shoes here: this server has colours"):
        client.infer("shoes", [tensor(batch)])
    with pytest.raises(InferenceServerException, match=r"colours has no version 2: it has 1 alone"):
        client.infer("colours", [tensor(batch)], model_version="2")
    with pytest.raises(
        InferenceServerException, match=r"this bundle has no adapter hats \(it has none at all\): leave"
    ):
        client.infer("colours", [tensor(batch)], parameters={"adapter": "hats"})


def body(**changes: Any) -> dict[str, Any]:
    image = {"name": "image", "datatype": "UINT8", "shape": [1, 1, 2, 3], "data": [1, 2, 3, 4, 5, 6]}
    outputs = changes.pop("outputs", [])
    return {"inputs": [image | changes], "outputs": outputs}


def test_numbers_may_be_nested(server: Served) -> None:
    flat = server.client.post("/v2/models/colours/infer", json=body()).json()
    nested = server.client.post("/v2/models/colours/infer", json=body(data=[[[[1, 2, 3], [4, 5, 6]]]])).json()

    assert flat == nested
    assert next(row["data"] for row in flat["outputs"] if row["name"] == "label") == ["blue"]


WRONG = [
    ({"name": "input"}, 400, r"the model has one input, image, and the request has input: send image alone"),
    ({"datatype": "FP32"}, 400, r"image has the datatype FP32: send UINT8"),
    ({"shape": [1, 2, 3]}, 400, r"image cannot be used \(its shape is \[1, 2, 3\]\): send UINT8 levels 0 to 255 .*"),
    ({"shape": [1, 1, 2, 4]}, 400, r"image cannot be used \(its shape is \[1, 1, 2, 4\]\): send .*"),
    ({"shape": [0, 1, 2, 3], "data": []}, 400, r"image cannot be used \(its shape is \[0, 1, 2, 3\]\): send .*"),
    ({"shape": [1, 1, 3, 3]}, 400, r".*its shape \[1, 1, 3, 3\] stands for 9 numbers and its data has 6.*"),
    ({"shape": [500, 1, 2, 3]}, 413, r"image holds 500 photos: send at most 128 at once"),
    ({"shape": [1, 200, 200, 3]}, 400, r"image has 40,000 pixels a photo and 10,000 are allowed: send smaller photos"),
    ({"data": [1, 2, 3, 4, 5, 256]}, 400, r".*its data goes from 1 to 256.*"),
    ({"data": [1, 2, 3, 4, 5, -1]}, 400, r".*its data goes from -1 to 5.*"),
    ({"data": [1, 2, 3, 4, 5, 6.5]}, 400, r".*its data holds other things than whole numbers.*"),
    ({"data": ["1", "2"]}, 400, r".*its data holds other things than whole numbers.*"),
    ({"data": [[1, 2], [3]]}, 400, r".*its data is a ragged list.*"),
    ({"data": None}, 400, r".*its data holds other things than whole numbers.*"),
    ({"data": 7}, 400, r".*stands for 6 numbers and its data has 1.*"),
    ({"parameters": {"binary_data_size": 6}}, 400, r"image has both data and binary_data_size: send one of them"),
    ({"data": None, "parameters": {"binary_data_size": 6}}, 400, r"binary_data_size is 6 and 0 bytes follow .*"),
    ({"data": None, "parameters": {"binary_data_size": "6"}}, 400, r"binary_data_size is 6 and 0 bytes follow .*"),
    ({"outputs": [{"name": "boxes"}]}, 400, r"boxes is no output of the model: ask for label, .*, each once"),
    ({"outputs": [{"name": "label"}] * 2}, 400, r"label is asked for twice: ask for label, .*, each once"),
    (
        {"outputs": [{"name": "label", "parameters": {"classification": 3}}]},
        400,
        r"label is answered as a plain tensor alone: leave classification and shared memory out",
    ),
]


@pytest.mark.parametrize(("changes", "status", "sentence"), WRONG)
def test_what_is_wrong_is_one_sentence(server: Served, changes: dict[str, Any], status: int, sentence: str) -> None:
    answer = server.client.post("/v2/models/colours/infer", json=body(**changes))

    assert (answer.status_code, bool(re.fullmatch(sentence, answer.json()["error"]))) == (status, True), answer.text


@pytest.mark.parametrize(
    ("content", "headers", "sentence"),
    [
        (b"", {}, "the body is not JSON: send the Open Inference Protocol's request, its JSON first"),
        (b"\xff\xfe", {}, "the body is not JSON: "),
        (b"[" * 100_000, {}, "the body is not JSON: "),
        (b'{"inputs": [{"name": "image", "shape": [' + b"9" * 5000 + b"]}]}", {}, "the JSON holds a number of more "),
        (b"[]", {}, "the request does not follow the protocol (the body: "),
        (b'{"inputs": [{"name": "image"}]}', {}, "the request does not follow the protocol (inputs.0.datatype: "),
        (b"{}", {"Inference-Header-Content-Length": "3"}, "Inference-Header-Content-Length is 3 and the body has 2"),
        (b"{}", {"Inference-Header-Content-Length": "-1"}, "Inference-Header-Content-Length is -1 and the body has 2"),
        (b"{}", {"Content-Encoding": "br"}, "Content-Encoding br is not read here: send gzip, deflate or a plain body"),
        (b"{}", {"Content-Encoding": "gzip"}, "the body is no whole gzip: send it again or without Content-Encoding"),
    ],
)
def test_bodies_that_cannot_be_read(server: Served, content: bytes, headers: dict[str, str], sentence: str) -> None:
    answer = server.client.post("/v2/models/colours/infer", content=content, headers=headers)

    assert 400 <= answer.status_code < 500
    assert answer.json()["error"].startswith(sentence)


def test_bytes_that_nothing_claims_are_refused(server: Served) -> None:
    text = json.dumps(body()).encode()
    answer = server.client.post(
        "/v2/models/colours/infer",
        content=text + b"more",
        headers={"Inference-Header-Content-Length": str(len(text))},
    )

    assert answer.status_code == 400
    assert answer.json()["error"] == "4 bytes follow the JSON and no input claims them: give it binary_data_size"


def test_a_body_that_unpacks_beyond_the_limit_is_refused(server: Served) -> None:
    answer = server.client.post(
        "/v2/models/colours/infer",
        content=zlib.compress(b" " * 10_000_000),
        headers={"Content-Encoding": "deflate"},
    )

    assert (answer.status_code, answer.json()["error"][:37]) == (413, "the body is larger than 200,000 bytes")


def test_batches_of_one_client_are_run_together(server: Served, client: triton.InferenceServerClient) -> None:
    before = server.figure("visionft_batch_photos_count"), server.figure("visionft_batch_photos_sum")
    client.infer("colours", [tensor(np.stack([photos(1)[0]] * 32))])
    after = server.figure("visionft_batch_photos_count"), server.figure("visionft_batch_photos_sum")

    assert after[1] - before[1] == 32
    assert after[0] - before[0] < 16


def test_serving_loads_no_torch(bundle: Path) -> None:
    code = (
        "import sys; import visionft.cli.serve, visionft.serving.server.run_server as r;"
        "from visionft.serving.split_graph import halves; from pathlib import Path; halves(Path(sys.argv[1]));"
        "print(sorted({'torch', 'timm', 'lightning', 'albumentations', 'sklearn', 'pyarrow'} & set(sys.modules)))"
    )
    told = subprocess.run(
        [sys.executable, "-c", code, str(bundle / "model.onnx")],
        capture_output=True,
        text=True,
        check=True,
        env=ENVIRONMENT,
    )
    assert told.stdout.strip() == "[]"
