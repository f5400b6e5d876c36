"""What happens to files: a bit flips, the end is lost, a pipe lies in their place."""

from __future__ import annotations

import os
from pathlib import Path


def flip(path: Path) -> None:
    """Change one bit in the middle."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def pipe(path: Path) -> None:
    """Put a pipe into the place of a file: whoever opens it waits for ever."""
    path.unlink()
    os.mkfifo(path)
