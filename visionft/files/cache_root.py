"""Where everything lies that is kept between runs and can be had again."""

from __future__ import annotations

import os
from pathlib import Path

from platformdirs import user_cache_path

VARIABLE = "VISIONFT_CACHE"


def root() -> Path:
    """Return the folder of all caches: $VISIONFT_CACHE, else the system's place for caches; it may not be there yet.

    A `~` is the home folder also where no shell has read the variable, as in a Dockerfile.
    """
    given = os.environ.get(VARIABLE)
    return Path(os.path.expanduser(given)) if given else user_cache_path("visionft")  # noqa: PTH111  # Path's may raise
