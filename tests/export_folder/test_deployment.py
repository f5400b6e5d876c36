"""The image without torch: its list of packages, held against what is imported, and its pip lines, tried."""

from __future__ import annotations

import ast
import re
import shlex
import subprocess
import sys
import tomllib
import venv
from importlib import metadata
from pathlib import Path

import pytest

from tests.export_folder.conftest import FOLDER
from visionft import predict

REPOSITORY = FOLDER.parent
ROOMS = ("errors.py", "classes.py", "preprocess.py", "photos", "bundle", "serving")
COMMAND_LINE = {"cyclopts"}
# Answers as .parquet, many machines, HEIC and deep TIFFs: each is said in one sentence where its package is missing.
ELSEWHERE = {"imagecodecs", "pi-heif", "pyarrow", "ray", "tifffile"}
PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
BLOCK = """
import importlib.abc, sys
blocked = {blocked}
class Lean(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in blocked:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Lean())
from visionft.cli import main
sys.exit(main(sys.argv[1:]))
"""


def name_of(requirement: str) -> str:
    return re.split(r"[\s\[<>=!~;]", requirement, maxsplit=1)[0].lower().replace("_", "-")


def listed() -> dict[str, str]:
    lines = (FOLDER / "requirements-serve.txt").read_text(encoding="utf-8").splitlines()
    return {name_of(line): line for line in lines if line and not line.startswith("#")}


def imported() -> set[str]:
    """Return the distributions that the rooms of serving import, wherever in their files."""
    roots: set[str] = set()
    for room in ROOMS:
        place = REPOSITORY / "visionft" / room
        files = [place] if place.is_file() else list(place.rglob("*.py"))
        assert files
        for file in files:
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
                names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
                roots |= {name.partition(".")[0] for name in names}
    outside = roots - sys.stdlib_module_names - {"visionft"}
    owners = metadata.packages_distributions()
    return {owners[root][0].lower().replace("_", "-") for root in outside}


def brought(names: set[str]) -> set[str]:
    """Return the distributions and what pip brings with them."""
    known: set[str] = set()
    waiting = set(names)
    while waiting:
        name = waiting.pop()
        known.add(name)
        lines = [line for line in metadata.requires(name) or [] if "extra ==" not in line]
        waiting |= {name_of(line) for line in lines if ";" not in line} - known
    return known


def test_the_list_is_what_serving_imports_and_the_serve_extra_names() -> None:
    extra = {name_of(line) for line in PROJECT["optional-dependencies"].get("serve", [])}

    assert set(listed()) == (imported() | COMMAND_LINE | extra) - ELSEWHERE


def test_the_minima_are_those_of_the_package() -> None:
    lines = [*PROJECT["dependencies"], *PROJECT["optional-dependencies"].get("serve", [])]
    ours = {name_of(line): line for line in lines}

    assert {name: ours[name] for name in listed()} == listed()


@pytest.fixture
def lean() -> str:
    """Return a program that runs visionft where only the list is installed."""
    elsewhere = {name_of(line) for line in PROJECT["dependencies"]} - brought(set(listed()))
    owners = metadata.packages_distributions()
    roots = {root for root, names in owners.items() if {name.lower() for name in names} & elsewhere}
    assert {"torch", "timm", "lightning", "sklearn", "yaml", "pyarrow", "onnxscript"} <= roots
    return BLOCK.format(blocked=sorted(roots))


def run(program: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", program, *map(str, arguments)]
    return subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)


def test_predict_works_where_only_the_list_is_installed(whole: Path, lean: str) -> None:
    files = sorted((whole / "golden").glob("*.png"))
    done = run(lean, "predict", whole, *files)

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(str(predict(whole, files)))


def test_compare_works_where_only_the_list_is_installed(whole: Path, lean: str, tmp_path: Path) -> None:
    done = run(lean, "compare", whole, whole, "--data", whole / "golden", "--out", tmp_path / "changes.csv")

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("8 photos, 9 of 17 not read: 8 keep their answer, 0 (0.0%) change it")
    assert (tmp_path / "changes.csv").is_file()


@pytest.mark.parametrize(
    ("line", "module"), [("fit .", "yaml"), ("doctor", "torch"), ("predict {} {}/golden --out a.parquet", "pyarrow")]
)
def test_what_the_lean_image_cannot_do_is_one_sentence(whole: Path, lean: str, line: str, module: str) -> None:
    done = run(lean, *line.format(whole, whole).split())

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        f"visionft: {module} is not installed here, and `visionft {line.split()[0]}` needs it for what was asked: "
        "use an environment made by `pip install visionft`; one made for serving alone has less\n"
    )


def test_the_image_serves_the_bundle_as_nobody_special() -> None:
    lines = (FOLDER / "Dockerfile").read_text(encoding="utf-8").splitlines()
    kept = (FOLDER / "Dockerfile.dockerignore").read_text(encoding="utf-8").splitlines()
    copied = [word for line in lines if line.startswith("COPY export/") for word in line.split()[1:-1]]

    assert 'CMD ["visionft", "serve", "/bundle", "--host", "0.0.0.0", "--port", "8000"]' in lines
    assert "USER serve" in lines
    assert "WORKDIR /srv/visionft" in lines, "at / a model's relative path would lead to the system's files"
    assert copied == ["export/requirements-serve.txt"]
    assert {f"!{place}" for place in (*copied, "visionft", "pyproject.toml", "README.md", "LICENSE")} <= set(kept)
    assert all((REPOSITORY / place[1:]).exists() for place in kept if place.startswith("!"))


@pytest.mark.slow
def test_the_pip_lines_of_the_dockerfile_make_an_environment_that_answers(whole: Path, tmp_path: Path) -> None:
    venv.create(tmp_path / "venv", with_pip=True)
    text = (FOLDER / "Dockerfile").read_text(encoding="utf-8")
    lines = re.findall(r"^RUN (pip .+)$", text, re.MULTILINE)
    places = {"/wheels": tmp_path / "wheels", "/source": REPOSITORY, "/requirements": FOLDER / "requirements"}
    assert len(lines) == 3
    for line in lines:
        for theirs, ours in places.items():
            line = re.sub(rf"(?<= ){theirs}", shlex.quote(str(ours)), line)
        command = f"{shlex.quote(str(tmp_path / 'venv' / 'bin'))}/{line}"
        done = subprocess.run(command, shell=True, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    python, files = tmp_path / "venv" / "bin" / "python", sorted((whole / "golden").glob("*.png"))
    absent = "import importlib.util as u; print([x for x in ('torch', 'timm', 'sklearn', 'yaml') if u.find_spec(x)])"
    told = subprocess.run([python, "-I", "-c", absent], capture_output=True, text=True, check=True)
    done = subprocess.run(
        [python, "-I", "-m", "visionft", "predict", whole, *files], cwd=tmp_path, capture_output=True, text=True
    )

    assert told.stdout == "[]\n"
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(str(predict(whole, files)))
