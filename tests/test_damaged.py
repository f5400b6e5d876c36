"""Files of a run and of a bundle, spoilt in every way: each is refused in one sentence, or the answer is the same.

Nothing hangs, nothing is a traceback, and `check` names what was spoilt. The list is drawn by a seed: about sixty in
the quick tier, a thousand in the slow one.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

import visionft
from tests.bundle.making import make_adapted_bundle, make_bundle
from tests.resealing import make_older
from visionft.bundle.names import KEEPS_DIGESTS, LAYOUT
from visionft.errors import VisionftError
from visionft.files import digests
from visionft.runs import Run, layout, lock
from visionft.settings import FitSettings
from visionft.training import train

SEED = 17
PATIENCE = 60  # seconds for one answer, on a machine that is busy
FEW, MANY = 60, 1_000

Verbs = dict[str, Callable[[], Any]]


def flip(content: bytes, draw: random.Random) -> bytes:
    if not content:
        return b"\x01"
    spoilt = bytearray(content)
    spoilt[draw.randrange(len(content))] ^= 1 << draw.randrange(8)
    return bytes(spoilt)


def cut(content: bytes, draw: random.Random) -> bytes:
    return content[: draw.randrange(max(1, len(content)))]


def zero(content: bytes, draw: random.Random) -> bytes:
    start = draw.randrange(max(1, len(content)))
    length = min(len(content) - start, draw.choice([1, 16, 512, len(content)]))
    return content[:start] + bytes(length) + content[start + length :]


def grow(content: bytes, draw: random.Random) -> bytes:
    return content + draw.randbytes(draw.choice([1, 100, 5_000]))


def noise(content: bytes, draw: random.Random) -> bytes:
    return draw.randbytes(draw.choice([1, 10, 1_000]))


def nested(content: bytes, draw: random.Random) -> bytes:
    return b"[" * draw.choice([100, 100_000])


def digits(content: bytes, draw: random.Random) -> bytes:
    return b'{"names": ' + b"9" * 5_000 + b"}"


def empty(content: bytes, draw: random.Random) -> bytes:
    return draw.choice([b"", b"{}", b"[]", b"null", b"\n"])


CONTENTS = [flip, flip, flip, cut, cut, zero, zero, grow, noise, nested, digits, empty]
KINDS = ["swapped", "gone", "folder", "fifo", "loop", "zero device", "null device", "dangling"]


@dataclass(frozen=True)
class Spoilt:
    """One file, and how it was spoilt."""

    name: str
    how: str


@contextmanager
def spoilt(folder: Path, draw: random.Random) -> Iterator[Spoilt]:
    """Spoil one file of a folder, and give it back afterwards."""
    found = digests.files(folder)
    name = draw.choice(sorted(found))
    path, content = found[name], found[name].read_bytes()
    if draw.random() < 0.7:
        change = draw.choice(CONTENTS)
        path.write_bytes(change(content, draw))
        how = change.__name__
    else:
        how = draw.choice(KINDS)
        other = found[draw.choice(sorted(found))].read_bytes()
        path.unlink()
        _put(path, how, other)
    try:
        yield Spoilt(name, how)
    finally:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        path.unlink(missing_ok=True)
        path.write_bytes(content)


def _put(path: Path, how: str, other: bytes) -> None:
    places: dict[str, Callable[[], object]] = {
        "swapped": lambda: path.write_bytes(other), "folder": path.mkdir, "fifo": lambda: os.mkfifo(path),
        "loop": lambda: path.symlink_to(path.name), "zero device": lambda: path.symlink_to("/dev/zero"),
        "null device": lambda: path.symlink_to("/dev/null"), "dangling": lambda: path.symlink_to("nowhere"),
    }  # fmt: skip
    if how != "gone":
        places[how]()


@contextmanager
def in_time(what: object) -> Iterator[None]:
    def late(number: int, frame: FrameType | None) -> None:
        raise TimeoutError(f"no answer in {PATIENCE} s: {what}")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(PATIENCE)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


REFUSED = object()


def outcome(verb: Callable[[], Any], what: object) -> Any:
    """Return the answer, or that it was refused in one sentence; anything else is raised."""
    with in_time(what):
        try:
            return verb()
        except VisionftError as error:
            said = str(error)
            assert said, what
            assert "\n" not in said, (what, said)
            return REFUSED


def answers(found: Any) -> list[Any]:
    return [(row.label, row.probability, row.known_score, row.unknown) for row in found]


def of_a_run(run: Path, photo: Path, out: Path) -> Verbs:
    def records() -> Any:
        opened = Run.open(run)
        table = opened.manifest().table
        return str(opened), opened.summary(), opened.weights_source, opened.origin, opened.has_split("test"), table

    return {
        "predict": lambda: answers(visionft.predict(run, photo)),
        "records": records,
        "evaluate": lambda: visionft.evaluate(run, out=out).metrics.to_json(),
    }


def of_a_bundle(bundle: Path, photo: Path, adapter: str | None) -> Verbs:
    return {
        "predict": lambda: answers(visionft.predict(bundle, photo, adapter=adapter)),
        "compare": lambda: visionft.compare(bundle, bundle, data=photo, adapter=adapter).to_json(),
    }


def try_all(folder: Path, verbs: Verbs, count: int, seed: int, apart: str = "") -> int:
    """Spoil files one after the other; return how many were refused by a verb at least."""
    draw, refused = random.Random(seed), 0
    whole = {name: outcome(verb, name) for name, verb in verbs.items()}
    assert REFUSED not in whole.values()
    for _ in range(count):
        with spoilt(folder, draw) as how:
            found = {name: outcome(verb, (how, name)) for name, verb in verbs.items()}
            for name, answer in found.items():
                unsaid = how.how == "gone" and how.name.startswith("evaluation/")  # then nothing was measured
                assert answer is REFUSED or answer == whole[name] or unsaid, (how, name)
            refused += REFUSED in found.values()
            if how.name != apart:
                assert not visionft.check(folder).whole or same(folder, how), how
    assert visionft.check(folder).whole
    return refused


def same(folder: Path, how: Spoilt) -> bool:
    """Tell whether a file is as it was after all."""
    return digests.Digests.read(folder).files.get(how.name) == digests.entry_of(folder / how.name)


@pytest.fixture
def run(trained: Path, tmp_path: Path) -> Path:
    return shutil.copytree(trained, tmp_path / "run")


@pytest.mark.parametrize(
    "count", [FEW // 3, pytest.param(MANY // 2, marks=[pytest.mark.slow, pytest.mark.timeout(3600)])]
)
def test_files_of_a_run(run: Path, shapes: Path, tmp_path: Path, count: int) -> None:
    verbs = of_a_run(run, shapes / "disc" / "00.jpg", tmp_path / "figures")
    assert try_all(run, verbs, count, SEED, layout.LOCK) > count // 3


@pytest.mark.parametrize(
    "count", [FEW // 3, pytest.param(MANY // 4, marks=[pytest.mark.slow, pytest.mark.timeout(3600)])]
)
@pytest.mark.parametrize("adapter", [None, "two"])
def test_files_of_a_bundle(shapes: Path, tmp_path: Path, count: int, adapter: str | None) -> None:
    make = make_bundle if adapter is None else make_adapted_bundle
    bundle = make(tmp_path / "b", provenance={LAYOUT: KEEPS_DIGESTS})
    (bundle / "README.md").write_text("a card")
    digests.seal(bundle)
    verbs = of_a_bundle(bundle, shapes / "disc" / "00.jpg", adapter)
    assert try_all(bundle, verbs, count, SEED) > count // 3


@pytest.mark.parametrize("count", [15, pytest.param(MANY // 4, marks=[pytest.mark.slow, pytest.mark.timeout(3600)])])
@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # of arithmetic with weights that nobody can know to be wrong
def test_an_older_run_without_digests_gives_no_traceback_either(
    run: Path, shapes: Path, tmp_path: Path, count: int
) -> None:
    """What is flipped in its weights cannot be known; all else that is wrong is said."""
    make_older(run)
    draw, verbs = random.Random(SEED), of_a_run(run, shapes / "disc" / "00.jpg", tmp_path / "figures")
    verbs["check"] = lambda: visionft.check(run)
    for _ in range(count):
        with spoilt(run, draw) as how:
            for name, verb in verbs.items():
                outcome(verb, (how, name))


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_files_of_an_unfinished_run(
    shapes: Path, small: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It goes on to the same weights, or says which file is damaged."""
    from visionft.settings import build
    from visionft.training import checkpoint

    out = tmp_path / "run"

    def fit() -> bytes:
        return (train(wanted, lambda _: None).path / layout.WEIGHTS).read_bytes()

    wanted: FitSettings = build(shapes, None, **{**small, "epochs": 2}, out=out)

    def power_cut(*_: Any) -> Any:
        raise SystemError("power cut")

    with monkeypatch.context() as patch:
        patch.setattr(sys.modules["visionft.finishing.final_metrics"], "finish", power_cut)
        with pytest.raises(SystemError):
            train(wanted, lambda _: None)
    assert checkpoint.Checkpoint.load(out / layout.CHECKPOINT).step
    shutil.copytree(out, tmp_path / "kept")
    whole, draw = fit(), random.Random(SEED)
    for _ in range(100):
        shutil.rmtree(out)
        shutil.copytree(tmp_path / "kept", out)
        with spoilt(out, draw) as how:
            found = outcome(fit, how)
            assert found is REFUSED or found == whole or how.name == layout.CHECKPOINT, how


@pytest.mark.parametrize("how", ["folder", "fifo", "loop", "zero device"])
@pytest.mark.timeout(60)
def test_a_lock_that_is_no_file_is_one_sentence(tmp_path: Path, how: str) -> None:
    _put(tmp_path / layout.LOCK, how, b"")
    words = r"run\.lock cannot be used to hold the run \(.*\); make its folder writable, remove what has that name, or"
    with pytest.raises(VisionftError, match=words), lock.held(tmp_path):
        pass


def test_the_lists_are_long_enough() -> None:
    assert len(CONTENTS) + len(KINDS) == 20
