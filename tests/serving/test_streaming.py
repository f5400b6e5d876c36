"""From items to outcomes: each in its place, in fixed batches, in bounded memory, and a slow one stops no other."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from visionft.errors import PhotoError
from visionft.photos import Item
from visionft.serving import streaming
from visionft.serving.streaming import answered

Photo = NDArray[np.uint8]


def item(number: int, load: Callable[[], Photo] | None = None) -> Item:
    return Item(str(number), load or (lambda: np.full((1, 1, 3), number % 256, np.uint8)))


def refusing(number: int) -> Item:
    def refuse() -> Photo:
        raise PhotoError("truncated")

    return item(number, refuse)


def level(photo: Photo) -> int:
    return int(photo[0, 0, 0])


@given(st.lists(st.booleans(), max_size=40), st.integers(1, 9))
@settings(max_examples=60)
def test_every_item_has_its_own_outcome_and_batches_are_fixed(sound: list[bool], batch: int) -> None:
    batches: list[list[int]] = []

    def answer(inputs: Sequence[int]) -> list[int]:
        batches.append(list(inputs))
        return [10 * number for number in inputs]

    asked = [item(number) if good else refusing(number) for number, good in enumerate(sound)]
    found = {outcome.place: outcome for outcome in answered(asked, level, answer, batch=batch)}

    assert sorted(found) == list(range(len(sound)))
    for number, good in enumerate(sound):
        outcome = found[number]
        assert outcome.name == str(number)
        assert (outcome.answer, outcome.problem) == ((10 * number, None) if good else (None, "truncated"))
    starts = range(0, len(sound), batch)
    expected = [[n for n in range(start, min(start + batch, len(sound))) if sound[n]] for start in starts]
    assert sorted(batches) == [each for each in expected if each]


def test_a_slow_photo_holds_up_its_own_batch_alone() -> None:
    release = threading.Event()

    def slow() -> Photo:
        assert release.wait(30)
        return np.zeros((1, 1, 3), np.uint8)

    asked = [item(0, slow), *(item(number) for number in range(1, 100))]
    seen: list[int] = []
    for outcome in answered(asked, level, list, batch=4):
        seen.append(outcome.place)
        if len(seen) == 96:
            assert not {0, 1, 2, 3} & set(seen)
            release.set()
    assert seen[96:] == [0, 1, 2, 3]


def test_items_are_taken_a_few_ahead_whatever_their_number() -> None:
    taken, done, widest = 0, 0, 0

    def source() -> Iterator[Item]:
        nonlocal taken
        for number in range(2000):
            taken += 1
            yield item(number)

    for _ in answered(source(), level, list, batch=8):
        done += 1
        widest = max(widest, taken - done)
    assert done == 2000
    assert widest <= 6 * max(8, 2 * streaming._WORKERS)


def test_large_photos_in_memory_wait_for_their_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streaming, "HELD_BYTES", 10)
    lock, at_once, most = threading.Lock(), 0, 0

    def source() -> Iterator[Item]:
        nonlocal at_once, most
        for number in range(20):
            with lock:
                at_once += 1
                most = max(most, at_once)
            yield Item(str(number), load, held=6)

    def load() -> Photo:
        nonlocal at_once
        time.sleep(0.005)
        with lock:
            at_once -= 1
        return np.zeros((1, 1, 3), np.uint8)

    assert len(list(answered(source(), level, list))) == 20
    assert most <= 3  # one that is taken, one within the bound, and the one that a thread has just let go


@pytest.mark.parametrize("where", ["source", "prepare", "answer"])
def test_another_error_comes_out_and_the_threads_end(where: str) -> None:
    def source() -> Iterator[Item]:
        yield from map(item, range(10))
        if where == "source":
            raise RuntimeError("of the caller")

    def prepare(photo: Photo) -> int:
        if where == "prepare":
            raise RuntimeError("a bug")
        return level(photo)

    def answer(inputs: Sequence[int]) -> Sequence[int]:
        if where == "answer":
            raise RuntimeError("of the network")
        return inputs

    with pytest.raises(RuntimeError, match=r"of the caller|a bug|of the network"):
        list(answered(source(), prepare, answer, batch=4))
    for _ in range(100):
        if not [thread for thread in threading.enumerate() if thread.name.startswith("visionft-decode")]:
            break
        time.sleep(0.05)
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("visionft-decode")]


def test_nothing_asked_is_nothing_answered(tmp_path: Path) -> None:
    assert list(answered([], level, list)) == []
