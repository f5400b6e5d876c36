"""Work in a process of its own, with bounds of time and memory."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from visionft.machine.worker_process import EndedError, LateError, Process

MODULE = """
import os, time
from visionft.machine.worker_process import answer_all, opened

def answer(head, data):
    if head["do"] == "sleep":
        time.sleep(60)
    if head["do"] == "end":
        os._exit(1)
    if head["do"] == "fill":
        try:
            bytearray(1 << 31)
        except MemoryError:
            return {"full": True}, b""
    return {"first": first[0]["word"], "token": "VISIONFT_TOKEN" in os.environ}, data[::-1]

def main():
    global first
    line, first = opened()
    answer_all(line, answer, 1 << 30)
"""


@pytest.fixture
def process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Process]:
    (tmp_path / "echoing.py").write_text(MODULE)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("VISIONFT_TOKEN", "secret")
    made = Process("echoing", ({"word": "hello"}, b""))
    yield made
    made.close()


def test_it_answers_bounds_its_memory_and_is_replaced_when_it_had_to_be_ended(process: Process) -> None:
    assert process.ask({"do": "echo"}, b"abc", 30) == ({"first": "hello", "token": False}, b"cba")
    assert process.ask({"do": "fill"}, b"", 30) == ({"full": True}, b"")
    with pytest.raises(LateError):
        process.ask({"do": "sleep"}, b"", 0.05)
    assert process.ask({"do": "echo"}, b"ab", 30)[1] == b"ba", "another one has taken its place"
    with pytest.raises(EndedError):
        process.ask({"do": "end"}, b"", 30)
    process.stop()  # it has ended already


def test_a_module_that_is_not_there_ends_at_once() -> None:
    missing = Process("visionft.no_such_module", ({}, b""))
    with pytest.raises(EndedError):
        missing.ask({}, b"", 30)
