"""Bodies of the Open Inference Protocol's `infer`: what a client asks, and what it gets."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, Field, JsonValue, ValidationError

from visionft.bundle import Answer
from visionft.bundle import names as n
from visionft.bundle.schema import TensorRecord
from visionft.serving.limits import Limits
from visionft.serving.server.http_error import RefusalError, shortened
from visionft.serving.server.json_bounds import check_json
from visionft.serving.server.request_body import Body
from visionft.serving.server.tensors import DATATYPES, check_shape, dumped, encoded, image_from, image_of

HEADER_LENGTH = "inference-header-content-length"
"""The header of the binary extension: bytes of JSON at the body's start."""
_LENGTH_DIGITS = 18

Word = Annotated[str, Field(max_length=1000)]
Parameters = Annotated[dict[Word, JsonValue], Field(max_length=64)]


class InputTensor(BaseModel):
    """One input as the JSON has it."""

    name: Word
    datatype: Word
    shape: Annotated[list[int], Field(max_length=8)]
    parameters: Parameters = {}
    data: Any = None


class OutputWish(BaseModel):
    """One output that a client wants."""

    name: Word
    parameters: Parameters = {}


class InferBody(BaseModel):
    """The whole JSON."""

    id: Word | None = None
    parameters: Parameters = {}
    inputs: Annotated[list[InputTensor], Field(max_length=8)]
    outputs: Annotated[list[OutputWish], Field(max_length=64)] = []


@dataclass(frozen=True)
class Asked:
    """What one request asks.

    Attributes:
        id: the client's own name for the request.
        images: (N, H, W, 3) uint8 RGB.
        outputs: (name, whether as bytes), in the order of the answer.
        parameters: of the request.
    """

    id: str | None
    images: NDArray[np.uint8]
    outputs: tuple[tuple[str, bool], ...]
    parameters: dict[str, JsonValue]


def read_infer(body: Body, header_length: str | None, limits: Limits, outputs: Sequence[str] = n.OUTPUTS) -> Asked:
    """Read a request's body; RefusalError with 400 or 413 for whatever is wrong with it.

    Args:
        body: of the request.
        header_length: bytes of JSON at its start, as the header says it.
        limits: what is refused.
        outputs: names of the model's outputs.
    """
    text, rest = _cut(body, header_length)
    asked = _validated(text)
    if [tensor.name for tensor in asked.inputs] != [n.IMAGE]:
        given = ", ".join(shortened(tensor.name) for tensor in asked.inputs[:5]) or "none"
        raise RefusalError(
            400, f"the model has one input, {n.IMAGE}, and the request has {given}: send {n.IMAGE} alone"
        )
    image = _image(asked.inputs[0], rest, limits)
    return Asked(asked.id, image, _outputs(asked, outputs), asked.parameters)


def write_infer(
    asked: Asked, model: str, answers: Sequence[Answer], table: Sequence[TensorRecord]
) -> tuple[bytes, dict[str, str]]:
    """Return the body and the headers of the answer.

    Args:
        asked: the request.
        model: the model's name.
        answers: one for each photo.
        table: the server's tensors.
    """
    dtypes = {row.name: row.dtype for row in table}
    nodes, buffers = [], []
    for name, binary in asked.outputs:
        node, raw = encoded(name, dtypes[name], [getattr(answer, name) for answer in answers], binary)
        nodes.append(node)
        buffers.append(raw)
    content: dict[str, Any] = {"model_name": model, "model_version": "1", "outputs": nodes}
    text = dumped(content if asked.id is None else {**content, "id": asked.id})
    if not any(binary for _, binary in asked.outputs):
        return text, {"content-type": "application/json"}
    return b"".join([text, *buffers]), {"content-type": "application/octet-stream", HEADER_LENGTH: str(len(text))}


def json_bytes(body: Body, header_length: str | None) -> int | None:
    """Return how many bytes of a body are JSON by its header; None if the header cannot be right."""
    if header_length is None:
        return len(body)
    sound = header_length.isascii() and header_length.isdecimal() and len(header_length) <= _LENGTH_DIGITS
    return int(header_length) if sound and int(header_length) <= len(body) else None


def _cut(body: Body, header_length: str | None) -> tuple[memoryview, memoryview]:
    whole, length = memoryview(body), json_bytes(body, header_length)
    if length is None:
        raise RefusalError(
            400,
            f"Inference-Header-Content-Length is {shortened(header_length or '')} and the body has {len(body):,} "
            "bytes: give the length of the JSON at its start",
        )
    return whole[:length], whole[length:]


def _validated(view: memoryview) -> InferBody:
    text = check_json(view)
    try:
        return InferBody.model_validate(json.loads(text))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "the body"
        raise RefusalError(
            400, f"the request does not follow the protocol ({shortened(where)}: {first['msg']}): see /v2/models"
        ) from None
    except (ValueError, RecursionError):
        raise RefusalError(
            400, "the body is not JSON: send the Open Inference Protocol's request, its JSON first"
        ) from None


def _image(tensor: InputTensor, rest: memoryview, limits: Limits) -> NDArray[np.uint8]:
    wanted = DATATYPES["uint8"]
    if tensor.datatype != wanted:
        raise RefusalError(400, f"{n.IMAGE} has the datatype {shortened(tensor.datatype)}: send {wanted}")
    check_shape(tensor.shape, limits)
    size = tensor.parameters.get("binary_data_size")
    if size is None:
        if len(rest):
            raise RefusalError(
                400, f"{len(rest):,} bytes follow the JSON and no input claims them: give it binary_data_size"
            )
        return image_of(tensor.shape, tensor.data)
    if tensor.data is not None:
        raise RefusalError(400, f"{n.IMAGE} has both data and binary_data_size: send one of them")
    if isinstance(size, bool) or not isinstance(size, int) or size != len(rest):
        raise RefusalError(
            400,
            f"binary_data_size is {shortened(size)} and {len(rest):,} bytes follow the JSON: "
            "give their number, and the JSON's under Inference-Header-Content-Length",
        )
    return image_from(tensor.shape, rest)


def _outputs(asked: InferBody, known: Sequence[str]) -> tuple[tuple[str, bool], ...]:
    usual = asked.parameters.get("binary_data_output") is True
    wishes = asked.outputs or [OutputWish(name=name) for name in known]
    seen: set[str] = set()
    for wish in wishes:
        if wish.name not in known or wish.name in seen:
            what = "is asked for twice" if wish.name in seen else "is no output of the model"
            raise RefusalError(400, f"{shortened(wish.name)} {what}: ask for {', '.join(known)}, each once")
        if "classification" in wish.parameters or "shared_memory_region" in wish.parameters:
            raise RefusalError(
                400, f"{wish.name} is answered as a plain tensor alone: leave classification and shared memory out"
            )
        seen.add(wish.name)
    return tuple((wish.name, wish.parameters.get("binary_data", usual) is True) for wish in wishes)
