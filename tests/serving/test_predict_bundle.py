from __future__ import annotations

import io
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import helper
from PIL import Image

from tests.bundle.making import make_bundle
from tests.serving.test_decode_cost import saved, with_scans
from visionft.bundle import Bundle
from visionft.bundle import names as n
from visionft.bundle.load import digest_of
from visionft.errors import BundleError, DataError
from visionft.serving import Session, predict
from visionft.serving.streaming import BATCH

COLOURS = {"red/Äpfel": (220, 20, 20), "green": (20, 220, 20), "blue": (20, 20, 220)}


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    for i in range(BATCH + 5):
        label, colour = list(COLOURS.items())[i % 3]
        place = tmp_path / "photos" / label
        place.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (5 + i % 2, 7), colour).save(place / f"{i:02}.png")
    (tmp_path / "photos" / "green" / "broken.jpg").write_bytes(b"\xff\xd8\xff broken")
    (tmp_path / "photos" / "__MACOSX").mkdir()
    return tmp_path / "photos"


def test_a_folder_is_answered_and_what_is_no_photo_is_set_aside(tmp_path: Path, photos: Path) -> None:
    found = predict(make_bundle(tmp_path / "b"), photos)

    assert len(found.answered) == BATCH + 5
    assert [row.path for row in found] == sorted(row.path for row in found)
    assert all(row.path.startswith(f"{photos}/{row.label}/") for row in found.answered)
    assert {Path(item.path).name for item in found.quarantine} == {"broken.jpg", "__MACOSX"}
    assert all(item.reason for item in found.quarantine)
    assert found.classes == ("blue", "green", "red/Äpfel")


def test_files_folders_globs_and_open_sessions_are_taken(tmp_path: Path, photos: Path) -> None:
    bundle = Bundle.open(make_bundle(tmp_path / "b"))
    places = [photos / "blue" / "02.png", str(photos / "green" / "*.png")]

    once = predict(bundle, places)
    again = predict(Session(bundle, threads=1), places, threads=1)

    assert [(row.path, row.label) for row in once] == [(row.path, row.label) for row in again]
    assert {row.label for row in once} == {"blue", "green"}


def test_a_jpeg_of_three_thousand_scans_costs_a_folder_no_time(tmp_path: Path, photos: Path) -> None:
    laborious = with_scans(saved((2000, 2000), "JPEG", progressive=True), 3000)
    (photos / "blue" / "laborious.jpg").write_bytes(laborious)
    began = time.process_time()
    found = predict(make_bundle(tmp_path / "b"), photos)
    assert time.process_time() - began < 20, "to decode it takes minutes"
    (reason,) = [item.reason for item in found.quarantine if Path(item.path).name == "laborious.jpg"]
    assert reason.startswith("more than ")
    assert len(found.answered) == BATCH + 5


def test_progress_ends_at_all_files(tmp_path: Path, photos: Path) -> None:
    seen: list[tuple[int, int]] = []

    predict(make_bundle(tmp_path / "b"), photos, on_progress=lambda done, total: seen.append((done, total)))

    files = BATCH + 7
    assert seen == [(done, files) for done in range(1, files + 1)]


def test_a_place_without_photos_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="nowhere"):
        predict(make_bundle(tmp_path / "b"), tmp_path / "nowhere")


def test_a_missing_bundle_is_an_error(tmp_path: Path, photos: Path) -> None:
    with pytest.raises(BundleError, match="there is no bundle"):
        predict(tmp_path / "nowhere", photos)


PROGRAM = """
import sys
from visionft.serving import predict
found = predict(sys.argv[1], sys.argv[2])
found.write(sys.argv[3])
heavy = {"torch", "timm", "lightning", "pytorch_lightning", "albumentations", "sklearn"} & set(sys.modules)
print(len(found.answered), sorted(heavy))
"""


def test_predicting_loads_nothing_heavy(tmp_path: Path, photos: Path) -> None:
    bundle = make_bundle(tmp_path / "b")
    command = [sys.executable, "-c", PROGRAM, str(bundle), str(photos), str(tmp_path / "answers.parquet")]

    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert (done.returncode, done.stdout.strip()) == (0, f"{BATCH + 5} []"), done.stderr


def test_sixteen_bit_and_transparent_photos_follow_the_decode_table(tmp_path: Path) -> None:
    Image.fromarray(np.full((4, 4), 65_535, np.uint16)).save(tmp_path / "deep.png")
    Image.new("RGBA", (4, 4), (255, 0, 0, 0)).save(tmp_path / "clear.png")

    found = predict(make_bundle(tmp_path / "b"), [tmp_path / "deep.png", tmp_path / "clear.png"])

    assert [row.known_score for row in found] == pytest.approx([255 / 16, 255 / 16])


