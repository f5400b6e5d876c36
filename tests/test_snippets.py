"""Every block of the README and of docs/ is run, in its order, in a folder that looks as the tutorial leaves it.

What is replaced, and nothing else: the photos are the shapes; `fit` gets the flags that make a run small, `sweep` those
and two trials; a server takes a free port, and httpx asks it what `curl` would; `make` is asked what it would do; `pip
install .` is what `make test` does; rendering the catalogue has tests of its own. The slow test replaces less: it runs
the tutorial as a person would. A block under `<!-- not run: WHY -->` is not run, but every `visionft` in it has to
parse.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import timm
from PIL import Image
from safetensors.torch import save_file

import visionft
from tests.documents import DOCS, REPOSITORY, Block, blocks, named, pages, visionft_calls, without_blocks
from tests.effective import SMALL, effective
from tests.scripts import run_python
from tests.snippet_servers import SERVERS, Servers
from visionft.cli import main
from visionft.cli.app import build_app
from visionft.cli.commands import COMMANDS
from visionft.settings import build

README, TUTORIAL = REPOSITORY / "README.md", DOCS / "tutorial.md"
FOLLOWING = [
    page
    for page in pages()
    if page.is_relative_to(DOCS) and page != TUTORIAL and any(b.language in ("bash", "python") for b in blocks(page))
]
"""The pages whose commands need what the tutorial made."""
ALL = [block for page in pages() for block in blocks(page)]
RUN = [block for block in ALL if block.language in ("bash", "python") and not block.excuse]
CALLS = sorted({shlex.join(words) for b in ALL if b.language == "bash" for words in visionft_calls(b)})
STARTERS = {"make", "pip", "python", "visionft", "find", "curl", ".ci/run"}

OWN = {"log"}
"""Flags of fit that are no settings of the run."""
SWEPT: dict[str, Any] = {**SMALL, "backbone": "test_vit", "preprocess.size": 160, "augment.size": 160, "epochs": 1}
"""Of every trial, with and without low-rank updates."""

# The names matter: sides are drawn by them, and these products are in the catalogue too.
KINDS, PRODUCTS, VIEWS = {"disc": "mug", "square": "teapot", "stripes": "watch"}, 9, ("front", "back", "side")

FOREIGN = {
    "--strict", "--views", "--out", "--nproc-per-node", "--nnodes", "--ntasks-per-node", "--gpus-per-node",
    "--rdzv-backend", "--rdzv-endpoint", "--disable-usage-stats",
}  # fmt: skip
"""Flags of other programs that pages tell of: mypy's, benchmarks', torchrun's, sbatch's, ray's."""


def test_every_block_is_known() -> None:
    for page in pages():
        assert page.read_text(encoding="utf-8").count("```") == 2 * len(blocks(page)), page
    assert {b.language for b in ALL if not b.language.startswith("{")} <= {"bash", "python", "text"}
    assert {line.split()[0] for block in RUN if block.language == "bash" for line in block.lines} <= STARTERS
    counted = Counter(block.language for block in RUN)
    assert counted["bash"] >= 25, counted
    assert counted["python"] >= 5, counted
    assert len(FOLLOWING) >= 8
    assert len(CALLS) >= 30
    assert {call.split()[0] for call in CALLS} == set(COMMANDS)


@pytest.mark.parametrize("call", CALLS)
def test_call_parses_as_it_stands(call: str) -> None:
    tokens = shlex.split(call)
    command, bound, _ = build_app().parse_args(tokens, exit_on_error=False, print_error=False)
    assert COMMANDS[tokens[0]][0].split(":")[1] == command.__name__
    if tokens[0] == "fit" and "--config" not in tokens:
        given = {name.replace("__", "."): value for name, value in bound.kwargs.items() if name not in OWN}
        build(*bound.args, **given)


