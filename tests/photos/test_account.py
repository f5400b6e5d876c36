from __future__ import annotations

import pytest

from visionft.photos import Account, Quarantined


def left(number: int, reason: str = "empty file") -> tuple[Quarantined, ...]:
    return tuple(Quarantined(f"hat/{i}.jpg", reason) for i in range(number))


def test_account_that_does_not_add_up_is_no_account() -> None:
    with pytest.raises(ValueError, match="72 asked for, 58 measured, 13 left out"):
        Account(72, 58, left(13))


def test_account_is_loud_above_a_hundredth_or_with_a_lost_class() -> None:
    assert not Account(200, 198, left(2)).is_loud
    assert Account(199, 197, left(2)).is_loud
    assert Account(1000, 999, left(1), lost_classes=("hat",)).is_loud
    assert not Account(10, 10).is_loud


def test_words_have_both_counts_the_reasons_and_the_first_files() -> None:
    account = Account(72, 57, (*left(14), Quarantined("shoes/a.jpg", "no such file")), lost_classes=("hat",))
    assert str(account) == (
        "72 photos asked for, 57 measured, 15 left out (14 empty file, 1 no such file): "
        "hat/0.jpg, hat/1.jpg, hat/2.jpg and 12 more; no photo is left of hat"
    )
    assert str(Account(1, 1)) == "1 photo asked for, all measured"


def test_json_has_every_photo_left_out() -> None:
    record = Account(3, 1, left(2), seen=1).to_json()
    assert (record["asked"], record["measured"], record["seen_in_training"]) == (3, 1, 1)
    assert record["left_out"] == [{"path": f"hat/{i}.jpg", "reason": "empty file"} for i in range(2)]
    assert record["reasons"] == {"empty file": 2}
