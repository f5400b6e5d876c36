"""A text and its shorter form."""

from __future__ import annotations

import pytest

from visionft.wording.told import Told, brief_of, headline

FIGURES = """test: 62 photos, 10 classes
  top-1 accuracy      83.9%  95 % interval 72.8% to 91.0%
  macro F1            81.5%"""


def test_a_text_is_itself_and_has_a_shorter_form() -> None:
    told = Told("all of it\nin two lines", "in short")
    assert (told, f"{told}", brief_of(told)) == ("all of it\nin two lines", "all of it\nin two lines", "in short")
    assert brief_of(Told("for who asks")) == ""


def test_a_plain_text_is_shown_whole() -> None:
    assert brief_of("warning: x") == "warning: x"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (FIGURES, "test: 62 photos, 10 classes; top-1 accuracy 83.9% (95 % interval 72.8% to 91.0%)"),
        ("validation: 5 photos\n  log-loss   0.7  nats\n", "validation: 5 photos; log-loss 0.7 (nats)"),
        (
            "found: 5 photos\n           by photo  by product\n"
            "  recall@1  50% (95 % interval 4% to 8%)     48% (95 % interval 1% to 9%)",
            "found: 5 photos; recall@1 50% (95 % interval 4% to 8%)",
        ),
        ("no colon\n  3 plain words", "no colon: 3 plain words"),
        ("nothing below", "nothing below"),
    ],
)
def test_a_headline_has_the_main_figure(text: str, said: str) -> None:
    assert headline(text) == said