def test_flags_in_the_prose_exist() -> None:
    known = {name for command in COMMANDS for name in flags_of(command)} | {"--help"}
    # These two tell of other programs' flags too; the second has tests of its own.
    ours = [page for page in pages() if page.parent.name != "export" and page.name != "coming-from.md"]
    told = {(named(p), flag) for p in ours for flag in re.findall(r"`[^`\n]*?(--[a-z][\w.-]*)", without_blocks(p))}
    told = {(page, flag) for page, flag in told if flag not in FOREIGN}
    assert len(told) > 40
    assert {(page, flag) for page, flag in told if flag.replace("_", "-") not in known} == set()


def flags_of(command: str) -> set[str]:
    """Return the flags that a command reads."""
    return {name for argument in build_app()[command].assemble_argument_collection() for name in argument.names}


def furnish(folder: Path, shapes: Path) -> None:
    """Put photos, a manifest of them, the configurations and a file of weights into a folder."""
    for kind, name in KINDS.items():
        for number, photo in enumerate(sorted((shapes / kind).iterdir())):
            view, product = divmod(number, PRODUCTS)
            place = folder / "photos" / name / f"{name}-{product + 1:02}"
            place.mkdir(parents=True, exist_ok=True)
            shutil.copy(photo, place / f"{VIEWS[view]}.jpg")
    photos = sorted((folder / "photos").rglob("*.jpg"))
    rows = [f"{photo.relative_to(folder)},{photo.parts[-3]}" for photo in photos]
    (folder / "photos.csv").write_text("\n".join(["path,label", *rows]), encoding="utf-8")
    tables = {"prices": price_of, "tags": tags_of, "taxonomy": path_of}
    for name, cell in tables.items():
        rows = [f"{photo.relative_to(folder)},{cell(photo)}" for photo in photos]
        (folder / f"{name}.csv").write_text("\n".join(["path,label", *rows]), encoding="utf-8")
    rows = [f"{photo.relative_to(folder)},{columns_of(photo)}" for photo in photos]
    (folder / "catalogue.csv").write_text("\n".join(["path,kind,shape,state", *rows]), encoding="utf-8")
    rows = [f"{photo.relative_to(folder)},{photo.parts[-3]},{'ab'[i % 2]}" for i, photo in enumerate(photos)]
    (folder / "suppliers.csv").write_text("\n".join(["path,label,supplier", *rows]), encoding="utf-8")
    (folder / "configs").symlink_to(REPOSITORY / "configs")
    for number, photo in enumerate(photos):
        for place in (f"products/{photo.parts[-2]}", f"{('hats', 'shoes')[number % 2]}/{photo.parts[-3]}"):
            (folder / place).mkdir(parents=True, exist_ok=True)
            shutil.copy(photo, folder / place / f"{number}.jpg")
    save_file(timm.create_model("test_resnet").state_dict(), folder / "weights.safetensors")
    save_file(timm.create_model("test_vit").state_dict(), folder / "vit.safetensors")


def price_of(photo: Path) -> float:
    """Return a price that a photo of a product may have."""
    kind, product = photo.parts[-3], int(photo.parts[-2][-2:])
    return 10.0 * (1 + [*KINDS.values()].index(kind)) + product / 10


def tags_of(photo: Path) -> str:
    """Return the labels of a photo, of which it may have none."""
    kind, product = photo.parts[-3], int(photo.parts[-2][-2:])
    return "|".join([*(["round"] if kind == "mug" else []), *(["new"] if product % 2 else [])])


def path_of(photo: Path) -> str:
    """Return the place of a photo in a taxonomy."""
    kind = photo.parts[-3]
    return f"round/{kind}" if kind == "mug" else f"flat/{kind}"


def columns_of(photo: Path) -> str:
    """Return the cells of a photo's kind, shape and state, which nobody knows of every third product."""
    kind, product = photo.parts[-3], int(photo.parts[-2][-2:])
    return f"{kind},{'round' if kind == 'mug' else 'flat'},{('', 'new', 'used')[product % 3]}"


def small_fit(original: Callable[..., Any]) -> Callable[..., Any]:
    """Return `visionft.fit` with the flags of a small run below those that are given."""

    def fit(photos: Any, listeners: Iterable[Any] = (), **flags: Any) -> Any:
        flags = {name: value for name, value in flags.items() if name not in ("backbone", "weights")}
        return original(photos, listeners=listeners, **{**effective(SMALL, build(photos, **flags)), **flags})

    return fit


