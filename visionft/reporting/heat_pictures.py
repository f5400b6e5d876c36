"""Where a run looks, as small pictures of a page: each photo explained once, when it is asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray

from visionft.errors import PhotoError
from visionft.photos import contents, decode, digest
from visionft.reporting.album import MAX_PIXELS, Encoded, data_uri
from visionft.runs import Run


@contextmanager
def heat_pictures(run: Run, encoded: Encoded) -> Iterator[Callable[[str], str | None]]:
    """Open a run to draw where it looks for the class that it answers with.

    Args:
        run: finished.
        encoded: where the photos are. One that is gone, has changed or is damaged has no picture.

    Raises:
        BackboneError: no part of its network is laid out over the photo.
    """
    from visionft.evaluation import explainer  # brings onnxruntime, which a page without maps does not need

    made: dict[str, str | None] = {}
    with explainer(run) as explain:

        def heat(path: str) -> str | None:
            if path not in made:
                pixels = _pixels(encoded, path)
                made[path] = None if pixels is None else data_uri(explain(pixels, None).picture)
            return made[path]

        yield heat


def _pixels(encoded: Encoded, path: str) -> NDArray[np.uint8] | None:
    if encoded.root is None:
        return None
    name, known = encoded.files.get(path, (path, None))
    try:
        data = contents(encoded.root / name)
        return decode(data, max_pixels=MAX_PIXELS) if known is None or digest(data) == known else None
    except PhotoError:
        return None
