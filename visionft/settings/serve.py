"""The settings of one server, whole."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from visionft.settings.applicability import ALWAYS
from visionft.settings.node import Count, Settings

Seconds = Annotated[float, Field(gt=0.0, le=3600.0)]


class ServeSettings(Settings):
    """Everything that decides how a bundle is served, beside its place."""

    host: Annotated[str, ALWAYS] = "127.0.0.1"
    """The address to listen on; 0.0.0.0 for every network of the machine."""
    port: Annotated[int, Field(ge=0, le=65_535), ALWAYS] = 8000
    """The port to listen on; 0 takes a free one."""
    name: Annotated[str | None, ALWAYS] = None
    """The model's name in addresses; none: the folder's name."""
    provider: Annotated[Literal["cpu", "cuda", "tensorrt"], ALWAYS] = "cpu"
    """What the network runs on, where onnxruntime has it."""
    index: Annotated[Path | None, ALWAYS] = None
    """An index of this bundle's embeddings to search, as `visionft index` made it; none: POST /search is refused."""
    photos: Annotated[Path | None, ALWAYS] = None
    """The folder that the index's photos lie in now; none: where they were indexed. It goes with --index."""
    token: Annotated[str | None, ALWAYS] = None
    """What every request but /v2/health/live and /v2/health/ready must bring: Authorization: Bearer TOKEN, or the
    token as a password, which browsers ask for. The variable keeps it out of the list of processes."""
    allow_host: Annotated[tuple[str, ...], ALWAYS] = ()
    """A name under which clients may ask, as it stands in their addresses; may be repeated, * for any. None: any, and
    on an address of this machine alone its own names."""
    batch: Annotated[Count, ALWAYS] = 32
    """Most photos in one run of the network."""
    batch_ms: Annotated[float, Field(ge=0.0, le=10_000.0), ALWAYS] = 5.0
    """Most milliseconds that a photo waits for others."""
    queue: Annotated[Count, ALWAYS] = 128
    """Most photos taken in and not answered; above it the answer is 429."""
    max_bytes: Annotated[Count, ALWAYS] = 64_000_000
    """Most bytes of one request."""
    max_held_bytes: Annotated[int | None, ALWAYS] = None
    """Most bytes of all requests at work; none: four times --max-bytes."""
    max_pixels: Annotated[Count, ALWAYS] = 50_000_000
    """Most pixels of one photo."""
    max_request_pixels: Annotated[Count, ALWAYS] = 500_000_000
    """Most pixels of all photos of one request."""
    max_photo_seconds: Annotated[Seconds, ALWAYS] = 10.0
    """Most seconds for decoding a photo that is large or laborious."""
    timeout: Annotated[Seconds, ALWAYS] = 30.0
    """Most seconds from a request to its answer."""
