"""What was decided once is found again, by everything that it is about, until the caches are cleared."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from visionft.data.caches import cache_folder, decisions, inventory
from visionft.data.caches.decisions import Decision, settle

ABOUT = {"what": "arithmetic", "size": 32}


@pytest.fixture(autouse=True)
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(cache_folder.VARIABLE, str(tmp_path / "cache"))
    return tmp_path / "cache"


def choosing(value: Any) -> Any:
    return lambda: [{"value": value}]


def test_the_first_choice_stays() -> None:
    first, second = settle(ABOUT, choosing(1)), settle(ABOUT, choosing(2))
    assert (first.chosen, first.new, first.kept) == ([{"value": 1}], True, True)
    assert (second.chosen, second.new, second.made) == ([{"value": 1}], False, first.made)
    assert settle({**ABOUT, "size": 64}, choosing(3)).chosen == [{"value": 3}]
    assert [one.chosen for one in decisions.known()] in (
        [[{"value": 1}], [{"value": 3}]],
        [[{"value": 3}], [{"value": 1}]],
    )


def test_clearing_the_caches_lets_it_be_chosen_anew(root: Path) -> None:
    settle(ABOUT, choosing(1))
    assert [(kept.name, kept.files) for kept in inventory.clear()] == [("decisions", 1)]
    assert settle(ABOUT, choosing(2)).chosen == [{"value": 2}]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x00\xff",
        b"[]",
        b"{}",
        b'{"format": 2}',
        b'{"format": 1, "about": {}, "made": "x", "chosen": 3}',
        b"[" * 9999,
    ],
)
def test_a_damaged_one_is_none(content: bytes, root: Path) -> None:
    settle(ABOUT, choosing(1))
    (file,) = (root / decisions.FOLDER).glob("*.json")
    file.write_bytes(content)
    assert decisions.known() == []
    assert settle(ABOUT, choosing(2)).chosen == [{"value": 2}]
    assert json.loads(file.read_text())["chosen"] == [{"value": 2}]


def test_one_about_something_else_under_the_same_name_is_none(root: Path) -> None:
    settle(ABOUT, choosing(1))
    (file,) = (root / decisions.FOLDER).glob("*.json")
    file.write_text(file.read_text().replace("arithmetic", "weather"))
    assert settle(ABOUT, choosing(2)).chosen == [{"value": 2}]


def test_where_nothing_can_be_written_it_is_chosen_each_time(root: Path) -> None:
    root.write_text("a file where the folder should be")
    first, second = settle(ABOUT, choosing(1)), settle(ABOUT, choosing(2))
    assert (first.kept, second.kept) == (False, False)
    assert (first.chosen, second.chosen) == ([{"value": 1}], [{"value": 2}])


def test_of_several_at_once_one_decides_and_the_others_wait() -> None:
    found: list[Decision] = []

    def choose() -> list[dict[str, int]]:
        time.sleep(0.2)
        return [{"value": threading.get_ident()}]

    threads = [threading.Thread(target=lambda: found.append(settle(ABOUT, choose))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({one.chosen[0]["value"] for one in found}) == 1
    assert [one.new for one in found].count(True) == 1


def test_another_decision_is_not_waited_for(root: Path) -> None:
    assert settle(ABOUT, lambda: [{"value": settle({**ABOUT, "size": 64}, choosing(5)).chosen[0]["value"]}]).chosen == [
        {"value": 5}
    ]
    assert all(file.suffix == ".json" for file in (root / decisions.FOLDER).iterdir())


def test_a_failed_choice_keeps_nothing_and_holds_nobody_up(root: Path) -> None:
    def fail() -> list[dict[str, int]]:
        raise MemoryError

    with pytest.raises(MemoryError):
        settle(ABOUT, fail)
    assert list((root / decisions.FOLDER).iterdir()) == []
    assert settle(ABOUT, choosing(2)).chosen == [{"value": 2}]
