"""The record of a sweep: the same command goes on, another one is refused with what differs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from visionft.errors import RunError, RunMismatchError
from visionft.sweeping.search_space import dimensions
from visionft.sweeping.sweep_plan import RECORD, SweepPlan, begin, default_folder, read


def plan(folder: Path, over: str = "lr=1e-4..1e-2,seed=0..2", trials: int = 10) -> SweepPlan:
    shared = {"photos": "photos", "method.name": "full", "epochs": 2}
    return SweepPlan(folder, shared, dimensions(over), trials, "median", 3)


def test_every_draw_meets_every_seed(tmp_path: Path) -> None:
    assert (plan(tmp_path).draws, plan(tmp_path).places, plan(tmp_path).seeds) == (3, 9, ("0", "1", "2"))
    assert plan(tmp_path, "lr=1e-4..1e-2").places == 10
    assert plan(tmp_path, "epochs=1..4").places == 4
    assert plan(tmp_path, "seed=0..3").places == 4
    assert plan(tmp_path).listed is None


def test_the_same_sweep_goes_on_and_may_be_longer(tmp_path: Path) -> None:
    first = plan(tmp_path / "s")
    assert not begin(first)
    assert begin(first)
    assert read(first.folder) == first
    longer = replace(first, trials=20, keep=1)
    assert begin(longer)
    assert longer.name == first.name
    with pytest.raises(RunMismatchError, match="was begun with 20 trials, and 10 are fewer; give --trials 20 or more"):
        begin(first)


def test_a_setting_given_as_auto_is_the_same_as_none(tmp_path: Path) -> None:
    """What is accepted as the same sweep finds the same study."""
    first = plan(tmp_path / "s")
    begin(first)
    other = replace(first, shared={**first.shared, "optim.ema": "auto"})
    assert begin(other)
    assert other.name == first.name
    assert begin(first)


def test_another_sweep_is_refused_with_what_differs(tmp_path: Path) -> None:
    first = plan(tmp_path / "s")
    begin(first)
    others = [replace(first, prune="none"), replace(first, shared={**first.shared, "epochs": 3})]
    said = ["prune was median, is none", "epochs was 2, is 3"]
    for other, words in zip(
        [*others, plan(tmp_path / "s", "lr=1e-4..1e-3")], [*said, "over was optim.lr"], strict=True
    ):
        assert other.name != first.name
        with pytest.raises(RunMismatchError, match=f"begun with other settings .*{words}"):
            begin(other)


def test_a_folder_of_somebody_else_is_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("mine")
    with pytest.raises(RunError, match=r"holds other files \(thesis.tex\); choose an empty or new folder with --out"):
        begin(plan(tmp_path))
    with pytest.raises(RunError, match="is a file; choose a folder with --out"):
        begin(plan(tmp_path / "thesis.tex"))
    assert [place.name for place in tmp_path.iterdir()] == ["thesis.tex"]


@pytest.mark.parametrize("text", ["", "[]", '{"over": 3}', "{}"])
def test_a_damaged_record_is_one_sentence(tmp_path: Path, text: str) -> None:
    (tmp_path / RECORD).write_text(text)
    with pytest.raises(RunError, match=r"sweep\.json .*; give another --out"):
        begin(plan(tmp_path))


def test_the_default_folder_is_named_after_the_photos() -> None:
    assert default_folder(Path("some/photos")) == Path("runs/photos-sweep")
