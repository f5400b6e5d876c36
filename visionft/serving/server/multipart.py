"""The files of a request: the parts of a form, or the body itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from python_multipart.multipart import parse_options_header

from visionft.serving.server.http_error import RefusalError, shortened
from visionft.serving.server.request_body import Body

BODY = "body"
"""What the one file of a request without a form is called."""
MOST_FIELDS = 64
"""Plain fields in a form."""
_STRETCH = 131_072
"""Bytes that are searched at a time: a search holds every other thread, 30 ms where it goes through 60 MB."""
_MOST_BOUNDARY, _MOST_PADDING, _MOST_HEAD, _MOST_VALUE = 200, 100, 8192, 8192


@dataclass(frozen=True)
class Upload:
    """One file: what its sender called it, and its bytes."""

    name: str
    data: bytes


@dataclass(frozen=True)
class Form:
    """Files and plain fields, in the order of the body."""

    files: tuple[Upload, ...]
    fields: dict[str, str] = field(default_factory=dict)


def read_form(content_type: str, body: Body, most: int) -> Form:
    """Return the files of a body: of its form where the content type says so, else the body as one file.

    Other content types say nothing: curl sends a photo as `application/x-www-form-urlencoded`.

    Args:
        content_type: the header.
        body: the whole body.
        most: files that one request may bring.

    Raises:
        RefusalError: 400 for a damaged form or none, 413 for too many files or fields.
    """
    kind, options = parse_options_header(content_type)
    if kind == b"multipart/form-data":
        form = _parsed(body, options.get(b"boundary", b""), most)
    else:
        form = Form((Upload(BODY, bytes(body)),) if body else ())
    if not form.files:
        raise RefusalError(
            400, "there is no photo in the request: send files as multipart/form-data, or one photo as the whole body"
        )
    return form


def _parsed(body: Body, boundary: bytes, most: int) -> Form:
    mark = b"\r\n--" + boundary
    if not 1 <= len(boundary) <= _MOST_BOUNDARY:
        raise _damaged()
    files: list[Upload] = []
    fields: dict[str, str] = {}
    for start, end in _spans(body, mark, most + MOST_FIELDS):
        name, given, begin = _head(body, start, end)
        if given is None:
            fields[name] = _value(body, begin, end)
        elif len(files) == most:
            raise RefusalError(413, f"there are more than {most} files in the request: send at most so many at once")
        else:
            files.append(Upload(shortened(given or name, 200), _copy(body, begin, end)))
    if len(fields) > MOST_FIELDS:
        raise RefusalError(413, f"the form has {len(fields):,} fields and {MOST_FIELDS} are allowed: send fewer")
    return Form(tuple(files), fields)


def _spans(body: Body, mark: bytes, most: int) -> Iterator[tuple[int, int]]:
    """Yield where each part begins and ends; every step is a search by bytes, as a parser in Python would take minutes.

    Raises:
        RefusalError: 400 if the form does not begin or end as one, 413 for more parts than `most`.
    """
    at, start = (-2 if body.startswith(mark[2:]) else _find(body, mark, 0)), None
    for _ in range(most + 1):
        if at == -1:
            raise _damaged()
        after = at + len(mark)
        line = body[after : after + _MOST_PADDING]
        padding = len(line) - len(line.lstrip(b" \t"))
        last, whole = line.startswith(b"--"), line[padding : padding + 2] == b"\r\n"
        if start is not None and (last or whole):
            yield start, at
        if last:
            return
        if whole:
            start = after + padding + 2
        at = _find(body, mark, after + padding)
    raise RefusalError(413, f"the form has more than {most} parts: send at most {most - MOST_FIELDS} files at once")


def _head(body: Body, start: int, end: int) -> tuple[str, str | None, int]:
    """Return a part's name, what its sender called the file (None: it is a field), and where its content begins."""
    if body.startswith(b"\r\n", start):
        return "", None, min(start + 2, end)
    stop = body.find(b"\r\n\r\n", start, min(end, start + _MOST_HEAD))
    if stop < 0:
        raise _damaged()
    lines = [line.partition(b":") for line in _copy(body, start, stop).split(b"\r\n")]
    given = next((value for name, _, value in lines if name.strip().lower() == b"content-disposition"), b"")
    _, options = parse_options_header(given.strip())
    file = options.get(b"filename")
    return _text(options.get(b"name", b"")), None if file is None else _text(file), stop + 4


def _value(body: Body, start: int, end: int) -> str:
    if end - start > _MOST_VALUE:
        raise RefusalError(413, f"a field of the form has {end - start:,} bytes and {_MOST_VALUE:,} are allowed")
    return _text(_copy(body, start, end))


def _copy(body: Body, start: int, end: int) -> bytes:
    return bytes(memoryview(body)[start:end])


def _find(body: Body, mark: bytes, start: int) -> int:
    """Return where a mark comes next, or -1."""
    found = (body.find(mark, at, at + _STRETCH + len(mark) - 1) for at in range(start, len(body), _STRETCH))
    return next((at for at in found if at != -1), -1)


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")


def _damaged() -> RefusalError:
    return RefusalError(400, "the multipart form is damaged or cut short: send it again, with its boundary")
