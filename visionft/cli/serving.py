"""`visionft serve`."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from visionft.cli.places import PLACE
from visionft.errors import MissingExtraError, UsageError

_NEEDED = ("starlette", "uvicorn", "httptools", "python_multipart", "prometheus_client")
_MILLI = 1e-3
_BATCH_MS = 5.0


def serve(
    bundle: Annotated[Path, PLACE, Parameter(help="The folder of a bundle.")],
    /,
    *,
    host: Annotated[
        str, Parameter(help="The address to listen on; 0.0.0.0 for every network of the machine.")
    ] = "127.0.0.1",
    port: Annotated[int, Parameter(help="The port to listen on; 0 takes a free one.")] = 8000,
    name: Annotated[str | None, Parameter(help="The model's name in addresses; none: the folder's name.")] = None,
    provider: Annotated[
        Literal["cpu", "cuda", "tensorrt"], Parameter(help="What the network runs on, where onnxruntime has it.")
    ] = "cpu",
    batch: Annotated[int, Parameter(help="Most photos in one run of the network.")] = 32,
    batch_ms: Annotated[float, Parameter(help="Most milliseconds that a photo waits for others.")] = _BATCH_MS,
    queue: Annotated[int, Parameter(help="Most photos taken in and not answered; above it the answer is 429.")] = 128,
    max_bytes: Annotated[int, Parameter(help="Most bytes of one request.")] = 64_000_000,
    max_pixels: Annotated[int, Parameter(help="Most pixels of one photo.")] = 50_000_000,
    timeout: Annotated[float, Parameter(help="Most seconds from a request to its answer.")] = 30.0,
) -> None:
    """Serve a bundle over HTTP: photo files, the Open Inference Protocol, a page, figures. No torch."""
    _check({"--batch": batch, "--queue": queue, "--max-bytes": max_bytes, "--max-pixels": max_pixels})
    if not 0 <= port <= 65_535:
        raise UsageError(f"--port: {port} is no port; give one from 0 to 65535")
    if not 0 <= batch_ms <= 10_000:
        raise UsageError(f"--batch-ms: {batch_ms:g} is out of range; give milliseconds from 0 to 10000")
    if not 0 < timeout <= 3600:
        raise UsageError(f"--timeout: {timeout:g} is out of range; give seconds above 0, up to 3600")
    if batch == 1 and batch_ms not in (0.0, _BATCH_MS):
        raise UsageError(
            f"--batch-ms: {batch_ms:g} has no effect, as --batch 1 lets no photo wait for others; leave it out, or "
            "give a larger --batch"
        )
    if missing := [package for package in _NEEDED if find_spec(package) is None]:
        raise MissingExtraError(
            f"serve needs {', '.join(missing)}, not installed here: install it with `pip install 'visionft[serve]'`"
        )
    from visionft.serving.limits import Limits
    from visionft.serving.server.running import serve as run

    limits = Limits(batch, batch_ms * _MILLI, queue, max_bytes, max_pixels, timeout)
    run(bundle, host=host, port=port, name=name, provider=provider, limits=limits, say=_say)


def _check(counts: dict[str, int]) -> None:
    for flag, value in counts.items():
        if value < 1:
            raise UsageError(f"{flag}: {value} is less than 1; give a whole number from 1")


def _say(line: str) -> None:
    print(line, flush=True)