def plain(colour: tuple[int, int, int], side: int = 6) -> NDArray[np.uint8]:
    return np.full((side, side, 3), colour, np.uint8)


def test_everything_mixed_is_answered_in_its_place(tmp_path: Path, photos: Path) -> None:
    path = photos / "blue" / "02.png"
    buffer = io.BytesIO(path.read_bytes())

    def asked() -> Iterator[Any]:
        yield path
        yield Image.new("RGB", (9, 4), COLOURS["green"])
        yield plain(COLOURS["red/Äpfel"])
        yield "nowhere.jpg"
        yield photos / "green"
        yield plain(COLOURS["blue"]).astype(np.float32)
        yield path
        yield buffer
        yield path.read_bytes()

    bundle = make_bundle(tmp_path / "b")
    found = predict(bundle, asked())

    green = sorted((photos / "green").iterdir())
    folder = ["green" if file.suffix == ".png" else None for file in green]
    assert [row.label for row in found] == ["blue", "green", "red/Äpfel", None, *folder, None, "blue", "blue", "blue"]
    names = [str(path), "item 1", "item 2", "nowhere.jpg", *map(str, green), "item 5", str(path), "item 7", "item 8"]
    assert [row.path for row in found] == names
    assert found[3].problem == "no such file"
    assert found[-4].problem == "an array of float32: give uint8 levels from 0 to 255"
    assert [row.named for row in found.unanswered] == [True, False, True]
    assert (found.account.asked, found.account.measured) == (len(names), len(names) - 3)
    assert [row.label for row in predict(bundle, list(asked()))] == [row.label for row in found]


@pytest.mark.parametrize("asked", [plain((20, 20, 220)), Image.new("RGB", (5, 5), "blue")], ids=["array", "picture"])
def test_one_photo_in_memory_is_one_row(tmp_path: Path, asked: Any) -> None:
    (row,) = predict(make_bundle(tmp_path / "b"), asked)
    assert (row.label, row.path, row.problem) == ("blue", "item 0", None)


def test_batches_answer_as_each_photo_alone(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    images = [random.integers(0, 256, (*random.integers(1, 40, 2), 3), np.uint8) for _ in range(BATCH + 9)]
    session = Session(make_bundle(tmp_path / "b"))

    together = predict(session, images)

    for row, image in zip(together, images, strict=True):
        alone = session.answer(image)
        assert (row.label, row.class_index, row.unknown) == (alone.label, alone.class_index, alone.unknown)
        assert row.probabilities is not None
        np.testing.assert_allclose(row.probabilities, alone.probabilities, atol=1e-6)
    again = predict(session, images)
    assert all(np.array_equal(a.probabilities, b.probabilities) for a, b in zip(together, again, strict=True))


def test_a_network_whose_photos_mix_answers_them_one_by_one(tmp_path: Path) -> None:
    """Integers scaled by the largest number of a batch would make an answer hang on the photos beside it."""
    folder = make_bundle(tmp_path / "b")
    model = onnx.load(folder / n.MODEL_FILE)
    model.graph.node.remove(mean := next(node for node in model.graph.node if node.op_type == "MatMul"))
    made = [
        helper.make_node("DynamicQuantizeLinear", [mean.input[0]], ["rough", "scale", "zero"]),
        helper.make_node("DequantizeLinear", ["rough", "scale", "zero"], ["near"]),
        helper.make_node("MatMul", ["near", mean.input[1]], mean.output),
    ]
    place = [node.op_type for node in model.graph.node].index("ReduceMean") + 1
    nodes = list(model.graph.node)
    del model.graph.node[:]
    model.graph.node.extend([*nodes[:place], *made, *nodes[place:]])
    onnx.save(model, folder / n.MODEL_FILE)
    record = json.loads((folder / n.RECORD_FILE).read_text(encoding="utf-8"))
    size = (folder / n.MODEL_FILE).stat().st_size
    record["model"] |= {"bytes": size, "sha256": digest_of(folder / n.MODEL_FILE)}
    (folder / n.RECORD_FILE).write_text(json.dumps(record), encoding="utf-8")
    session = Session(folder)
    dark, bright = np.random.default_rng(0).integers(0, 9, (6, 6, 3), np.uint8), plain((255, 255, 255))
    assert not np.array_equal(*(session.answer_batch([dark, other])[0].logits for other in (dark, bright)))

    alone, beside = predict(session, [dark]), predict(session, [bright, dark])

    assert session.engine.mixes
    assert np.array_equal(alone[0].probabilities, beside[1].probabilities)
