"""What visionft needs of uvicorn beyond its public names: the class of an HTTP connection, to give it bounds."""

from __future__ import annotations

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

__all__ = ["HttpToolsProtocol"]
