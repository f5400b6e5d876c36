"""The page for people: names are text, and nothing but its own script and style is let in."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.bundle.making import make_adapted_bundle, make_bundle
from visionft.bundle import Bundle
from visionft.serving.server.pages import filled, policy


def service(bundle: Path, name: str = "hats") -> Any:
    return SimpleNamespace(bundle=Bundle.open(bundle), name=name)


def test_names_are_text_and_every_place_is_filled(tmp_path: Path) -> None:
    plain = filled("page.html", service(make_bundle(tmp_path / "b"), "<b>hats"))
    assert "&lt;b&gt;hats" in plain
    assert "<b>hats" not in plain
    assert "{{" not in plain
    assert "3 classes" in plain
    assert "Find a photo in the catalogue" not in plain
    assert "Find a photo in the catalogue" in filled("page.html", service(tmp_path / "b"), searches=True)


def test_adapters_are_a_list_to_choose_from(tmp_path: Path) -> None:
    page = filled("page.html", service(make_adapted_bundle(tmp_path / "b")))
    assert "<option>three</option><option>two</option>" in page
    assert "2 adapters" in page


@pytest.mark.parametrize("own", [False, True])
def test_the_policy_lets_in_what_the_page_has_by_its_digest(own: bool) -> None:
    text = "<style>p{}</style><script>let a = 1\nlet b</script><script>c</script>"
    found = dict(part.split(" ", 1) for part in policy(text, own_pictures=own).split("; "))
    digest = [base64.b64encode(hashlib.sha256(block).digest()).decode() for block in (b"let a = 1\nlet b", b"c")]
    assert found["script-src"] == " ".join(f"'sha256-{one}'" for one in digest)
    assert (found["default-src"], found["connect-src"], found["frame-ancestors"]) == ("'none'", "'self'", "'none'")
    assert found["img-src"] == ("'self' blob: data:" if own else "blob: data:")
