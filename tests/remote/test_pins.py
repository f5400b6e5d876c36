"""Pinned files stay while the process lives that pinned them, and no longer."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from visionft.remote import pins

KILLED = """
import os, sys
from pathlib import Path
from visionft.remote import pins
with pins.pinned(Path(sys.argv[1]), ["a"]):
    print(pins.used(Path(sys.argv[1])), flush=True)
    os.kill(os.getpid(), 9)
"""


def test_names_are_pinned_until_the_block_ends_or_they_are_let_go(tmp_path: Path) -> None:
    assert pins.used(tmp_path) == set()
    with pins.pinned(tmp_path, ["a", "b"]) as let_go, pins.pinned(tmp_path, ["b", "c"]):
        assert pins.used(tmp_path) == {"a", "b", "c"}
        let_go("a")
        let_go("b")
        assert pins.used(tmp_path) == {"b", "c"}, "another still has b"
    assert pins.used(tmp_path) == set()
    assert list((tmp_path / pins.FOLDER).iterdir()) == []


def test_a_killed_process_pins_nothing(tmp_path: Path) -> None:
    run = [sys.executable, "-c", KILLED, str(tmp_path)]
    assert subprocess.run(run, check=False, timeout=60, capture_output=True, text=True).stdout == "{'a'}\n"
    assert len(list((tmp_path / pins.FOLDER).iterdir())) == 1
    assert pins.used(tmp_path) == set()
    assert list((tmp_path / pins.FOLDER).iterdir()) == []


def test_a_list_that_never_became_whole_goes_after_a_day(tmp_path: Path) -> None:
    (tmp_path / pins.FOLDER).mkdir()
    young, old = (tmp_path / pins.FOLDER / f".new-{name}" for name in ("young", "old"))
    for place in (young, old):
        place.write_text("a\n")
    os.utime(old, (time.time() - 2 * 24 * 3600,) * 2)
    assert pins.used(tmp_path) == set()
    assert (young.exists(), old.exists()) == (True, False)
