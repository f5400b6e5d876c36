"""All routes in one application: every request gets an answer, a line in the log and a place in the figures."""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Mapping

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from visionft.serving.server import access_log, classify, open_inference, pages, visual_search
from visionft.serving.server.body_budget import Held
from visionft.serving.server.http_error import RefusalError, shortened
from visionft.serving.server.service import Service
from visionft.serving.server.tensors import dumped

_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")
_NONE = "none"
"""The route of a request that has none, so that made-up paths do not become figures of their own."""


def build_app(service: Service, index: visual_search.Searched | None = None) -> ASGIApp:
    """Return the application over a service, and an index to search where there is one."""
    routes = [*open_inference.routes(service), *classify.routes(service), *visual_search.routes(service, index)]
    app = Starlette(
        routes=[*routes, *pages.routes(service, searches=index is not None)],
        exception_handlers={
            RefusalError: _refused, HTTPException: _unrouted, MemoryError: _no_memory, Exception: _failed,
        },
    )  # fmt: skip
    app.router.redirect_slashes = False
    return Watched(Guarded(app, service), service)


class Guarded:
    """Wraps the application: who may not ask is refused before anything of the request is read."""

    def __init__(self, app: ASGIApp, service: Service) -> None:
        self._app, self._service = app, service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        try:
            self._service.access.check(scope["path"], scope["headers"])
        except RefusalError as fault:
            await (await _refused(Request(scope), fault))(scope, receive, send)
        else:
            await self._app(scope, receive, send)


class Watched:
    """Wraps the application: a deadline and an id on the way in, the log and the figures on the way out."""

    def __init__(self, app: ASGIApp, service: Service) -> None:
        self._app, self._service = app, service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request; nothing that goes wrong leaves this."""
        began, status = time.monotonic(), 499
        given = next((value for name, value in scope["headers"] if name == b"x-request-id"), b"")
        number = given if _REQUEST_ID.fullmatch(given) else uuid.uuid4().hex.encode()
        held = Held(self._service.budget)
        scope["state"] = {"until": began + self._service.limits.timeout, "held": held}

        async def noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], (b"x-request-id", number)]
            await send(message)

        try:
            await self._app(scope, receive, noted)
        except Exception as fault:  # noqa: BLE001  # Starlette raises again what it has answered with 500
            access_log.print_errors("fault", fault, request=number.decode())
        finally:
            held.close()
        self._note(scope, number.decode(), status, time.monotonic() - began)

    def _note(self, scope: Scope, number: str, status: int, seconds: float) -> None:
        route, state = _route(scope), scope["state"]
        self._service.counters.request(route, status, seconds)
        access_log.say(
            "request",
            request=number,
            method=scope["method"],
            path=shortened(scope["path"], 200),
            status=status,
            ms=round(1000 * seconds, 2),
            **{name: state[name] for name in ("bytes", "photos", "problem") if name in state},
        )


def _route(scope: Scope) -> str:
    endpoint = scope.get("endpoint")  # Starlette's name for the function of the route that was found
    return _NONE if endpoint is None else str(endpoint.__name__)


async def _refused(request: Request, fault: Exception) -> Response:
    assert isinstance(fault, RefusalError)
    return _problem(request, fault.status, fault.sentence, fault.headers, fault.more)


async def _unrouted(request: Request, fault: Exception) -> Response:
    assert isinstance(fault, HTTPException)
    asked = f"{request.method} {shortened(request.url.path)}"
    if fault.status_code == 405:
        allowed = (fault.headers or {}).get("Allow", "another method")
        return _problem(request, 405, f"{asked} is not possible: use {allowed} there", fault.headers)
    return _problem(
        request,
        fault.status_code,
        f"there is no {asked} here: see / and /v2, or POST photos to /classify",
        fault.headers,
    )


async def _no_memory(request: Request, fault: Exception) -> Response:  # noqa: ARG001  # the signature of a handler
    sentence = "there is no memory for this request now: send it again in a moment, or less at once"
    return _problem(request, 503, sentence, {"retry-after": "1"})


async def _failed(request: Request, fault: Exception) -> Response:  # noqa: ARG001  # the signature of a handler
    sentence = "the server failed at this request, which is its own fault: see its log by the answer's X-Request-Id"
    return _problem(request, 500, sentence)


def _problem(
    request: Request,
    status: int,
    sentence: str,
    headers: Mapping[str, str] | None = None,
    more: Mapping[str, object] = {},
) -> Response:
    request.state.problem = sentence
    content = dumped({"error": sentence, **more})
    return Response(content, status, headers, media_type="application/json")
