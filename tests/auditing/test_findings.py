"""One finding, and the kinds that there are."""

from __future__ import annotations

import json

from visionft.auditing.findings import KINDS, Finding
from visionft.data.suggestions import Suggestion


def test_a_finding_goes_into_json_rounded_and_whole() -> None:
    suggestion = Suggestion("a.jpg", "drop", "", "blank", 1.0)
    finding = Finding("blank", "hardly any contrast", ("a.jpg",), 0.123456, 1 / 3, (suggestion,))
    assert json.loads(json.dumps(finding.to_json())) == {
        "kind": "blank",
        "words": "hardly any contrast",
        "photos": ["a.jpg"],
        "confidence": 0.1235,
        "figure": 0.3333,
        "suggestions": [suggestion.to_json()],
    }
    assert Finding("drift", "").to_json()["figure"] is None


def test_every_kind_is_told_and_what_makes_figures_wrong_stands_above_what_does_not() -> None:
    assert all(kind.title and kind.means for kind in KINDS.values())
    order = list(KINDS)
    assert order[0] == "unreadable"
    assert order.index("leak") < order.index("copy") < order.index("drift")
