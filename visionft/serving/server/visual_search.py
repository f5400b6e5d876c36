"""`POST /search`: photo files in, the nearest photos of a catalogue out; the page for it, and the pictures on it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Protocol, TypeVar
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from visionft.errors import PhotoError, SearchIndexError, VisionftError
from visionft.serving.server.classify import taken_in, unread
from visionft.serving.server.http_error import RefusalError, shortened
from visionft.serving.server.pages import filled, policy
from visionft.serving.server.service import Service
from visionft.serving.server.tensors import dumped
from visionft.wording.did_you_mean import did_you_mean

T = TypeVar("T")
PARAMETERS = ("top", "where", "per_product", "none_below")
MOST = 1000
"""Hits for one photo that a request may ask for."""
_NO_INDEX = "this server searches no catalogue: serve it with --index INDEX, which `visionft index` makes"
_YES_NO = {"true": True, "1": True, "false": False, "0": False, "": False}
_FLAG = re.compile(r"--([a-z]+(?:-[a-z]+)*)")


class Searched(Protocol):
    """An index that photos are looked up in; safe to ask from several threads."""

    @property
    def folder(self) -> Path:
        """Where it is."""
        ...

    @property
    def adapter(self) -> str | None:
        """The adapter whose embeddings it holds."""
        ...

    def find(self, names: Sequence[str], embeddings: Sequence[Any], **wanted: Any) -> dict[str, Any]:
        """Return what is near photos, as plain values, with a row a photo under `queries`."""
        ...

    def about(self) -> dict[str, Any]:
        """Return how many `photos` there are, `columns`, whether it has `products`, and its `threshold`."""
        ...

    def picture(self, path: str) -> bytes | None:
        """Return a small JPEG of an indexed photo; None: no photo has this path."""
        ...


def routes(service: Service, index: Searched | None) -> list[Route]:
    """Return the routes over a service and an index."""
    text = filled("search.html", service)
    headers = {"content-security-policy": policy(text, own_pictures=True), "x-content-type-options": "nosniff"}

    async def search(request: Request) -> Response:
        return await _search(service, _there(index), request)

    async def search_page(request: Request) -> Response:  # noqa: ARG001  # the signature of a route
        _there(index)
        return Response(text, media_type="text/html; charset=utf-8", headers=headers)

    async def search_index(request: Request) -> Response:
        found = await service.look_up(request, partial(_told, _there(index), _there(index).about))
        return Response(dumped(found), media_type="application/json")

    async def search_picture(request: Request) -> Response:
        return await _picture(service, _there(index), request)

    return [
        Route("/search", search, methods=["POST"]),
        Route("/search", search_page),
        Route("/search/index", search_index),
        Route("/search/picture", search_picture),
    ]


def _there(index: Searched | None) -> Searched:
    if index is None:
        raise RefusalError(404, _NO_INDEX)
    return index


async def _search(service: Service, index: Searched, request: Request) -> Response:
    form, sources = await taken_in(service, request)
    wanted = _wanted({**form.fields, **request.query_params})
    outcomes = await service.answer(request, sources, index.adapter)
    names = [file.name for file in form.files]
    embeddings = [
        unread(name, outcome) if isinstance(outcome, PhotoError) else outcome.embedding
        for name, outcome in zip(names, outcomes, strict=True)
    ]
    if all(isinstance(each, str) for each in embeddings):
        raise RefusalError(400, str(embeddings[0]))
    found = await service.look_up(request, partial(_found, index, service.name, names, embeddings, wanted))
    return Response(found, media_type="application/json")


def _found(
    index: Searched, model: str, names: Sequence[str], embeddings: Sequence[Any], wanted: dict[str, Any]
) -> bytes:
    """Return the answer in JSON: with many hits it takes long enough to be made in a thread."""
    found = _told(index, partial(index.find, names, embeddings, **wanted))
    for row in found["queries"]:
        row["file"] = row.pop("photo")
        for hit in row["hits"]:
            hit["picture"] = f"search/picture?path={quote(hit['path'], safe='')}"
    return dumped({"model": model, **found})


def _told(index: Searched, step: Callable[[], T]) -> T:
    """Take a step of the index; what is said of a failure names flags, which are parameters here, and no place."""
    try:
        return step()
    except PhotoError:
        raise
    except VisionftError as fault:
        sentence = str(fault).replace(str(index.folder), index.folder.name)
        lost = isinstance(fault, SearchIndexError) and "--none-below" not in sentence
        raise RefusalError(503 if lost else 400, _FLAG.sub(lambda flag: flag[1].replace("-", "_"), sentence)) from None


async def _picture(service: Service, index: Searched, request: Request) -> Response:
    path = request.query_params.get("path", "")
    try:
        small = await service.look_up(request, partial(_told, index, partial(index.picture, path)))
    except PhotoError as fault:
        raise RefusalError(404, f"the photo {shortened(path)} cannot be shown: {fault.reason}") from None
    if small is None:
        raise RefusalError(404, f"there is no photo {shortened(path)} in the index: take the paths that /search gives")
    headers = {"cache-control": "private, max-age=300", "x-content-type-options": "nosniff"}
    return Response(small, media_type="image/jpeg", headers=headers)


def _wanted(given: Mapping[str, str]) -> dict[str, Any]:
    """Return what a request wants of each photo.

    Raises:
        RefusalError: 400 for a parameter that is unknown or has no meaning.
    """
    if strange := [name for name in given if name not in PARAMETERS]:
        mend = did_you_mean(strange[0], PARAMETERS) or f": it has {', '.join(PARAMETERS)}"
        raise RefusalError(400, f"a search has no parameter {shortened(strange[0])}{mend}")
    return {
        "top": _top(given.get("top", "10")),
        "where": given.get("where") or None,
        "per_product": _yes_no(given.get("per_product", "")),
        "none_below": _cosine(given.get("none_below", "")),
    }


def _top(text: str) -> int:
    if not (text.isascii() and text.isdecimal()) or not 1 <= int(text[:9]) <= MOST:
        raise RefusalError(400, f"top is {shortened(text)}: give the number of hits for each photo, from 1 to {MOST}")
    return int(text[:9])


def _yes_no(text: str) -> bool:
    if text.lower() not in _YES_NO:
        raise RefusalError(400, f"per_product is {shortened(text)}: give true or false")
    return _YES_NO[text.lower()]


def _cosine(text: str) -> float | str | None:
    if text in ("", "auto"):
        return text or None
    try:
        value = float(text[:30])
    except ValueError:
        value = 2.0
    if not -1 <= value <= 1:
        raise RefusalError(400, f"none_below is {shortened(text)}: give a cosine from -1 to 1, or auto")
    return value
