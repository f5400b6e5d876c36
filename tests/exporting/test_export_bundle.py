from __future__ import annotations

import json
from collections import namedtuple
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.exporting.fakes import FakeRun, livened
from visionft import backbones
from visionft import photos as reading
from visionft.bundle import Bundle
from visionft.errors import BundleError, DiskSpaceError, SettingsError
from visionft.exporting import Exported, bundle_folder, export
from visionft.serving import predict
from visionft.settings import ExportSettings, build_export

GOLDEN = {f"golden/{i:02}.{ending}" for i in range(8) for ending in ("png", "npy")} | {"golden/expected.json"}
FILES = {"README.md", "bundle.json", "digests.json", "model.onnx"}


def files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_the_files_of_a_bundle_are_a_contract(exported: Exported) -> None:
    assert files(exported.bundle) == FILES | GOLDEN
    assert [path.name for path in exported.bundle.parent.iterdir()] == ["bundle"]


def test_the_figures_of_the_gate_are_returned_and_written(exported: Exported) -> None:
    agreement = Bundle.open(exported.bundle).record.agreement

    assert agreement is not None
    assert (exported.n, exported.agreement, exported.opset) == (18, 1.0, 20)
    assert 0 <= exported.max_probability_difference < 1e-4
    assert (
        agreement.max_probability_difference == exported.max_probability_difference == max(agreement.by_check.values())
    )
    assert list(agreement.by_check) == [
        "each photo at its own size",
        "photos of one size in batches",
        "network half in batches of 1",
        "network half in batches of 8",
        "network half in batches of 32",
    ]
    assert agreement.max_pixel_difference < 0.01
    line = exported.to_json()
    assert json.loads(json.dumps(line))["bundle"] == str(exported.bundle)
    assert "100.00% of 18 photos" in str(exported)
    assert "100.00% of 18 photos" in exported._repr_html_()


def test_the_bundle_answers_like_the_trained_model(exported: Exported, run: FakeRun) -> None:
    found = predict(exported.bundle, run.photos / "validation")

    truth = []
    for row in found:
        pixels = run.preprocess.tensor(reading.read(Path(row.path)))
        with torch.inference_mode():
            truth.append(torch.softmax(run.trained(torch.from_numpy(pixels)[None]) / 0.7, 1)[0].numpy())
    np.testing.assert_allclose([row.probabilities for row in found], truth, atol=1e-3)
    assert len({row.label for row in found}) > 1


@pytest.mark.usefixtures("prebuilt")
def test_without_enough_photos_or_on_request_there_is_no_threshold(run: FakeRun, tmp_path: Path) -> None:
    for name, accepted in (("few", 0.95), ("off", None)):
        done = export(run, tmp_path / name, ExportSettings(accept=accepted, golden="none"))

        record = Bundle.open(done.bundle).record
        assert (record.threshold, record.accepted) == (None, None)
        assert "no photo is answered `unknown`" in (done.bundle / "README.md").read_text(encoding="utf-8")
        assert not any(row.unknown for row in predict(done.bundle, run.photos / "validation"))


@pytest.mark.parametrize("share", [0.0, 1.0, 95.0, float("nan")])
def test_a_share_outside_its_range_is_refused(share: float) -> None:
    with pytest.raises(SettingsError, match=r"--accept: .* is not .*; give a number above 0 and below 1, or none"):
        build_export(accept=share)


def test_no_private_path_or_command_is_written(exported: Exported, run: FakeRun) -> None:
    text = (exported.bundle / "bundle.json").read_text(encoding="utf-8")

    assert "/home/me" not in text
    assert str(run.photos) not in text
    assert "confusion" not in text
    record = json.loads(text)
    assert record["weights"] == {"kind": "file", "licence": "apache-2.0", "origin": "w.safetensors", "sha256": None}
    assert record["provenance"]["data_fingerprint"] == run.manifest().fingerprint
    assert record["figures"]["training"]["val"]["top1"] == 0.75


@pytest.mark.usefixtures("prebuilt")
def test_an_older_bundle_is_replaced_and_progress_is_told(run: FakeRun, tmp_path: Path) -> None:
    out, seen = tmp_path / "bundle", list[tuple[str, int, int]]()
    out.mkdir()
    export(run, out)
    (out / "golden" / "mine.txt").write_text("", encoding="utf-8")

    export(run, out, ExportSettings(all=True), on_progress=lambda *step: seen.append(step))

    assert files(out) == FILES | GOLDEN
    assert [path.name for path in tmp_path.iterdir()] == ["bundle"]
    assert seen == [("exporting", 0, 1), ("checking", 18, 18)]


def test_something_else_in_the_place_is_left_as_it_is(run: FakeRun, tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("ten years", encoding="utf-8")

    with pytest.raises(BundleError, match="exists and is not a bundle, so it is left as it is: give another --out"):
        export(run, tmp_path)
    with pytest.raises(BundleError, match="exists and is not a bundle"):
        export(run, tmp_path / "thesis.tex")
    with pytest.raises(BundleError, match="a bundle cannot be written to"):
        export(run, tmp_path / "thesis.tex" / "bundle")
    assert files(tmp_path) == {"thesis.tex"}


def test_a_full_disk_is_found_before_the_work(run: FakeRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(bundle_folder.shutil, "disk_usage", lambda _: usage(10**9, 10**9, 1000))

    with pytest.raises(DiskSpaceError, match=r"has 0 MB free and the bundle takes up to \d+: free some"):
        export(run, tmp_path / "bundle")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
@pytest.mark.parametrize("backbone", ["mobilenetv2_100", "vit_tiny_patch16_224"])
def test_real_weights_on_real_photos(shared: Path, tmp_path: Path, backbone: str) -> None:
    network = backbones.create(backbone, shared / "weights" / f"{backbone}.safetensors", 10)
    photos = shared / "data" / "clothing"
    names = tuple(folder.name for folder in (photos / "train").iterdir())
    run = FakeRun(tmp_path, photos, livened_head(network), names=names)

    done = export(run, tmp_path / "bundle", ExportSettings(golden="none"))

    assert done.agreement + len(done.near_ties) / done.n == 1
    assert done.max_probability_difference < 1e-4
    assert done.n > 300


def livened_head(network: backbones.Network) -> backbones.Network:
    """Give the zero head weights that tell photos apart, and leave the pretrained backbone alone."""
    trained = {name: tensor.clone() for name, tensor in network.backbone.state_dict().items()}
    livened(network)
    network.backbone.load_state_dict(trained)
    return network
