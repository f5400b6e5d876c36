"""Canary: what broke, and who needs it, where another version of uvicorn has another connection."""

from __future__ import annotations

import pytest

private = pytest.importorskip("visionft.compat.uvicorn_private")


def test_the_connection_has_the_hooks_that_bounds_hang_on() -> None:
    hooks = ("connection_made", "connection_lost", "data_received", "eof_received", "on_headers_complete", "on_body")
    missing = [name for name in hooks if not callable(getattr(private.HttpToolsProtocol, name, None))]
    assert missing == [], "uvicorn changed its HttpToolsProtocol: the server's bounds on slow clients hang on it"
