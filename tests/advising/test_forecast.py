"""The verb with --for: from photos to a forecast, with nothing of the network in memory."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import visionft as vft
from visionft.advising.forecast import largest
from visionft.cli import main
from visionft.errors import UsageError
from visionft.machine.memory import peak_memory


def test_the_most_photos_that_fit_are_found() -> None:
    assert [largest(lambda n: 10 + 2 * n, room) for room in (9, 12, 13, 111, 1e9)] == [0, 1, 1, 50, 1024]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("--for 24parsecs", "--for: 24parsecs is no card that is known here and no amount of memory"),
        ("--for RTX9999", "did you mean"),
        ("--for T4 --steps 5", "--steps is of trials on this machine, and --for T4 tries nothing; leave one out"),
        ("--for T4 --small-files", "--small-files is of trials on this machine, and --for T4 tries nothing"),
        (
            "--for T4 --hardware.device cpu",
            "--hardware.device: cpu is of this machine, and --for T4 asks about another",
        ),
    ],
)
def test_wrong_calls_are_one_sentence(words: str, sentence: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["advise", ".", *words.split()]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert sentence in told.err
    assert told.err.count("\n") == 1


def test_python_refuses_the_same(shapes: Path) -> None:
    with pytest.raises(UsageError, match="--for: a fast one is no card"):
        vft.advise(shapes, for_gpu="a fast one")


def test_the_command_line_and_python_foretell_the_same(shapes: Path, capsys: pytest.CaptureFixture[str]) -> None:
    flags = {"backbone": "test_vit", "optim.batch_size": 16}
    found = vft.advise(shapes, for_gpu="T4", methods="full,head", say=lambda _: None, **flags)
    assert isinstance(found, vft.Forecast)
    assert (found.method, found.precision, found.batch) == ("full", "fp16", 16)
    full, head = found.fits
    assert 0 < head.passes[128] < full.passes[128]
    assert full.passes[8] < full.passes[32] < full.passes[128]
    words = "--for T4 --methods full,head --backbone test_vit --optim.batch-size 16 --json"
    assert main(["advise", str(shapes), *words.split()]) == 0
    told = capsys.readouterr()
    assert json.loads(told.out.splitlines()[-1]) == json.loads(json.dumps(found.to_json()))
    assert told.err.splitlines()[-1] == (
        f"Next: visionft fit {shapes} --method full --backbone test_vit --optim.batch-size 16"
    )


@pytest.mark.slow
def test_a_network_larger_than_the_room_is_not_laid_out(shapes: Path) -> None:
    before = peak_memory("cpu")
    found = vft.advise(shapes, for_gpu="16GB", methods="full,lora", backbone="vit_huge_patch14_224", say=lambda _: None)
    assert isinstance(found, vft.Forecast)
    full = next(fit for fit in found.fits if fit.method == "full")
    assert full.passes[8] > 632e6 * 4 * 4, "weights, two moments and their average alone"
    assert peak_memory("cpu") - before < 1e9, "its weights alone are 2.5 GB"
