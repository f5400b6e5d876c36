"""The page for people, and the figures for Prometheus."""

from __future__ import annotations

import base64
import hashlib
import re
from html import escape
from importlib.resources import files

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from visionft.serving.server.service import Service


def routes(service: Service, *, searches: bool = False) -> list[Route]:
    """Return `/` and `/metrics` over a service; `searches`: whether there is a page for that, too."""
    text = filled("page.html", service, searches=searches)
    headers = {"content-security-policy": policy(text), "x-content-type-options": "nosniff"}

    async def page(request: Request) -> Response:  # noqa: ARG001  # the signature of a route
        return Response(text, media_type="text/html; charset=utf-8", headers=headers)

    async def metrics(request: Request) -> Response:  # noqa: ARG001
        return Response(service.counters.text(), headers={"content-type": service.counters.content_type})

    return [Route("/", page), Route("/metrics", metrics)]


def filled(name: str, service: Service, *, searches: bool = False) -> str:
    """Return a page of this folder with what is served written into it."""
    record = service.bundle.record
    text = files("visionft.serving.server").joinpath(name).read_text(encoding="utf-8")
    adapters = f"{len(record.adapters):,} adapters"
    classes = adapters if record.adapters else service.bundle.answers.subject(len(record.classes))
    way = '<p><a href="search">Find a photo in the catalogue</a></p>' if searches else ""
    facts = {"SEARCH": way, "NAME": escape(service.name), "BACKBONE": escape(record.backbone), "CLASSES": classes}
    return re.sub(r"\{\{(\w+)\}\}", lambda found: (facts | {"ADAPTERS": _choice(service)})[found[1]], text)


def _choice(service: Service) -> str:
    """Return a list to choose an adapter from, where there are some."""
    if not (adapters := service.bundle.adapters):
        return ""
    options = "".join(f"<option>{escape(name)}</option>" for name in adapters)
    return f'<p><label>Answer by <select id="adapter">{options}</select></label></p>'


def policy(text: str, *, own_pictures: bool = False) -> str:
    """Return the policy that lets this page's own script and style run, its photo show, and nothing else load.

    Args:
        text: the page.
        own_pictures: whether it shows pictures of this server too.
    """
    own = {kind: _digests(text, kind) for kind in ("script", "style")}
    pictures = "'self' blob: data:" if own_pictures else "blob: data:"
    return (
        f"default-src 'none'; script-src {own['script']}; style-src {own['style']}; connect-src 'self'; "
        f"img-src {pictures}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


def _digests(text: str, tag: str) -> str:
    blocks = re.findall(rf"<{tag}>(.*?)</{tag}>", text, re.DOTALL)
    return " ".join(
        f"'sha256-{base64.b64encode(hashlib.sha256(block.encode()).digest()).decode()}'" for block in blocks
    )
