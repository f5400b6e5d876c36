"""Who may ask: a token, and the names under which a browser may know this server."""

from __future__ import annotations

import base64
import binascii
import hmac
import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass

from visionft.serving.server.http_error import RefusalError, shortened

OPEN = ("/v2/health/live", "/v2/health/ready")
"""Answered to everybody: whoever watches a process knows neither its token nor its names, and learns one bit."""
ANY_HOST = "*"
_HEADER = b"authorization"

Headers = Iterable[tuple[bytes, bytes]]


@dataclass(frozen=True)
class Access:
    """The rules of one server.

    Attributes:
        token: what a request must bring; None: nothing.
        hosts: lower-case names that the Host header may have; None: any. Where it is set, names of this machine alone
            (localhost, 127.0.0.1, [::1]) are allowed too. It keeps web pages from asking through a name of their own
            that they let point here.
    """

    token: str | None = None
    hosts: frozenset[str] | None = None

    def check(self, path: str, headers: Headers) -> None:
        """Raise RefusalError, with 401 without the token and 403 for a strange host."""
        if path in OPEN:
            return
        given = list(headers)
        for value in (value for name, value in given if name == b"host"):
            self._check_host(value.decode("latin-1"))
        if self.token is not None and not any(_holds(value, self.token) for name, value in given if name == _HEADER):
            raise RefusalError(
                401,
                "this server answers with its token alone: send the header `Authorization: Bearer TOKEN`, "
                "or the token as the password of any user",
                {"www-authenticate": 'Basic realm="visionft", charset="UTF-8"'},
            )

    def _check_host(self, given: str) -> None:
        host = _without_port(given.strip().lower())
        if self.hosts is None or host in self.hosts or is_loopback(host):
            return
        raise RefusalError(
            403,
            f"this server does not answer under the name {shortened(host)}: ask by its own address, "
            "or serve with --allow-host and that name",
        )


def is_loopback(host: str) -> bool:
    """Return whether a name or an address means this machine alone."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def allowed_hosts(bound: str, named: Iterable[str]) -> frozenset[str] | None:
    """Return the names that a server answers under; None for all.

    Args:
        bound: the address that it listens on.
        named: what --allow-host gave.
    """
    names = frozenset(name.lower() for name in named)
    if ANY_HOST in names or not (names or is_loopback(bound)):
        return None
    return names | {bound.lower()}


def _holds(value: bytes, token: str) -> bool:
    """Return whether a header brings the token, in a time that says nothing about how much of it is right."""
    scheme, _, rest = value.strip().partition(b" ")
    if scheme.lower() == b"basic":
        try:
            rest = base64.b64decode(rest.strip(), validate=True).partition(b":")[2]
        except (binascii.Error, ValueError):
            return False
    elif scheme.lower() != b"bearer":
        return False
    return hmac.compare_digest(rest.strip(), token.encode())


def _without_port(host: str) -> str:
    """Return the name of a Host header, without the port that may follow it."""
    name, colon, port = host.rpartition(":")
    return name if colon and port.isdecimal() and (":" not in name or name.endswith("]")) else host
