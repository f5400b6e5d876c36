"""Triton's model repository: read with the message types of its own client, compared with the graph."""

from __future__ import annotations

import importlib.util
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import onnx
import pytest
import tritonclient
from google.protobuf import text_format

from tests.export_folder.conftest import FOLDER

ELEMENTS = {
    "TYPE_UINT8": "UINT8",
    "TYPE_INT64": "INT64",
    "TYPE_FP32": "FLOAT",
    "TYPE_BOOL": "BOOL",
    "TYPE_STRING": "STRING",
}


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-I", str(FOLDER / "triton_repository.py"), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def messages() -> Any:
    """Load the message types by their file: the package around them wants grpc, which nothing here needs."""
    place = Path(tritonclient.__path__[0]) / "grpc" / "model_config_pb2.py"
    spec = importlib.util.spec_from_file_location("model_config_pb2", place)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


MESSAGES = messages()


@pytest.fixture(scope="module")
def model(whole: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    repository = tmp_path_factory.mktemp("triton")
    done = run(whole, repository, "clothing")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-1] == f"Next: tritonserver --model-repository {repository}"
    return repository / "clothing"


def dimensions(value: onnx.ValueInfoProto) -> list[int]:
    return [size.dim_value if size.HasField("dim_value") else -1 for size in value.type.tensor_type.shape.dim]


def test_the_repository_holds_the_configuration_and_the_bundle_s_model(whole: Path, model: Path) -> None:
    files = {path.relative_to(model).as_posix() for path in model.rglob("*") if path.is_file()}

    assert files == {"config.pbtxt", "1/model.onnx"}
    assert (model / "1" / "model.onnx").read_bytes() == (whole / "model.onnx").read_bytes()


def test_a_model_that_is_a_link_is_refused(whole: Path, tmp_path: Path) -> None:
    bundle = Path(shutil.copytree(whole, tmp_path / "bundle"))
    (bundle / "model.onnx").unlink()
    (bundle / "model.onnx").symlink_to("/etc/passwd")
    done = run(bundle, tmp_path / "repository", "clothing")
    assert done.returncode == 1
    assert "(ValueError: model.onnx is a link, which no bundle has; run check.py first)" in done.stderr
    assert not (tmp_path / "repository").exists()


def test_names_types_and_dimensions_are_those_of_the_graph(model: Path) -> None:
    config = text_format.Parse((model / "config.pbtxt").read_text(encoding="utf-8"), MESSAGES.ModelConfig())
    graph = onnx.load(model / "1" / "model.onnx").graph

    for entries, values in ((config.input, graph.input), (config.output, graph.output)):
        assert [entry.name for entry in entries] == [value.name for value in values]
        for entry, value in zip(entries, values, strict=True):
            element = ELEMENTS[MESSAGES.DataType.Name(entry.data_type)]
            assert onnx.TensorProto.DataType.Name(value.type.tensor_type.elem_type) == element
            sizes = list(entry.reshape.shape) if entry.HasField("reshape") else list(entry.dims)
            assert [-1, *sizes] == dimensions(value)
            # Triton takes no empty list of dimensions; one of size 1 stands for none.
            assert list(entry.dims) == (sizes or [1])


def test_batches_and_what_tells_bundles_apart_are_configured(whole: Path, model: Path) -> None:
    config = text_format.Parse((model / "config.pbtxt").read_text(encoding="utf-8"), MESSAGES.ModelConfig())
    record = json.loads((whole / "bundle.json").read_text(encoding="utf-8"))

    assert (config.name, config.backend, config.max_batch_size) == ("clothing", "onnxruntime", 32)
    assert config.dynamic_batching.max_queue_delay_microseconds == 2000
    assert {key: value.string_value for key, value in config.parameters.items()} == {
        "visionft.classes_hash": record["classes_hash"],
        "visionft.model_sha256": record["model"]["sha256"],
    }


def test_an_odd_name_is_quoted(bundle: Path, tmp_path: Path) -> None:
    assert run(bundle, tmp_path, 'Äpfel "rot"').returncode == 0
    written = (tmp_path / 'Äpfel "rot"' / "config.pbtxt").read_text(encoding="utf-8")

    assert text_format.Parse(written, MESSAGES.ModelConfig()).name == 'Äpfel "rot"'


def test_what_is_wrong_is_said(bundle: Path, tmp_path: Path) -> None:
    usage = run(bundle)
    absent = run(tmp_path / "none", tmp_path)
    (bundle / "bundle.json").write_text('{"schema_version": 2}', encoding="utf-8")
    newer = run(bundle, tmp_path / "repository")

    assert (usage.returncode, usage.stderr) == (2, "usage: python triton_repository.py BUNDLE REPOSITORY [NAME]\n")
    assert (absent.returncode, newer.returncode) == (1, 1)
    assert f"{tmp_path / 'none'} was not written as a model of Triton (FileNotFoundError" in absent.stderr
    assert "bundle.json has schema version 2, this script knows 1" in newer.stderr
    assert not (tmp_path / "repository").exists()
