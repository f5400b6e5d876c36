"""The comparison with peers: each one trains, its clock and its scores mean what the table says."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest
import timm
import torch
from safetensors.torch import save_file

from tests.scripts import run_python

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
NEEDS = {"plain": "torch", "lightning": "lightning", "hf": "accelerate", "fastai": "fastai"}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("peer", "what", "epochs"),
    [
        ("plain", "full", 2),
        ("plain", "frozen", 2),
        ("lightning", "full", 2),
        ("lightning", "frozen", 2),
        ("lightning", "fine_tune", 3),
        ("hf", "full", 2),
        ("fastai", "full", 2),
        ("fastai", "fine_tune", 3),
    ],
)
def test_a_peer_trains_and_is_scored(peer: str, what: str, epochs: int, split: Path, tmp_path: Path) -> None:
    if importlib.util.find_spec(NEEDS[peer]) is None:
        pytest.skip(f"{NEEDS[peer]} is not installed")
    torch.manual_seed(0)
    save_file(timm.create_model("test_resnet", num_classes=5).state_dict(), tmp_path / "weights.safetensors")
    words = ["--what", what, "--data", split, "--arch", "test_resnet", "--weights", tmp_path / "weights.safetensors"]

    done = run_python(
        BENCHMARKS, BENCHMARKS / "peer_loops.py", peer, *words, "--lr", "1e-3", "--epochs", 2, "--size", 64, "--batch",
        8, "--workers", 0,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    assert len(told["epochs"]) == epochs
    assert [epoch["seconds"] for epoch in told["epochs"]] == sorted(epoch["seconds"] for epoch in told["epochs"])
    assert told["epochs"][-1]["seconds"] <= told["fit_seconds"]
    assert 0 <= told["test_top1"] <= 1
    assert round(told["test_top1"] * 18) == pytest.approx(told["test_top1"] * 18, abs=1e-2)


def test_nested_classes_become_flat_ones_in_every_split(tmp_path: Path) -> None:
    names = ("train/fruit/apple/1.jpg", "train/fruit/pear/1.jpg", "val/fruit/apple/2.jpg", "test/green/pear/3.jpg")
    for name in names:
        (tmp_path / "nested" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "nested" / name).write_bytes(name.encode())
    code = "import sys; from pathlib import Path; from peers import flat; flat(*map(Path, sys.argv[1:]))"
    done = run_python(BENCHMARKS, "-c", code, tmp_path / "nested", tmp_path / "flat")
    assert done.returncode == 0, done.stderr
    found = sorted(str(path.relative_to(tmp_path / "flat")) for path in (tmp_path / "flat").rglob("*"))
    folders = [f"{split}/{kind}" for split in ("test", "train", "val") for kind in ("apple", "pear")]
    photos = ["test/pear/3.jpg", "train/apple/1.jpg", "train/pear/1.jpg", "val/apple/2.jpg"]
    assert found == sorted(["test", "train", "val", *folders, *photos])


def test_the_table_takes_each_peers_best_rate_and_the_time_to_it(tmp_path: Path) -> None:
    def row(peer: str, rate: float | None, top1s: list[float]) -> dict[str, object]:
        key = {"set": "clothing", "backbone": "mobilenetv2_100", "seed": 0, "peer": peer, "what": "full", "rate": rate}
        epochs = [{"seconds": 100.0 * (i + 1), "val_top1": top1} for i, top1 in enumerate(top1s)]
        figures = {"fit_seconds": 100.0 * len(top1s), "test_top1": top1s[-1], "images_per_second": 20.0}
        return {"key": key, **figures, "epochs": epochs, "peak_memory_mb": 3000}

    rows = [row("plain", 3e-4, [0.7, 0.8]), row("plain", 1e-3, [0.8, 0.885]), row("visionft", None, [0.87, 0.89, 0.9])]
    place = tmp_path / "rows.json"
    place.write_text(json.dumps(rows))
    code = "import json, sys; from peers import markdown; print(markdown(json.load(open(sys.argv[1]))))"
    told = run_python(BENCHMARKS, "-c", code, place).stdout.splitlines()
    assert "to the peers' best 88.5%" in told[2]
    assert "| visionft | - | 90.0% (86.6% to 92.7%) | 90.0% | 300 | 200 | 200 | 20.0 | 3.0 GB |" in told
    assert "| plain | 2 | 88.5% (84.8% to 91.3%) | 88.5% | 200 | 200 | 200 | 20.0 | 3.0 GB |" in told
