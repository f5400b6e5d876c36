"""Run a script of this repository as its user would."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import visionft


def run_python(folder: Path, *words: object) -> subprocess.CompletedProcess[str]:
    """Run Python with `words`; it finds the scripts of `folder` and the visionft that is tested here."""
    # Under PYTHONSAFEPATH, which `make test` sets, a script does not find the files beside it by itself.
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(Path(visionft.__file__).parents[1]), str(folder)])}
    command = [sys.executable, *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
