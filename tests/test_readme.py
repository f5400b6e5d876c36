"""Every block of the README is run, in its order, in one folder that looks as the README says.

What is replaced, and nothing else: the photos are the shapes; `fit` gets the flags that make a run small; `make` is
asked what it would do; `pip install .` is what `make test` does; rendering the catalogue has tests of its own.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import timm
from safetensors.torch import save_file

import visionft
from tests.effective import effective
from visionft.cli import main
from visionft.cli.app import build_app
from visionft.cli.commands import COMMANDS
from visionft.settings import build

REPOSITORY = Path(__file__).resolve().parents[1]
README = (REPOSITORY / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)
LANGUAGES = {"bash": 7, "python": 2, "text": 2}
LINES = {"make": 2, "pip": 1, "python": 1, "visionft": 23}

SMALL: dict[str, Any] = {
    "backbone": "test_resnet",
    "weights": "none",
    "preprocess.size": 32,
    "augment.size": 32,
    "optim.batch_size": 8,
    "hardware.device": "cpu",
    "hardware.precision": "fp32",
    "hardware.threads": 1,
    "hardware.workers": 0,
}
# The names matter: sides are drawn by them, and these products are in the catalogue too.
KINDS, PRODUCTS, VIEWS = {"disc": "mug", "square": "teapot", "stripes": "watch"}, 9, ("front", "back", "side")


def commands() -> list[str]:
    """Return the lines of all bash blocks, without comments."""
    lines = [line for language, text in BLOCKS if language == "bash" for line in text.splitlines()]
    return [line.split("  #")[0].rstrip() for line in lines if line and not line.startswith("#")]


COMMAND_LINES = [line for line in commands() if line.startswith("visionft ")]


@pytest.fixture(scope="module")
def sandbox(shapes: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("readme")
    for kind, name in KINDS.items():
        for number, photo in enumerate(sorted((shapes / kind).iterdir())):
            view, product = divmod(number, PRODUCTS)
            place = folder / "photos" / name / f"{name}-{product + 1:02}"
            place.mkdir(parents=True, exist_ok=True)
            shutil.copy(photo, place / f"{VIEWS[view]}.jpg")
    photos = sorted((folder / "photos").rglob("*.jpg"))
    rows = [f"{photo.relative_to(folder)},{photo.parts[-3]}" for photo in photos]
    (folder / "photos.csv").write_text("\n".join(["path,label", *rows]), encoding="utf-8")
    (folder / "configs").symlink_to(REPOSITORY / "configs")
    save_file(timm.create_model("test_resnet").state_dict(), folder / "weights.safetensors")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        yield folder


def shrunk(tokens: list[str]) -> list[str]:
    """Return the words of a `fit` or `advise` with a small backbone in the place of the README's, and few epochs."""
    kept = list(tokens)
    for flag in ("--backbone", "--weights"):
        if flag in kept:
            del kept[kept.index(flag) : kept.index(flag) + 2]
    small: dict[str, Any] = {**SMALL, "epochs": 1}
    if tokens[0] == "fit":
        _, bound, _ = build_app().parse_args(kept, exit_on_error=False, print_error=False)
        given = {name.replace("__", "."): value for name, value in bound.kwargs.items()}
        small = effective(small, build(*bound.args, **given))
    if tokens[0] == "advise":  # which wants to read features that were pretrained
        small = {**small, "weights": "weights.safetensors", "steps": 2}
    return [*kept, *(word for name, value in small.items() for word in (f"--{name}", str(value)))]


def test_every_block_is_known() -> None:
    assert README.count("```") == 2 * len(BLOCKS)
    assert Counter(language for language, _ in BLOCKS) == LANGUAGES
    assert Counter(line.split()[0] for line in commands()) == LINES


@pytest.mark.parametrize("line", COMMAND_LINES)
def test_command_parses_as_it_stands(line: str) -> None:
    tokens = shlex.split(line.split(" > ")[0])[1:]
    command, _, _ = build_app().parse_args(tokens, exit_on_error=False, print_error=False)
    assert COMMANDS[tokens[0]][0].split(":")[1] == command.__name__


def test_commands_and_code_run_in_their_order(sandbox: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    original = visionft.fit
    monkeypatch.setattr(
        visionft,
        "fit",
        lambda photos, **flags: original(photos, **{**effective(SMALL, build(photos, **flags)), **flags}),
    )
    ran: Counter[str] = Counter()
    for language, text in BLOCKS:
        if language == "python":
            exec(compile(text, "README.md", "exec"), {})
            ran["python block"] += 1
        for line in text.splitlines() if language == "bash" else []:
            if line.startswith("visionft "):
                run(line)
                ran["visionft"] += 1

    assert ran == {"python block": LANGUAGES["python"], "visionft": LINES["visionft"]}
    assert (sandbox / "bundle" / "model.onnx").is_file()
    assert not (sandbox / "runs" / "second" / "bundle" / "golden").exists()
    assert (sandbox / "answers.csv").read_text(encoding="utf-8").startswith("path,label")


def run(line: str) -> None:
    """Run one command inside this process; a `> FILE` at its end is obeyed."""
    command, _, target = line.partition(" > ")
    tokens = shlex.split(command)[1:]
    said = StringIO()
    with redirect_stdout(said):
        code = main(shrunk(tokens) if tokens[0] in ("fit", "advise") else tokens)
    assert code == 0, line
    if target:
        Path(target).write_text(said.getvalue(), encoding="utf-8")
    else:
        assert said.getvalue()


@pytest.mark.parametrize("line", [line for line in commands() if line.startswith("make ")])
def test_make_knows_the_target(line: str) -> None:
    # Inside `make test` a further make would take the outer one's flags for its own.
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    told = subprocess.run(
        [*line.split(), "--dry-run"], cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=False
    )
    assert told.returncode == 0, told.stderr


def test_the_demo_gives_flags_that_exist() -> None:
    """`make demo` itself takes minutes; that it does what the first run shows is parsed here."""
    makefile = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
    lines = re.findall(r"^\t\$\(BIN\)/visionft (.+)$", makefile, re.MULTILINE)
    assert [line.split()[0] for line in lines] == ["fit", "evaluate", "export", "predict"]
    for line in lines:
        build_app().parse_args(shlex.split(line.replace("$(DEMO)", "demo")), exit_on_error=False, print_error=False)


@pytest.mark.parametrize("line", [line for line in commands() if line.startswith("python ")])
def test_script_is_there(line: str) -> None:
    _, script, *_ = line.split()
    told = subprocess.run(
        [sys.executable, str(REPOSITORY / script), "--help"], capture_output=True, text=True, check=False
    )
    assert told.returncode == 0, told.stderr


def test_the_file_map_names_what_is_there() -> None:
    named = re.findall(r"^\| `([\w/.]+)` \|", README.split("## File map")[1], re.MULTILINE)
    assert len(named) == 30
    assert [place for place in named if not (REPOSITORY / place).exists()] == []
    rooms = {path.name for path in (REPOSITORY / "visionft").iterdir() if (path / "__init__.py").is_file()}
    assert rooms == {Path(place).name for place in named if place.startswith("visionft/") and place.endswith("/")}


def test_the_run_folder_is_described_whole() -> None:
    from visionft.runs import layout

    section = README.split("**A run folder.**")[1].split("**A bundle.**")[0]
    assert [name for name in sorted(layout.FINISHED) if f"`{name}`" not in section] == []
