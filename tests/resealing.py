"""A run whose files a test has changed, as if they had been written so."""

from __future__ import annotations

import json
from pathlib import Path

from visionft.runs import atomic_write, layout


def reseal(run: Path) -> Path:
    """Write the digests of a run anew: its files count as written as they are now."""
    atomic_write.seal(run)
    return run


def make_older(run: Path) -> Path:
    """Make a run one of a version that kept no digests."""
    (run / layout.DIGESTS).unlink()
    environment = json.loads((run / layout.ENVIRONMENT).read_text(encoding="utf-8"))
    del environment["run_layout"]
    (run / layout.ENVIRONMENT).write_text(json.dumps(environment), encoding="utf-8")
    return run
