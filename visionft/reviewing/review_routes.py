"""The page and what it asks for, below an address that holds a token: whoever does not know it learns nothing."""

from __future__ import annotations

import hmac
import json
from collections.abc import Callable
from importlib.resources import files
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from visionft.errors import PhotoError, VisionftError
from visionft.reviewing.answer_file import NothingToUndoError
from visionft.reviewing.review_state import STATES, Review
from visionft.reviewing.thumbnails import SIDES, thumbnail
from visionft.serving.server.authentication import Access, allowed_hosts
from visionft.serving.server.http_error import RefusalError, shortened

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""What the page may load: its own script, style and photos, and nothing from anywhere else."""
_HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}
_FILES = {"": "text/html", "review.css": "text/css", "review.js": "text/javascript"}
MOST_BYTES = 16_384
"""Of the body of an answer."""
Asked = dict[str, Any]


def build_app(review: Review, token: str, host: str = "127.0.0.1") -> ASGIApp:
    """Return the application of one review.

    Args:
        review: what is reviewed.
        token: the first part of every path that is answered.
        host: the address that it listens on; requests under other names are refused.
    """
    routes = [Route(f"/{{token}}/{name}", _file(name, kind)) for name, kind in _FILES.items()]
    routes += [
        Route("/{token}/overview", _json(lambda _: review.overview())),
        Route("/{token}/cards", _json(lambda asked: _cards(review, asked))),
        Route("/{token}/card/{number:int}", _json(lambda asked: review.shown(review.card(asked["number"])))),
        Route("/{token}/changes", _json(lambda asked: review.changes(_whole(asked.get("since", 0))))),
        Route("/{token}/photo/{number:int}/{size}", _photo(review)),
        Route("/{token}/answer", _json(lambda asked: _answer(review, asked)), methods=["POST"]),
        Route("/{token}/undo", _json(lambda asked: _undo(review, asked)), methods=["POST"]),
    ]
    app = Starlette(routes=routes, exception_handlers={HTTPException: _unrouted})
    app.router.redirect_slashes = False
    return Guarded(app, token, host)


class Guarded:
    """Wraps the application: who does not know the token, or asks under a strange name, is refused."""

    def __init__(self, app: ASGIApp, token: str, host: str) -> None:
        self._app, self._token = app, token.encode()
        self._access = Access(None, allowed_hosts(host, ()))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        try:
            self._access.check(scope["path"], scope["headers"])
            first = scope["path"].removeprefix("/").partition("/")[0]
            if not hmac.compare_digest(first.encode("utf-8", "surrogateescape"), self._token):
                raise RefusalError(403, "open the address that `visionft review` printed: it holds a token")
            await self._app(scope, receive, send)
        except RefusalError as fault:
            await _problem(fault.status, fault.sentence)(scope, receive, send)


def _file(name: str, kind: str) -> Callable[[Request], Response]:
    content = (files("visionft.reviewing") / "templates" / (name or "review.html")).read_bytes()

    def endpoint(request: Request) -> Response:  # noqa: ARG001  # the signature of a route
        return Response(content, media_type=kind, headers=_HEADERS)

    return endpoint


def _json(work: Callable[[Asked], Asked]) -> Callable[[Request], Any]:
    """Return an endpoint that answers with what a function makes of the query, the path or the body."""

    async def endpoint(request: Request) -> Response:
        try:
            in_address = {**request.query_params, **request.path_params}
            asked = await _body(request) if request.method == "POST" else in_address
            return _answered(await run_in_threadpool(work, asked))
        except NothingToUndoError as error:
            return _problem(410, str(error))
        except VisionftError as error:
            return _problem(422, str(error))
        except RefusalError as fault:
            return _problem(fault.status, fault.sentence)

    return endpoint


async def _body(request: Request) -> Asked:
    if request.headers.get("content-type", "").partition(";")[0] != "application/json":
        raise RefusalError(415, "an answer is JSON: send it as application/json")
    data = b""
    async for part in request.stream():
        data += part
        if len(data) > MOST_BYTES:
            raise RefusalError(413, f"an answer has at most {MOST_BYTES:,} bytes")
    try:
        found = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise RefusalError(400, "the body is no JSON that can be read") from error
    if not isinstance(found, dict):
        raise RefusalError(400, "the body is no JSON object")
    return found


def _cards(review: Review, asked: Asked) -> Asked:
    state = str(asked.get("state", "all"))
    if state not in STATES:
        raise RefusalError(400, f"there is no state {shortened(state)}; give one of {', '.join(STATES)}")
    start, most = _whole(asked.get("start", 0)), _whole(asked.get("most", 60))
    return review.page(
        str(asked.get("kind", "")), str(asked.get("label", "")), state, start, most, back=asked.get("back") == "1"
    )


def _answer(review: Review, asked: Asked) -> Asked:
    value, who = (str(asked.get(name) or "") for name in ("value", "who"))
    return review.answer(_whole(asked.get("number")), str(asked.get("action")), value, who[:100])


def _undo(review: Review, asked: Asked) -> Asked:
    number = asked.get("number")
    who = str(asked.get("who") or "")[:100]
    return review.undo(None if number is None else _whole(number), str(asked.get("when") or ""), who)


def _photo(review: Review) -> Callable[[Request], Response]:
    def endpoint(request: Request) -> Response:
        number, size = request.path_params["number"], request.path_params["size"]
        if size not in SIDES:
            return _problem(404, f"there is no size {shortened(size)}; give one of {', '.join(SIDES)}")
        try:
            content = thumbnail(review.root / review.card(number).path, size, review.max_pixels)
        except PhotoError as error:
            return _problem(404, error.reason)
        except VisionftError as error:
            return _problem(404, str(error))
        return Response(content, media_type="image/jpeg", headers={**_HEADERS, "cache-control": "private, max-age=600"})

    return endpoint


async def _unrouted(request: Request, fault: Exception) -> Response:
    assert isinstance(fault, HTTPException)
    return _problem(fault.status_code, f"there is no {request.method} of this address here")


def _whole(value: object) -> int:
    try:
        return int(str(value))
    except ValueError as error:
        raise RefusalError(400, f"{shortened(value)} is no whole number") from error


def _answered(content: Asked) -> Response:
    return Response(json.dumps(content, ensure_ascii=False), media_type="application/json", headers=_HEADERS)


def _problem(status: int, sentence: str) -> Response:
    content = json.dumps({"error": sentence}, ensure_ascii=False)
    return Response(content, status, media_type="application/json", headers=_HEADERS)
