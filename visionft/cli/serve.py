"""`visionft serve`."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Iterator
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from visionft.cli.flags import require_bounds, with_typed_settings
from visionft.cli.path_checks import PLACE
from visionft.errors import MissingExtraError, UsageError
from visionft.machine.process_state import handling_signals
from visionft.settings.serve import ServeSettings

if TYPE_CHECKING:
    from visionft.searching.live_index import LiveIndex

_NEEDED = ("starlette", "uvicorn", "httptools", "python_multipart", "prometheus_client")
_MILLI = 1e-3
_LIMITS = (
    "batch", "queue", "max_bytes", "max_pixels", "timeout", "max_request_pixels", "max_held_bytes", "max_photo_seconds",
)  # fmt: skip
"""Settings that are limits of the server under the same name."""
_SHORTEST_TOKEN = 16


@partial(with_typed_settings, root=ServeSettings, token=Parameter(env_var="VISIONFT_TOKEN"))
def serve(
    bundle: Annotated[Path, PLACE, Parameter(help="The folder of a bundle, or hf://OWNER/NAME.")],
    /,
    **flags: Any,
) -> None:
    """Serve a bundle over HTTP: photo files, the Open Inference Protocol, a page, figures. No torch."""
    settings = _checked(flags)
    if missing := [package for package in _NEEDED if find_spec(package) is None]:
        raise MissingExtraError(
            f"serve needs {', '.join(missing)}, not installed here: install it with `pip install 'visionft[serve]'`"
        )
    with _exit_on_signal():
        from visionft.serving.limits import Limits
        from visionft.serving.server.authentication import Access, allowed_hosts
        from visionft.serving.server.run_server import serve as run
        from visionft.workflows.run_or_bundle import path_of

        bundle = path_of(bundle)

        limits = Limits(
            batch_seconds=settings.batch_ms * _MILLI,
            **{name: getattr(settings, name) for name in _LIMITS},
        )
        run(
            bundle,
            host=settings.host,
            port=settings.port,
            name=settings.name,
            provider=settings.provider,
            limits=limits,
            access=Access(settings.token, allowed_hosts(settings.host, settings.allow_host)),
            say=_say,
            index=_index(bundle, settings),
        )
        _leave()


def _index(bundle: Path, settings: ServeSettings) -> LiveIndex | None:
    if settings.index is None:
        return None
    from visionft.workflows.embedders import live_index

    return live_index(settings.index, bundle, settings.photos, settings.max_pixels)


def _checked(flags: dict[str, Any]) -> ServeSettings:
    """Return the settings of a server; UsageError says what is wrong with one, or with two together."""
    require_bounds(flags, ServeSettings)
    settings = ServeSettings(**flags)
    _check_room(settings.max_held_bytes, settings.max_bytes)
    if settings.batch == 1 and settings.batch_ms not in (0.0, ServeSettings().batch_ms):
        raise UsageError(
            f"--batch-ms: {settings.batch_ms:g} has no effect, as --batch 1 lets no photo wait for others; leave it "
            "out, or give a larger --batch"
        )
    if settings.photos is not None and settings.index is None:
        raise UsageError("--photos: it says where the photos of an index are, and there is no --index; give one")
    _check_names(settings.token, settings.name, settings.allow_host)
    return settings


def _check_room(held: int | None, one: int) -> None:
    if held is not None and held < 3 * one:
        raise UsageError(
            f"--max-held-bytes: {held:,} is less than three times --max-bytes ({one:,}), so that the largest request "
            f"would have no room; give at least {3 * one}"
        )


def _check_names(token: str | None, name: str | None, hosts: tuple[str, ...]) -> None:
    if token is not None and (len(token) < _SHORTEST_TOKEN or not token.isascii() or not token.isprintable()):
        raise UsageError(
            f"--token: it has {len(token)} characters; give {_SHORTEST_TOKEN} or more of printable ASCII without "
            "spaces, such as `openssl rand -hex 16` prints"
        )
    if token is not None and " " in token:
        raise UsageError("--token: it has a space in it, which headers do not carry; give one without")
    if name is not None and (not name or "/" in name or not name.isprintable()):
        raise UsageError(f"--name: {name!a} cannot stand in an address; give a name without / and control characters")
    for host in hosts:
        if not host or "/" in host or not (host.isascii() and host.isprintable()) or " " in host:
            raise UsageError(
                f"--allow-host: {host!a} is no host's name; give one such as shop.example, without http://"
            )


def _say(line: str) -> None:
    print(line, flush=True)


@contextlib.contextmanager
def _exit_on_signal() -> Iterator[None]:
    """Let SIGTERM and SIGINT end the process at once where the server does not take them: while it starts, and at last.

    Nothing is lost then, and an exception raised from a handler inside an import, or inside a thread's end, would only
    become a traceback.
    """

    def end(number: int, frame: FrameType | None) -> None:  # noqa: ARG001  # the signature of a handler
        os._exit(128 + number)

    with handling_signals(end, (signal.SIGTERM, signal.SIGINT)):
        yield


def _leave() -> None:
    """End the process: every answer was given, and Python would wait for a thread that is still decoding."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)
