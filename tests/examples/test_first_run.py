"""The example script and the example notebook go the whole way, each in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
SCRIPT, NOTEBOOK = EXAMPLES / "first_run.py", EXAMPLES / "first_run.ipynb"
SMALL = {"backbone": "visionft_pico", "epochs": "1"}
STEPS = ["1. fit", "2. evaluate", "3. predict", "4. export", "5. predict"]
RUN_CELLS = 7
# Where visionft is not installed, a script's process would not find it: its own folder is on its path, not ours.
PYTHONPATH = os.pathsep.join(filter(None, sys.path))


def script(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(SCRIPT), *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": PYTHONPATH},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.slow
def test_the_script_goes_the_whole_way(shapes: Path, tmp_path: Path) -> None:
    small = [word for name, value in SMALL.items() for word in (f"--{name}", value)]

    told = script(str(shapes), "--out", "made", *small, folder=tmp_path)

    assert told.returncode == 0, told.stderr
    headings = [line.removeprefix("== ") for line in told.stdout.splitlines() if line.startswith("== ")]
    assert [heading.split(":")[0] for heading in headings] == STEPS
    assert told.stdout.splitlines()[-1].startswith("3 of 3 labels are the same. Deploy made/bundle")
    assert (tmp_path / "made" / "run" / "result.json").is_file()
    assert (tmp_path / "made" / "bundle" / "model.onnx").is_file()
    assert [entry.name for entry in tmp_path.iterdir()] == ["made"]


def test_the_script_says_what_it_takes(tmp_path: Path) -> None:
    told = script("--help", folder=tmp_path)

    assert told.returncode == 0
    assert all(f"--{name}" in told.stdout for name in ("backbone", "weights", "epochs", "size"))


def test_the_notebook_is_stored_without_outputs() -> None:
    cells = [cell for cell in nbformat.read(NOTEBOOK, as_version=4).cells if cell.cell_type == "code"]

    assert len(cells) == RUN_CELLS
    assert all(cell.outputs == [] and cell.execution_count is None for cell in cells)


@pytest.mark.slow
# The libraries of Jupyter warn of their own futures (sockets, event loops, paths of its settings).
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")
def test_the_notebook_goes_the_whole_way(shapes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {**SMALL, "photos": str(shapes), "out": str(tmp_path / "made")}.items():
        monkeypatch.setenv(f"VISIONFT_{name.upper()}", value)
    monkeypatch.setenv("PYTHONPATH", PYTHONPATH)
    notebook = nbformat.read(NOTEBOOK, as_version=4)

    NotebookClient(notebook, timeout=240, resources={"metadata": {"path": str(EXAMPLES)}}).execute()

    shown = [cell.outputs[-1] for cell in notebook.cells if cell.cell_type == "code" and cell.outputs]
    assert len(shown) == RUN_CELLS - 1  # the first cell only prepares
    assert all(output.output_type == "execute_result" for output in shown)
    assert "same label as the trained model" in "".join(shown[-2].data.values())
    assert (tmp_path / "made" / "bundle" / "model.onnx").is_file()
