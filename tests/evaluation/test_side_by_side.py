"""Answers brought together by photo: what is compared, what is left out, and what is said."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from visionft.errors import DataError
from visionft.evaluation import Answered, SideBySide, side_by_side

CLASSES = ("bag", "hat")


def answers(name: str, label: str, digests: str, truth: str | None = None, known: str = "") -> Answered:
    """Return answers to photos that are named by a letter each; b is a bag and h a hat."""
    names = {"b": "bag", "h": "hat", "s": "sock"}
    true = [names[sign] for sign in truth or "bbbhhh"[: len(digests)]]
    said = [names[sign] for sign in label]
    table = pa.table(
        {
            "path": [f"{digest}.jpg" for digest in digests],
            "truth": true,
            "label": said,
            "probability": [0.5 + 0.05 * place for place in range(len(digests))],
            "truth_probability": [0.8 if one == other else 0.1 for one, other in zip(true, said, strict=True)],
        }
    )
    trained = np.array([digest in known for digest in digests])
    return Answered(Path(name), False, CLASSES, list(digests), table, trained)


def compared(*answered: Answered) -> SideBySide:
    return side_by_side(answered, "test", Path("photos"))


def test_photos_meet_by_their_bytes_in_any_order() -> None:
    found = compared(answers("one", "bbbhhb", "uvwxyz"), answers("two", "bhhhbb", "zyxwvu", truth="hhhbbb"))
    assert (found.paths[0], len(found.paths)) == ("u.jpg", 6)
    assert found.top1 == (pytest.approx(5 / 6), pytest.approx(4 / 6))
    (pair,) = found.pairs
    assert (pair.lost, pair.gained) == (1, 0)
    assert found.notes == ()
    assert [found.paths[place] for place in found.apart(0, 1)] == ["w.jpg"]
    assert found.log_loss[0] == pytest.approx(-(5 * np.log(0.8) + np.log(0.1)) / 6)
    assert found.balanced_accuracy == (pytest.approx(5 / 6), pytest.approx(4 / 6))


def test_what_one_was_trained_on_is_left_out_and_said() -> None:
    found = compared(answers("one", "bbbhhh", "uvwxyz", known="uv"), answers("two", "bbbhhh", "uvwxyz", known="w"))
    assert found.paths == ("x.jpg", "y.jpg", "z.jpg")
    assert found.notes == ("3 photos left out: one was trained on them",)


def test_every_reason_to_leave_photos_out_is_counted() -> None:
    one = answers("one", "bbbhhs", "uvwxyz", truth="bbbhhs")
    two = answers("two", "hbbhs", "uvwxz", truth="hbbhs")
    found = compared(one, two)
    assert found.paths == ("v.jpg", "w.jpg", "x.jpg")
    assert found.notes == (
        "1 photo left out: not all were asked",
        "1 photo left out: their labels differ",
        "1 photo left out: not all know their class",
    )
    assert compared(answers("one", "bbb", "uuv"), answers("two", "bb", "uv")).notes == (
        "1 copy of other photos left out",
    )


def test_nothing_left_is_an_error_that_says_why() -> None:
    with pytest.raises(DataError, match=r"there is no test photo .* \(2 photos left out: one was trained on them\)"):
        compared(answers("one", "bb", "uv", known="uv"), answers("two", "bb", "uv"))


def test_a_class_is_named_only_by_more_than_chance() -> None:
    digests = "".join(chr(200 + place) for place in range(40))
    truth = "b" * 20 + "h" * 20
    found = compared(
        answers("one", truth, digests, truth), answers("two", "b" * 19 + "h" + "b" * 12 + "h" * 8, digests, truth)
    )
    hat, bag = found.classes
    assert (hat.name, hat.support, hat.recall, hat.pair) == ("hat", 20, (1.0, 0.4), "AB")
    assert hat.named
    assert not bag.named
    assert bag.p == 1.0
    assert hat.p == pytest.approx(2 * 2 * 0.5**12), "twice for the classes that were looked at"
    said = str(found)
    assert "B against A: -32.5 points" in said
    assert "1 class differ by more than chance: hat (AB)" not in said
    assert "1 class differs by more than chance: hat (AB)" in said


def test_three_pairs_are_said_to_be_corrected() -> None:
    found = compared(*(answers(name, "bbbhhh", "uvwxyz") for name in ("one", "two", "three")))
    assert len(found.sentences()) == 3
    assert found.sentences()[0].endswith("may be chance, p = 1 (3 pairs, corrected together)")
    record = found.to_json()
    assert [pair["first"] + pair["second"] for pair in record["pairs"]] == ["AB", "AC", "BC"]
    assert record["subjects"][2] == {
        "letter": "C", "path": "three", "kind": "run", "top1": 1.0, "interval": [pytest.approx(0.6097, abs=1e-4), 1.0],
        "balanced_accuracy": 1.0, "log_loss": pytest.approx(-np.log(0.8)),
    }  # fmt: skip
