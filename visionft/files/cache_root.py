"""Where everything lies that is kept between runs and can be had again."""

from __future__ import annotations

import os
from pathlib import Path

from platformdirs import user_cache_path

VARIABLE = "VISIONFT_CACHE"


def root() -> Path:
    """Return the folder of all caches: $VISIONFT_CACHE, else the system's place for caches; it may not be there yet."""
    given = os.environ.get(VARIABLE)
    return Path(given) if given else user_cache_path("visionft")
