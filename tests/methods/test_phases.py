"""Phases of each method: which share of the depth, for how many epochs."""

import pytest

from visionft import methods
from visionft.errors import SettingsError
from visionft.settings import FullMethod, GradualMethod, HeadMethod, Phase


def shape(phases: tuple[Phase, ...]) -> list[tuple[int, float]]:
    return [(phase.epochs, round(phase.unfreeze, 2)) for phase in phases]


def test_head_is_one_phase_of_the_head_or_none() -> None:
    assert shape(methods.phases(HeadMethod(), 5, head_solved=False)) == [(5, 0.0)]
    assert methods.phases(HeadMethod(), 5, head_solved=True) == ()


def test_full_trains_the_head_first_unless_it_is_solved() -> None:
    assert shape(methods.phases(FullMethod(), 9, head_solved=True)) == [(9, 1.0)]
    assert shape(methods.phases(FullMethod(), 9, head_solved=False)) == [(2, 0.0), (9, 1.0)]
    assert shape(methods.phases(FullMethod(), 1, head_solved=False)) == [(1, 0.0), (1, 1.0)]
    assert shape(methods.phases(FullMethod(head_first=False), 9, head_solved=False)) == [(9, 1.0)]


@pytest.mark.parametrize(
    ("epochs", "cycles", "expected"),
    [
        (1, 1, [(1, 1.0)]),
        (2, 1, [(1, 0.67), (1, 1.0)]),
        (5, 1, [(1, 0.33), (2, 0.67), (2, 1.0)]),
        (7, 2, [(1, 0.33), (1, 0.67), (1, 1.0), (1, 0.33), (1, 0.67), (2, 1.0)]),
    ],
)
def test_gradual_goes_down_in_thirds(epochs: int, cycles: int, expected: list[tuple[int, float]]) -> None:
    assert shape(methods.phases(GradualMethod(cycles=cycles), epochs, head_solved=True)) == expected


def test_gradual_repeats_its_own_phases_after_the_head() -> None:
    own = (Phase(epochs=1, unfreeze=0.5), Phase(epochs=2))
    phases = methods.phases(GradualMethod(phases=own, cycles=2), 8, head_solved=False)
    assert shape(phases) == [(2, 0.0), (1, 0.5), (2, 1.0), (1, 0.5), (2, 1.0)]


def test_more_cycles_than_epochs_are_refused() -> None:
    with pytest.raises(SettingsError, match="4 cycles do not fit into 3 epochs; give at least --epochs 4"):
        methods.phases(GradualMethod(cycles=4), 3, head_solved=True)