def small_search(original: Callable[..., Any]) -> Callable[..., Any]:
    """Return `visionft.find_lr` with the flags of a small run, in few steps."""
    return lambda photos, **given: original(photos, **{**given, **SWEPT, "steps": 20})


def small_sweep(original: Callable[..., Any]) -> Callable[..., Any]:
    """Return `visionft.sweep` with the flags of small runs, of which it makes two."""
    return lambda photos, **given: original(photos, **{**given, **SWEPT, "trials": 2})


@pytest.fixture(scope="module")
def started(shapes: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Return the folder in which the tutorial was followed."""
    folder = tmp_path_factory.mktemp("followed")
    furnish(folder, shapes)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(visionft, "fit", small_fit(visionft.fit))
        patch.setattr(visionft, "sweep", small_sweep(visionft.sweep))
        patch.setattr(visionft, "find_lr", small_search(visionft.find_lr))
        patch.chdir(folder)
        follow(TUTORIAL)
        yield folder


def test_the_readme_s_commands_are_the_tutorial_s_which_are_run() -> None:
    told = [line for block in run_of(README) for line in block.lines if line.startswith("visionft ")]
    assert len(told) == 3
    followed = [line for block in run_of(TUTORIAL) for line in block.lines if line in told]
    assert followed == told


def test_the_readme_s_python_runs(started: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(started)
    (program,) = (block.text for block in blocks(README) if block.language == "python")
    exec(compile(program, "README.md", "exec"), {})
    assert (started / "runs" / "readme" / "result.json").is_file()


def test_the_tutorial_runs(started: Path) -> None:
    assert (started / "runs" / "first" / "result.json").is_file()
    assert (started / "bundle" / "model.onnx").is_file()


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("page", FOLLOWING, ids=named)
def test_the_page_runs(page: Path, started: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(started)
    wanted = Counter(b.language for b in blocks(page) if b.language == "python" and not b.excuse)
    wanted["visionft"] = sum(line.startswith("visionft ") for b in run_of(page) for line in b.lines)
    assert follow(page) == +wanted


def run_of(page: Path) -> list[Block]:
    """Return the bash blocks of a page that are run."""
    return [block for block in blocks(page) if block.language == "bash" and not block.excuse]


def follow(page: Path) -> Counter[str]:
    """Run the blocks of a page here; return how many Python blocks and visionft commands these were."""
    ran: Counter[str] = Counter()
    servers = Servers()
    try:
        for block in blocks(page):
            if block.excuse:
                continue
            if block.language == "python":
                exec(compile(block.text, block.page, "exec"), {})
                ran["python"] += 1
            for line in block.lines if block.language == "bash" else []:
                step(line, servers)
                ran["visionft"] += line.startswith("visionft ")
    finally:
        servers.stop()
    return +ran


def step(line: str, servers: Servers) -> None:
    """Run one line."""
    if " | visionft " in line:
        pipe(line)
    elif line.startswith("python -m "):
        subprocess.run([sys.executable, *shlex.split(line)[1:]], check=True)
    elif line.startswith(SERVERS):
        servers.start(line)
    elif line.startswith("curl "):
        servers.ask(line)
    elif line.startswith("visionft "):
        run(line)


def pipe(line: str) -> None:
    """Run a program and the command that reads what it writes, each in a process of its own."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    words = line.replace("| visionft ", f"| {shlex.quote(sys.executable)} -m visionft ")
    ended = subprocess.run(["sh", "-c", words], env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout


def run(line: str) -> None:
    """Run one command inside this process; a `> FILE` at its end is obeyed."""
    command, _, target = line.partition(" > ")
    tokens = shlex.split(command)[1:]
    said = StringIO()
    with redirect_stdout(said):
        code = main(shrunk(tokens) if tokens[0] in ("fit", "advise", "find-lr", "sweep") else tokens)
    assert code == 0, line
    if target:
        Path(target).write_text(said.getvalue(), encoding="utf-8")
    else:
        assert said.getvalue()


def shrunk(tokens: list[str]) -> list[str]:
    """Return the words of a fit, as `advise` and `find-lr` have them too, with a small backbone and few epochs."""
    kept = list(tokens)
    if tokens[0] == "sweep":
        kept[kept.index("--trials") + 1] = "2"
        return [*kept, *(word for name, value in SWEPT.items() for word in (f"--{name}", str(value)))]
    for flag in ("--backbone", "--weights", "--epochs"):
        if flag in kept:
            del kept[kept.index(flag) : kept.index(flag) + 2]
    small: dict[str, Any] = {**SMALL, "epochs": 1}
    if tokens[0] == "fit":
        _, bound, _ = build_app().parse_args(kept, exit_on_error=False, print_error=False)
        given = {name.replace("__", "."): value for name, value in bound.kwargs.items() if name not in OWN}
        if bound.kwargs.get("method__name") == "lora":
            small |= {"backbone": "test_vit", "weights": "vit.safetensors", "preprocess.size": 160, "augment.size": 160}
        small = effective(small, build(*bound.args, **given))
        small = {name: value for name, value in small.items() if f"--{name}" not in kept}
    if tokens[0] == "advise":  # which wants to read features that were pretrained
        small = {**small, "weights": "weights.safetensors", "steps": 2}
    return [*kept, *(word for name, value in small.items() for word in (f"--{name}", str(value)))]


def test_the_readme_s_picture_is_drawn_from_a_run(started: Path, tmp_path: Path) -> None:
    script = REPOSITORY / "docs" / "pictures" / "answers.py"
    ended = run_python(script.parent, script, started / "runs" / "first", started / "photos", tmp_path / "drawn.png")
    assert ended.returncode == 0, ended.stderr
    with Image.open(tmp_path / "drawn.png") as picture:
        assert picture.size == (1000, 440)
        assert len(picture.getcolors(1 << 20)) > 100  # photos, not an empty frame


OTHERS = sorted({line for b in RUN if b.language == "bash" for line in b.lines if not line.startswith("visionft ")})


@pytest.mark.parametrize("line", [line for line in OTHERS if line.startswith("make ")])
def test_make_knows_the_target(line: str) -> None:
    # Inside `make test` a further make would take the outer one's flags for its own.
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    told = subprocess.run(
        [*line.split(), "--dry-run"], cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=False
    )
    assert told.returncode == 0, told.stderr


@pytest.mark.parametrize("line", [line for line in OTHERS if line.startswith("python ") and " -m " not in line])
def test_script_is_there(line: str) -> None:
    _, script, *_ = line.split()
    told = subprocess.run(
        [sys.executable, str(REPOSITORY / script), "--help"], capture_output=True, text=True, check=False
    )
    assert told.returncode == 0, told.stderr


def test_nothing_else_is_left_to_run() -> None:
    run = ("make", "python", "curl")
    assert [line for line in OTHERS if line.split()[0] not in run and " | visionft " not in line] == [
        ".ci/run", "pip install .",
    ]  # fmt: skip
    assert os.access(REPOSITORY / ".ci" / "run", os.X_OK)


@pytest.mark.slow
def test_the_tutorial_says_what_it_shows(tmp_path: Path) -> None:
    """As a person follows it: the sample catalogue with two photos a product, real processes, the flags of the page."""
    said = ""
    for line in [line for block in run_of(TUTORIAL) for line in block.lines if not line.startswith("pip ")]:
        words = shlex.split(line)
        if words[0] == "python":
            command = [sys.executable, str(REPOSITORY / words[1]), *words[2:], "--photos-per-sku", "2"]
        else:
            command = [sys.executable, "-m", *words]
        ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert ended.returncode == 0, f"{line}\n{ended.stderr}"
        said += ended.stdout
    begun = [line.strip() for line in said.splitlines()]
    shown = [line.strip() for b in blocks(TUTORIAL) if b.language == "text" for line in b.text.splitlines()]
    # Up to a figure or a colon: the figures are those of all photos.
    words = {re.split(r"[\d:]", line)[0].rstrip() for line in shown if line != "..."} - {""}
    assert len(words) > 30
    assert [word for word in sorted(words) if not any(line.startswith(word) for line in begun)] == []
