from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import onnxruntime as ort
import pytest
from PIL import Image

from tests.export_folder.conftest import FOLDER
from visionft.bundle import names
from visionft.bundle.schema import SCHEMA_VERSION, json_schema


def test_the_json_schema_is_the_one_of_the_model() -> None:
    """Write it anew with: python -c "from visionft.bundle.schema import json_schema as s; print(s(), end='')"."""
    assert (FOLDER / "bundle.schema.json").read_text(encoding="utf-8") == json_schema()


def test_the_folder_never_imports_visionft() -> None:
    programs = list(FOLDER.rglob("*.py"))

    assert programs
    for program in programs:
        assert not re.search(r"^\s*(from|import) visionft", program.read_text(encoding="utf-8"), re.MULTILINE)


def test_the_contract_in_words_names_every_tensor_and_file(whole: Path) -> None:
    words = (FOLDER / "README.md").read_text(encoding="utf-8")

    for name in (names.IMAGE, names.PIXELS, *names.OUTPUTS, names.TEMPERATURE, names.THRESHOLD):
        assert f"`{name}`" in words
    for file in whole.iterdir():
        assert file.name in words
    assert f"`schema_version` is {SCHEMA_VERSION}" in words


def blocks(document: Path) -> list[str]:
    return re.findall(
        r"```python\n(.*?)```", re.sub(r"^   ", "", document.read_text(encoding="utf-8"), flags=re.M), re.S
    )


def test_the_card_s_ten_lines_run(
    bundle: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(bundle)
    expected = json.loads((bundle / "golden" / "expected.json").read_text(encoding="utf-8"))["photos"][0]
    with Image.open(bundle / "golden" / expected["photo"]) as picture:
        picture.save("photo.jpg", format="PNG")
    (program,) = blocks(bundle / "README.md")

    exec(compile(program, "card", "exec"), {})

    said, probability = capsys.readouterr().out.strip().rsplit(" ", 1)
    assert (said, float(probability)) == (expected["label"], pytest.approx(expected["probability"], abs=1e-3))
    assert len(program.strip().splitlines()) <= 10


def test_the_two_halves_of_the_readme_run(bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(bundle)
    (program,) = blocks(FOLDER / "README.md")
    exec(compile(program, "readme", "exec"), {})
    photo = np.load("golden/00.npy")[None]

    (pixels,) = ort.InferenceSession("preprocess.onnx").run(None, {"image": photo})
    label, probability = ort.InferenceSession("network.onnx").run(None, {"pixels": pixels})

    expected = json.loads((bundle / "golden" / "expected.json").read_text(encoding="utf-8"))["photos"][0]
    assert label[0] == expected["label"]
    assert probability[0] == pytest.approx(expected["probability"], abs=1e-3)
