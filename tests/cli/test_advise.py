"""`advise` from one end to the other: the verb, the command line, a real process, and real photos."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import timm
import torch
from safetensors.torch import save_file

import visionft as vft
from visionft.cli import main
from visionft.cli.app import build_app
from visionft.errors import UsageError, WeightsError
from visionft.settings import METHODS, build, compared_methods

SMALL = (
    "--backbone test_resnet --epochs 2 --preprocess.size 32 --augment.size 32 --optim.batch-size 8 --hardware.device "
    "cpu --hardware.workers 0 --hardware.precision fp32 --hardware.threads 1"
)
ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "OMP_NUM_THREADS": "1"}
FIGURES = {"images_per_second", "peak_memory_mb", "trained", "stored_mb", "seconds"}


@pytest.fixture(scope="module")
def pretrained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("weights") / "resnet.safetensors"
    save_file(timm.create_model("test_resnet", pretrained=False).state_dict(), path)
    return path


def test_all_methods_are_compared_unless_some_are_named() -> None:
    assert compared_methods(None) == tuple(METHODS)
    assert compared_methods("lora, full,lora") == compared_methods(["lora", "full"]) == ("lora", "full")


@pytest.mark.parametrize(
    ("line", "code", "words"),
    [
        ("advise", 2, "PHOTOS: nothing is given; give a folder of class folders, or a CSV/Parquet manifest"),
        (
            "advise nowhere",
            1,
            "PHOTOS: nowhere does not exist; give a folder of class folders, or a CSV/Parquet manifest",
        ),
        (
            "advise . --methods lroa,full",
            2,
            "--methods: lroa is not known here; did you mean lora? give any of head, prototypes, full, gradual, lora, "
            "qlora, adapter, prompt, bitfit, norm, with commas between them",
        ),
        (
            "advise . --methods ,",
            2,
            "--methods: no method is named; give any of head, prototypes, full, gradual, lora, qlora, adapter, "
            "prompt, bitfit, "
            "norm, with commas between them",
        ),
        ("advise . --from a", 2, "--from: a has no part in advise, which starts from pretrained weights; leave it out"),
        (
            "advise . --distill a",
            2,
            "--distill: a has no part in advise, which starts from pretrained weights; leave it out",
        ),
        ("advise . --steps 0", 2, "--steps: 0 is less than 1; give a whole number from 1"),
        ("advise . --epochs 0", 2, "--epochs: 0 leaves nothing to try; leave it out, or give a whole number from 1"),
        (
            "advise . --weights none",
            1,
            "--weights: none leaves random features, which advise nobody; give hub, or a file of pretrained weights",
        ),
        ("advise . --method lora", 2, "advise has no flag --method; did you mean --methods?"),
    ],
)
def test_wrong_calls_are_one_sentence(line: str, code: int, words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(line.split()) == code
    told = capsys.readouterr()
    assert (told.out, told.err) == ("", f"visionft: {words}\n")


def test_the_verb_refuses_the_same(shapes: Path) -> None:
    with pytest.raises(UsageError, match="--methods: x is not known here; give any of head, prototypes, full"):
        vft.advise(shapes, methods=["x"])
    with pytest.raises(WeightsError, match="--weights: none leaves random features, which advise nobody"):
        vft.advise(shapes, weights="none")


@pytest.mark.parametrize("line", ["advise --help", "advise . --methods lroa", "advise nowhere"])
def test_torch_is_not_imported_for_help_and_wrong_calls(line: str) -> None:
    code = f"import sys; from visionft.cli import main; main({line.split()}); print('torch' in sys.modules)"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=ENVIRONMENT)
    assert told.stdout.splitlines()[-1] == "False"


def test_advise_has_the_flags_of_fit_that_matter() -> None:
    names = {
        command: {name for argument in build_app()[command].assemble_argument_collection() for name in argument.names}
        for command in ("fit", "advise")
    }
    assert names["advise"] - names["fit"] == {"--methods", "--steps", "--small-files", "--for"}
    dropped = (
        names["fit"] - names["advise"] - {"--quiet", "-q", "--verbose", "-v", "--log"}
    )  # what advise says is what it is for
    assert {"--out", "--method"} <= dropped
    assert all(name == "--out" or name.startswith("--method") for name in dropped)


@pytest.mark.slow
def test_a_real_process_compares_and_recommends(shapes: Path, pretrained: Path, tmp_path: Path) -> None:
    words = f"advise {shapes} {SMALL} --weights {pretrained} --methods adapter,norm --steps 3 --augment.no-flip --json"
    told = subprocess.run(
        [sys.executable, "-m", "visionft", *shlex.split(words)],
        capture_output=True, text=True, check=True, env=ENVIRONMENT, cwd=tmp_path,
    )  # fmt: skip
    advice = json.loads(told.stdout)
    head, adapter, norm = advice["rows"]
    assert [row["method"] for row in advice["rows"]] == ["head", "adapter", "norm"]
    assert "test_resnet has no MLPs that an adapter can stand beside" in adapter["refusal"]
    assert {name: adapter[name] for name in FIGURES} == dict.fromkeys(FIGURES)
    assert all(head[name] > 0 and norm[name] > 0 for name in FIGURES)
    assert (norm["epochs"], norm["refusal"], advice["steps"]) == (2, None, 3)
    look = advice["first_look"]
    assert look["probe_interval"][0] <= look["probe_top1"] <= look["probe_interval"][1]
    assert advice["recommendation"]["method"] == "head"  # ten validation photos show nothing
    following = told.stderr.splitlines()[-1]
    assert following.startswith(f"Next: visionft fit {shapes} --method head --backbone test_resnet ")
    _, bound, _ = build_app().parse_args(shlex.split(following)[2:], exit_on_error=False, print_error=False)
    assert "augment__flip" not in bound.kwargs  # what has no effect under the method is left out: fit would refuse it
    build(shapes, **{name.replace("__", "."): value for name, value in bound.kwargs.items()})
    assert bound.kwargs["weights"] == str(pretrained)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_the_verb_answers_with_a_value(shapes: Path, pretrained: Path) -> None:
    said: list[str] = []
    flags = {"backbone": "test_resnet", "weights": str(pretrained), "preprocess.size": 32, "augment.size": 32}
    advice = vft.advise(shapes, methods=["full"], steps=2, say=said.append, **flags, **{"hardware.threads": 1})
    assert isinstance(advice, vft.Advice)
    assert [row.method for row in advice.rows] == ["head", "full"]
    assert str(advice).splitlines()[-1] == f"recommended: {advice.method}: {advice.recommendation.reason}"
    assert advice._repr_html_().startswith("<p>")
    assert json.dumps(advice.to_json())
    assert any(
        line.startswith("first one pass over 50 photos; then 1 method for 2 steps or 30 seconds") for line in said
    )


@pytest.mark.slow
def test_an_interruption_ends_every_process(shapes: Path, pretrained: Path) -> None:
    words = f"advise {shapes} {SMALL} --weights {pretrained} --methods full --steps 100000"
    # A shell lets its jobs in the background ignore ^C, and tests may run in one.
    command = ["env", "--default-signal=INT", sys.executable, "-m", "visionft", *shlex.split(words)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=ENVIRONMENT
    ) as process:
        assert process.stdout is not None
        while "nothing trained" not in process.stdout.readline():
            assert process.poll() is None
        time.sleep(1.0)  # the process that tries `full` has started
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (130, "visionft: interrupted\n")
    assert children
    assert not any(Path(f"/proc/{child}").exists() for child in children)


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize(
    ("backbone", "refused"), [("mobilenetv2_100", {"qlora", "adapter", "prompt"}), ("vit_tiny_patch16_224", set[str]())]
)
def test_real_photos_and_weights(shared: Path, backbone: str, refused: set[str]) -> None:
    weights = shared / "weights" / f"{backbone}.safetensors"
    advice = vft.advise(shared / "data" / "clothing", backbone=backbone, weights=str(weights), steps=5)
    print(advice)
    assert [row.method for row in advice.rows] == list(METHODS)
    assert {row.method for row in advice.rows if row.refusal} == refused
    assert (advice.look.photos, advice.look.held_out) == (3068, 341)
    assert advice.look.probe_top1 > advice.look.knn_top1 > 0.6
    rows = {row.method: row for row in advice.rows}
    assert rows["norm"].trained < rows["lora"].trained < rows["full"].trained
    assert rows["lora"].stored_mb < 0.1 * rows["full"].stored_mb
    share = rows["lora"].saved_mb / rows["full"].saved_mb
    assert 0.85 < share < 1.0, "low-rank updates of every layer keep nearly all activations"
    if "adapter" not in refused:
        assert rows["adapter"].saved_mb < 0.75 * rows["full"].saved_mb
    assert rows[advice.method].refusal is None
