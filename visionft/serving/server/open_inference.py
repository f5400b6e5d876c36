"""The routes of the Open Inference Protocol, version 2."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from visionft.bundle import Answer
from visionft.bundle.names import installed_version
from visionft.errors import PhotoError
from visionft.serving.decode_cost import weigh_levels
from visionft.serving.decode_process import Parcel
from visionft.serving.fair_queue import Photo
from visionft.serving.server.http_error import RefusalError, shortened
from visionft.serving.server.infer import HEADER_LENGTH, Asked, json_bytes, read_infer, write_infer
from visionft.serving.server.json_bounds import check_length
from visionft.serving.server.request_body import Body
from visionft.serving.server.service import SHORT, Outcome, Service
from visionft.serving.server.tensors import DATATYPES, dumped

_SHORT_JSON = 262_144
"""Bytes that are parsed in a few milliseconds."""
_PARSE_SECONDS = 10.0


def routes(service: Service) -> list[Route]:
    """Return the protocol's routes over a service."""

    async def server(request: Request) -> Response:  # noqa: ARG001  # the signature of a route
        return _json(_server())

    async def live(request: Request) -> Response:  # noqa: ARG001
        return _json({"live": True})

    async def ready(request: Request) -> Response:  # noqa: ARG001
        return _ready(service)

    async def model(request: Request) -> Response:
        _require_model(service, request)
        return _json(_model(service))

    async def model_ready(request: Request) -> Response:
        _require_model(service, request)
        return _ready(service)

    async def infer(request: Request) -> Response:
        _require_model(service, request)
        return await _infer(service, request)

    found = [Route("/v2", server), Route("/v2/health/live", live), Route("/v2/health/ready", ready)]
    for place in ("/v2/models/{model}", "/v2/models/{model}/versions/{version}"):
        found += [
            Route(place, model),
            Route(f"{place}/ready", model_ready),
            Route(f"{place}/infer", infer, methods=["POST"]),
        ]
    return found


async def _infer(service: Service, request: Request) -> Response:
    body = await service.body(request)
    asked = await _read(service, request, body, request.headers.get(HEADER_LENGTH))
    adapter = service.chosen(asked.parameters.get("adapter", request.query_params.get("adapter")))
    outcomes = await service.answer(request, [_photo(image) for image in asked.images], adapter)
    answers = [_answered(outcome) for outcome in outcomes]
    content, headers = write_infer(asked, service.name, answers, service.tensors)
    return Response(content, headers=headers)


async def _read(service: Service, request: Request, body: Body, header_length: str | None) -> Asked:
    """Read a body: its JSON here where it is short, and where it is long in a process that holds nobody up."""
    length = json_bytes(body, header_length) or 0
    check_length(length)  # here, as the other process would have to be sent it first
    if length <= _SHORT_JSON:
        return read_infer(body, header_length, service.limits, service.bundle.answers.outputs)
    seconds = min(_PARSE_SECONDS, service.remaining(request))
    return await service.work(
        request, lambda: service.parser.read(body, header_length, seconds), max(len(body), SHORT + 1)
    )


def _answered(outcome: Outcome) -> Answer:
    if isinstance(outcome, PhotoError):  # of a large one, which has bounds of time and memory
        raise RefusalError(413, f"a photo of image cannot be used ({outcome.reason}): send smaller ones")
    return outcome


def _photo(image: NDArray[np.uint8]) -> Photo:
    weight = weigh_levels(image)
    return Photo(partial(np.asarray, image), weight, Parcel(image) if weight.apart else None)


def _require_model(service: Service, request: Request) -> None:
    name, version = request.path_params["model"], request.path_params.get("version", "1")
    if name != service.name:
        raise RefusalError(404, f"there is no model {shortened(name)} here: this server has {service.name}")
    if version != "1":
        raise RefusalError(404, f"{service.name} has no version {shortened(version)}: it has 1 alone")


def _ready(service: Service) -> Response:
    problem = service.problem()
    return _json({"ready": True}) if problem is None else _json({"ready": False, "error": problem}, 503)


def _server() -> dict[str, Any]:
    return {"name": "visionft", "version": installed_version(), "extensions": ["binary_tensor_data"]}


def _model(service: Service) -> dict[str, Any]:
    tensors: dict[str, list[dict[str, Any]]] = {"in": [], "out": []}
    for row in service.tensors:
        shape = [size if isinstance(size, int) else -1 for size in row.shape]
        tensors[row.direction].append({"name": row.name, "datatype": DATATYPES[row.dtype], "shape": shape})
    platform = {"name": service.name, "versions": ["1"], "platform": "onnxruntime_onnx"}
    return platform | {"inputs": tensors["in"], "outputs": tensors["out"]}


def _json(content: object, status: int = 200) -> Response:
    return Response(dumped(content), status, media_type="application/json")
