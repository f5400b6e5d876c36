"""The files of a request: the parts of a form, or the body itself."""

from __future__ import annotations

from dataclasses import dataclass, field

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from visionft.serving.server.refusing import RefusalError, shortened

BODY = "body"
"""What the one file of a request without a form is called."""


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


def read_form(content_type: str, body: bytes, most: int) -> Form:
    """Return the files of a body: of its form where the content type says so, else the body as one file.

    Other content types say nothing: curl sends a photo as `application/x-www-form-urlencoded`.

    Args:
        content_type: the header.
        body: the whole body.
        most: files that one request may bring.

    Raises:
        RefusalError: 400 for a damaged form or none, 413 for too many files.
    """
    kind, options = parse_options_header(content_type)
    if kind == b"multipart/form-data":
        form = _parsed(body, options.get(b"boundary", b""), most)
    else:
        form = Form((Upload(BODY, body),) if body else ())
    if not form.files:
        raise RefusalError(
            400, "there is no photo in the request: send files as multipart/form-data, or one photo as the whole body"
        )
    return form


def _parsed(body: bytes, boundary: bytes, most: int) -> Form:
    parts = _Parts(most)
    try:
        parser = MultipartParser(boundary, parts.callbacks())  # type: ignore[arg-type]  # its own type wants all six
        parser.write(body)
        parser.finalize()
    except (FormParserError, ValueError):
        raise _damaged() from None
    if not parts.ended:
        raise _damaged()
    return Form(tuple(parts.files), parts.fields)


def _damaged() -> RefusalError:
    return RefusalError(400, "the multipart form is damaged or cut short: send it again, with its boundary")


class _Parts:
    """What the parser found so far."""

    def __init__(self, most: int) -> None:
        self.files: list[Upload] = []
        self.fields: dict[str, str] = {}
        self.ended = False
        self._most = most
        self._headers: dict[bytes, bytes] = {}
        self._name = self._value = b""
        self._data = bytearray()

    def callbacks(self) -> dict[str, object]:
        return {
            "on_part_begin": self._begin,
            "on_header_field": self._header_name,
            "on_header_value": self._header_value,
            "on_header_end": self._header_end,
            "on_part_data": self._more,
            "on_part_end": self._end,
            "on_end": self._finish,
        }

    def _begin(self) -> None:
        self._headers, self._data = {}, bytearray()

    def _header_name(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _header_end(self) -> None:
        self._headers[self._name.lower()] = self._value
        self._name = self._value = b""

    def _more(self, data: bytes, start: int, end: int) -> None:
        self._data += data[start:end]

    def _end(self) -> None:
        _, options = parse_options_header(self._headers.get(b"content-disposition"))
        name = options.get(b"name", b"").decode("utf-8", "replace")
        if b"filename" not in options:
            self.fields[name] = bytes(self._data).decode("utf-8", "replace")
            return
        if len(self.files) == self._most:
            raise RefusalError(
                413, f"there are more than {self._most} files in the request: send at most so many at once"
            )
        given = options[b"filename"].decode("utf-8", "replace")
        self.files.append(Upload(shortened(given or name, 200), bytes(self._data)))

    def _finish(self) -> None:
        self.ended = True
