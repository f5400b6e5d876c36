"""`POST /classify`: photo files in, class names out."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from visionft import photos
from visionft.errors import PhotoError, UsageError
from visionft.serving.decode_cost import NOTHING, Weight, weigh
from visionft.serving.decode_process import Parcel
from visionft.serving.fair_queue import Photo
from visionft.serving.server.http_error import RefusalError, shortened
from visionft.serving.server.multipart import Form, Upload, read_form
from visionft.serving.server.request_body import Body
from visionft.serving.server.service import Outcome, Service
from visionft.serving.server.tensors import check_pixels, dumped
from visionft.tasks.registry import require


def routes(service: Service) -> list[Route]:
    """Return the one route over a service."""

    async def classify(request: Request) -> Response:
        return await _classify(service, request)

    return [Route("/classify", classify, methods=["POST"])]


async def _classify(service: Service, request: Request) -> Response:
    form, sources = await taken_in(service, request)
    given = {**form.fields, **request.query_params}
    top = _top(given.get("top", "1"))
    adapter = service.chosen(given.get("adapter"))
    group = _group(service, given.get("group", "0"))
    outcomes = await service.answer(request, sources, adapter)
    rows = _rows(service, service.classes[adapter], form.files, outcomes, top)
    if all(isinstance(outcome, PhotoError) for outcome in outcomes):
        raise RefusalError(400, rows[0]["problem"], more={"model": service.name, "answers": rows})
    product = {"product": _product(service, adapter, outcomes, top)} if group else {}
    return Response(dumped({"model": service.name, **product, "answers": rows}), media_type="application/json")


def _group(service: Service, given: str) -> bool:
    """Tell whether the files of a request are photos of one product, which gets one answer beside theirs."""
    if given not in ("0", "1"):
        raise RefusalError(
            400, f"group is {shortened(given)}: give 1 where all files show one product, or leave it out"
        )
    if given == "1":
        try:
            require(service.bundle.record.task, "products", "group=1", "leave it out")
        except UsageError as fault:
            raise RefusalError(400, str(fault)) from None
    return given == "1"


def _product(service: Service, adapter: str | None, outcomes: Sequence[Outcome], top: int) -> dict[str, Any]:
    """Return the one answer of all files that could be read, with their number and that of the others."""
    record, names, table = service.bundle.chosen(adapter).record, service.classes[adapter], service.bundle.answers
    read = [outcome for outcome in outcomes if not isinstance(outcome, PhotoError)]
    together = table.together(read, names, table.reading(record))
    return {"photos": len(read), "unread": len(outcomes) - len(read), **table.plain(together, names, top)}


async def taken_in(service: Service, request: Request) -> tuple[Form, list[Photo]]:
    """Read the files, and weigh them by their headers; what they cost together is refused before any is decoded."""
    body, kind = await service.body(request), request.headers.get("content-type", "")
    copied = len(body) if kind.lstrip().lower().startswith("multipart/") else 0
    request.state.held.take(copied)
    step = partial(_weighed, kind, body, service.limits.queue)
    form, weights = await service.work(request, step, len(body))
    request.state.held.give_back(copied)
    most = service.limits.max_pixels
    check_pixels(sum(weight.pixels for weight in weights if weight.pixels <= most), service.limits)
    return form, [_photo(file.data, weight, most) for file, weight in zip(form.files, weights, strict=True)]


def _weighed(kind: str, body: Body, most: int) -> tuple[Form, list[Weight]]:
    form = read_form(kind, body, most)
    if isinstance(body, bytearray):
        body.clear()  # the files are copies of it
    return form, [weigh(file.data) for file in form.files]


def _photo(data: bytes, weight: Weight, most: int) -> Photo:
    if weight.pixels > most:
        weight = NOTHING
    source = partial(photos.decode, data, max_pixels=most)
    return Photo(source, weight, Parcel(data) if weight.apart else None)


def _top(given: str) -> int:
    if not (given.isascii() and given.isdecimal()) or int(given[:9]) < 1:
        raise RefusalError(400, f"top is {shortened(given)}: give the number of labels for each photo, from 1 up")
    return int(given[:9])


def _rows(
    service: Service, classes: tuple[str, ...], files: Sequence[Upload], outcomes: Sequence[Outcome], top: int
) -> list[dict[str, Any]]:
    answers = service.bundle.answers
    return [
        {"file": file.name, "problem": unread(file.name, outcome)}
        if isinstance(outcome, PhotoError)
        else {"file": file.name, **answers.plain(outcome, classes, top)}
        for file, outcome in zip(files, outcomes, strict=True)
    ]


def unread(name: str, fault: PhotoError) -> str:
    """Say why a file has no answer."""
    return f"{name} cannot be used as a photo: {fault.reason}; send another file"
