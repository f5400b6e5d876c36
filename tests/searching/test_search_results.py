"""What a search says: lines, JSON and a table in a notebook."""

from __future__ import annotations

import json
from pathlib import Path

from visionft.searching import Found, Hit, Matches
from visionft.searching.threshold import Threshold

HITS = (Hit("a.jpg", 0.91234, "hat", "sku 1", {"split": None, "colour": "red"}), Hit("b.jpg", 0.5, None, None))
FOUND = Found(
    Path("index"),
    (
        Matches("q.jpg", HITS, 0.91234, known=True),
        Matches("far.jpg", (), 0.2, known=False),
        Matches("bad.jpg", problem="empty file"),
        Matches("none.jpg"),
    ),
    0.4,
    Threshold(0.4, 0.125, 0.05, 8, 20),
    ("a note",),
)


def test_lines_for_people() -> None:
    assert str(FOUND).splitlines() == [
        "q.jpg",
        "  0.912  a.jpg  hat  sku 1",
        "  0.500  b.jpg",
        "far.jpg  not in the catalogue (the nearest has 0.200)",
        "bad.jpg  not read: empty file",
        "none.jpg  nothing to compare with",
        "3 photos looked up, 1 not read, 1 not in the catalogue",
        "a photo is not in the catalogue below 0.4000: of indexed photos whose product was taken out 12.5% are found "
        "all the same (8 asked), of those whose product is there 5.0% are refused (20 asked)",
        "note: a note",
    ]


def test_json_for_programs() -> None:
    told = json.loads(json.dumps(FOUND.to_json()))
    assert told["threshold"] == 0.4
    assert told["rates"]["false_accept"] == 0.125
    assert [query["known"] for query in told["queries"]] == [True, False, None, None]
    assert told["queries"][0]["hits"][0] == {
        "path": "a.jpg", "score": 0.91234, "label": "hat", "group": "sku 1", "split": None, "colour": "red",
    }  # fmt: skip


def test_it_is_a_sequence_of_answers() -> None:
    assert (len(FOUND), FOUND[0].hits, [row.photo for row in FOUND[1:3]]) == (4, HITS, ["far.jpg", "bad.jpg"])


def test_a_notebook_shows_names_as_text() -> None:
    html = Found(Path("<b>"), (Matches("<img>", (Hit("<i>", 1.0, "<u>", None),), 1.0),))._repr_html_()
    assert not any(tag in html for tag in ("<b>", "<img>", "<i>", "<u>"))
    assert "&lt;img&gt;</td><td>1.000</td><td>&lt;i&gt;" in html
