"""The example notebooks are executed, their bars and pictures are shown, and ^C in one is a sentence."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_notebook

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
NOTEBOOKS = {"fine_tune_and_look.ipynb": 8, "search.ipynb": 5}
"""Of the examples, with the number of their cells of code."""
# Where visionft is not installed, a kernel would not find it.
PYTHONPATH = os.pathsep.join(filter(None, sys.path))
# The libraries of Jupyter warn of their own futures (sockets, event loops, paths of its settings).
QUIET = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")


def executed(notebook: nbformat.NotebookNode, **options: object) -> list[nbformat.NotebookNode]:
    NotebookClient(notebook, timeout=280, resources={"metadata": {"path": str(EXAMPLES)}}, **options).execute()
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def test_these_are_the_notebooks() -> None:
    assert {path.name for path in EXAMPLES.glob("*.ipynb")} == {*NOTEBOOKS, "first_run.ipynb"}


@pytest.mark.parametrize(("name", "number"), NOTEBOOKS.items())
def test_they_are_stored_without_outputs(name: str, number: int) -> None:
    cells = [cell for cell in nbformat.read(EXAMPLES / name, as_version=4).cells if cell.cell_type == "code"]
    assert len(cells) == number
    assert all(cell.outputs == [] and cell.execution_count is None for cell in cells)


@pytest.mark.slow
@QUIET
@pytest.mark.parametrize("name", NOTEBOOKS)
def test_every_cell_shows_what_it_made(
    name: str, shapes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = {"PHOTOS": str(shapes), "OUT": str(tmp_path / "made"), "EPOCHS": "1"}
    for key, value in given.items():
        monkeypatch.setenv(f"VISIONFT_{key}", value)
    monkeypatch.setenv("PYTHONPATH", PYTHONPATH)

    first, *cells = executed(nbformat.read(EXAMPLES / name, as_version=4))

    assert first.outputs == []
    assert [cell.outputs[-1].output_type for cell in cells] == ["execute_result"] * (NOTEBOOKS[name] - 1)
    pages = [cell.outputs[-1].data for cell in cells]
    assert all("text/html" in page or "image/png" in page for page in pages)
    assert "image/png" in pages[-1]
    if name.startswith("fine"):
        assert "<svg" in pages[0]["text/html"]
    # What a bar left: one output a bar, which is nothing once it is done.
    bars = [each for cell in cells for each in cell.outputs if each.output_type == "display_data"]
    assert bars
    assert all(each.data["text/html"] == "" for each in bars)


FIT = """
import os, signal
import visionft as vft

class Stop(vft.Listener):
    def stepped(self, state, photos):
        if state.step == 3:
            os.kill(os.getpid(), signal.SIGINT)

run = vft.fit({photos!r}, out={out!r}, listeners=[Stop()], say=lambda line: None, **{flags!r})
"""


@pytest.mark.slow
@QUIET
def test_an_interrupt_is_a_sentence_and_the_same_cell_goes_on(
    shapes: Path, small: dict[str, object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", PYTHONPATH)
    out = tmp_path / "run"
    cell = FIT.format(photos=str(shapes), out=str(out), flags=small)
    notebook = new_notebook(cells=[new_code_cell(cell), new_code_cell(cell), new_code_cell("run.epoch, run")])

    interrupted, gone_on, shown = executed(notebook, allow_errors=True)

    (error,) = [each for each in interrupted.outputs if each.output_type == "error"]
    assert error.ename == "Interrupted"
    assert error.traceback == [f"interrupted; the same command goes on with {out}"]
    assert (out / "result.json").is_file()
    assert [each for each in gone_on.outputs if each.output_type == "error"] == []
    assert [each.output_type for each in shown.outputs] == ["execute_result"]
