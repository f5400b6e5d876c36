"""What the templates have in common: figures in words, everything escaped, and one script that may run."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

import pytest
from jinja2 import UndefinedError

from visionft.reporting.templating import environment, flat, policy, text_of


def made(template: str, **context: Any) -> str:
    return environment().from_string(template).render(context)


@pytest.mark.parametrize(
    ("template", "value", "told"),
    [
        ("{{ x|share }}", 0.98765, "98.8%"),
        ("{{ x|share }}", 0.0, "0.0%"),
        ("{{ x|share }}", None, "-"),
        ("{{ x|ends }}", (0.5, 0.625), "50.0% to 62.5%"),
        ("{{ x|ends }}", None, ""),
        ("{{ x|value }}", None, "none"),
        ("{{ x|value }}", True, "true"),
        ("{{ x|value }}", 0.000123456, "0.0001235"),
        ("{{ x|value }}", 12345, "12,345"),
        ("{{ x|value }}", "auto", "auto"),
        ("{{ x|seconds }}", None, "-"),
        ("{{ x|seconds }}", 0, "0.0 s"),
        ("{{ x|seconds }}", 119.94, "119.9 s"),
        ("{{ x|seconds }}", 120, "2.0 min"),
        ("{{ x|seconds }}", 7199, "120.0 min"),
        ("{{ x|seconds }}", 7200, "2.0 h"),
    ],
)
def test_figures_are_told_in_words(template: str, value: Any, told: str) -> None:
    assert made(template, x=value) == told


def test_names_from_outside_are_text_and_nothing_is_missing_unseen() -> None:
    assert made("<b>{{ x }}</b>", x="<script>&'") == "<b>&lt;script&gt;&amp;&#39;</b>"
    with pytest.raises(UndefinedError, match="'y' is undefined"):
        made("{{ y }}")


def test_the_policy_lets_this_script_run_and_no_other() -> None:
    script = text_of("report.js")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert policy(script) == (
        f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-{digest}'"
    )
    assert policy(script) != policy(script + " ")
    # The digest of no bytes at all, as FIPS 180-4 has it.
    assert policy("").endswith("'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='")


def test_nested_values_have_dotted_names() -> None:
    tree = {"a": {"b": {"c": 1}, "d": [2, "x"]}, "e": None, "f": (), "g": {}}
    assert flat(tree) == {"a.b.c": 1, "a.d": "2 x", "e": None, "f": ""}
