"""Many adapters from the command line and from Python: what is asked for, what is refused, and the whole way."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import visionft
from tests.bundle.making import make_adapted_bundle
from visionft import workflows
from visionft.bundle import Bundle
from visionft.cli import main
from visionft.errors import UsageError
from visionft.exporting import Exported
from visionft.settings import ExportSettings

COLOURS = {"crimson": (200, 10, 20), "navy": (10, 20, 200)}


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    return make_adapted_bundle(tmp_path / "b")


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    for name, colour in COLOURS.items():
        (tmp_path / "photos" / name).mkdir(parents=True)
        for i in range(3):
            Image.new("RGB", (8, 8 + i), colour).save(tmp_path / "photos" / name / f"{i}.png")
    return tmp_path / "photos"


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    seen: list[dict[str, Any]] = []

    def export(run: Path | None, out: Path | None, settings: ExportSettings, **flags: Any) -> Exported:
        seen.append({"run": run, "out": out, "settings": settings, "adapters": flags["adapters"]})
        return Exported(Path("o"), 1.0, 0.0, 9, (), 20, 1.0, adapters=tuple(flags["adapters"] or ()))

    monkeypatch.setattr(workflows, "export", export)
    return seen


def folders(place: Path, *names: str) -> list[Path]:
    for name in names:
        (place / name).mkdir(parents=True)
    return [place / name for name in names]


def test_runs_are_given_by_folder_or_by_name(
    calls: list[dict[str, Any]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    a, b, odd = folders(tmp_path, "a", "x/b", "c=d")

    assert main(["export", "--adapters", str(a), f"shoes={b}", str(odd), "--out", str(tmp_path / "o")]) == 0

    assert calls == [
        {"run": None, "out": tmp_path / "o", "settings": ExportSettings(), "adapters": {"a": a, "shoes": b, "c=d": odd}}
    ]
    assert capsys.readouterr().out.splitlines()[-1] == "Next: visionft predict o PHOTOS --adapter a"


def test_one_run_is_exported_as_before(calls: list[dict[str, Any]], tmp_path: Path) -> None:
    flags = "--precision int8 --max-loss 1 --allow slower --golden none --accept none --all"
    assert main(["export", str(tmp_path), *flags.split()]) == 0

    asked = ExportSettings(precision="int8", max_loss=1, allow="slower", golden="none", accept=None, all=True)
    assert calls == [{"run": tmp_path, "out": None, "settings": asked, "adapters": None}]


def test_two_runs_of_one_name_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    a, b = folders(tmp_path, "x/run", "y/run")

    assert main(["export", "--adapters", str(a), str(b), "--out", str(tmp_path / "o")]) == 2
    said = capsys.readouterr().err
    assert f"the runs {a} and {b} would both be the adapter run; give one of them as NAME=RUN" in said
    with pytest.raises(UsageError, match="would both be the adapter run; give one of them as NAME=RUN"):
        visionft.export(adapters=[a, b], out=tmp_path / "o")


def test_what_is_missing_or_too_much_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = str(tmp_path)
    lines = {
        ("export",): (2, "there is nothing to export; give a run, or several with --adapters"),
        ("export", run, "--adapters", run): (2, f"a run ({run}) and --adapters were given; put the run among"),
        ("export", "--adapters", run): (2, "adapters of several runs have no folder of their own; give one with --out"),
        ("export", "--adapters", run, "--out", "o", "--target", "onnxruntime==1.19.2"): (
            2,
            "--target: onnxruntime 1.19.2 cannot carry adapters; give 1.20 or later, or export each run by itself",
        ),
        ("export", "--adapters", f"{run}/no", "--out", "o"): (1, f"the run or bundle {run}/no does not exist"),
        ("predict", run, run, "--adapter", "x"): (2, f"{run} is a run, which answers by itself; leave --adapter x out"),
        ("evaluate", run, "--adapter", "x"): (2, f"{run} is a run, which answers by itself; leave --adapter x out"),
    }
    for line, (code, words) in lines.items():
        assert main(list(line)) == code, line
        assert words in capsys.readouterr().err


def test_predict_asks_through_an_adapter(bundle: Path, photos: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["predict", str(bundle), str(photos), "--adapter", "two", "--json"]) == 0
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert [row["label"] for row in told["predictions"]] == ["crimson"] * 3 + ["navy"] * 3

    assert main(["predict", str(bundle), str(photos)]) == 2
    assert "answers through adapters and none was named: give one of three, two" in capsys.readouterr().err
    assert main(["predict", str(bundle), str(photos), "--adapter", "tow"]) == 2
    assert "has no adapter 'tow': give one of three, two" in capsys.readouterr().err


def test_the_next_command_keeps_the_adapter(bundle: Path, photos: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["predict", str(bundle), str(photos), "--adapter", "two"]) == 0
    assert "--adapter two --out answers.csv" in capsys.readouterr().out.splitlines()[-1]


def test_evaluate_measures_an_adapter(bundle: Path, photos: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", str(bundle), "--data", str(photos), "--adapter", "two", "--json"]) == 0
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (told["top1"], told["n"]) == (1.0, 6)

    with pytest.raises(UsageError, match="none was named: give one of three, two"):
        visionft.evaluate(bundle, data=photos)
    assert main(["evaluate", str(bundle), "--data", str(photos), "--adapter", "three"]) == 1
    assert "crimson" in capsys.readouterr().err


@pytest.mark.slow
def test_the_whole_way(shapes: Path, small: dict[str, Any], tmp_path: Path) -> None:
    """Fit twice from one file of weights, export as adapters in a real process, answer like the runs."""
    flags = small | {"backbone": "test_vit", "preprocess.size": 160, "augment.size": 160, "weights": weights(tmp_path)}
    others = tmp_path / "others"
    for name in ("disc", "square"):
        (others / f"a {name}").mkdir(parents=True)
        for photo in (shapes / name).iterdir():
            (others / f"a {name}" / photo.name).write_bytes(photo.read_bytes())
    methods = ({"method.name": "lora", "method.rank": 3}, {"method.name": "lora", "method.targets": "qv"})
    runs = [
        visionft.fit(photos, out=tmp_path / name, say=lambda _: None, **flags, **method)
        for photos, name, method in zip((shapes, others), ("all", "two"), methods, strict=True)
    ]
    command = ["export", "--adapters", str(runs[0].path), f"pair={runs[1].path}", "--out", str(tmp_path / "bundle")]

    done = subprocess.run(
        [sys.executable, "-m", "visionft", *command, "--json"], capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    assert (told["adapters"], told["agreement"]) == (["all", "pair"], 1.0)
    assert told["max_probability_difference"] < 1e-4
    assert [record.rank for record in Bundle.open(tmp_path / "bundle").record.adapters] == [3, 8]
    for run, name in zip(runs, ("all", "pair"), strict=True):
        trained = visionft.predict(run, shapes / "disc")
        served = visionft.predict(tmp_path / "bundle", shapes / "disc", adapter=name)
        for a, b in zip(trained, served, strict=True):
            np.testing.assert_allclose(a.probabilities, b.probabilities, atol=1e-4)
            assert (a.label, a.unknown) == (b.label, b.unknown)


def weights(place: Path) -> str:
    """Write weights that both runs start from."""
    from safetensors.torch import save_file

    from tests.methods.making import small

    save_file(small("test_vit").backbone.state_dict(), place / "weights.safetensors")
    return str(place / "weights.safetensors")
