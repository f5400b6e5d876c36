from __future__ import annotations

import math
from math import comb

import numpy as np
import pytest

from visionft.metrics import Flips
from visionft.metrics.flips import Z95_ONE_SIDED

N = 40


@pytest.fixture(scope="module")
def bounds() -> dict[tuple[int, int], float]:
    return {(lost, gained): Flips(lost, gained, N).upper() for lost in range(N + 1) for gained in range(N + 1 - lost)}


def test_the_bound_holds_as_often_as_it_promises(bounds: dict[tuple[int, int], float]) -> None:
    """Enumerate every outcome: Tango's bound is right in 95 % of cases on average, and in hardly fewer anywhere."""
    coverage = []
    for lost in np.arange(0.01, 0.4, 0.04):
        for gained in np.arange(0.0, 0.3, 0.05):
            same = 1 - lost - gained
            coverage.append(
                sum(
                    comb(N, b) * comb(N - b, c) * lost**b * gained**c * same ** (N - b - c)
                    for (b, c), upper in bounds.items()
                    if upper >= lost - gained
                )
            )
    assert np.mean(coverage) == pytest.approx(0.95, abs=0.01)
    assert min(coverage) > 0.90


def test_more_lost_raises_and_more_gained_lowers_the_bound(bounds: dict[tuple[int, int], float]) -> None:
    for (lost, gained), upper in bounds.items():
        assert -1 <= Flips(lost, gained, N).loss <= upper <= 1
        if (lost + 1, gained) in bounds:
            assert upper < bounds[lost + 1, gained] + 1e-9
            assert upper > bounds[lost, gained + 1] - 1e-9


@pytest.mark.parametrize(("lost", "gained"), [(3, 1), (0, 2), (5, 5), (1, 0)])
def test_the_bound_lies_where_the_likeliest_shares_explain_too_little(lost: int, gained: int) -> None:
    """Find the likeliest shares by trying them all, and look at the distance in their standard errors."""
    upper = Flips(lost, gained, N).upper()
    share = np.linspace(max(0, -upper), (1 - upper) / 2, 400_001)[1:-1]
    likelihood = (
        lost * np.log(share + upper) + gained * np.log(share) + (N - lost - gained) * np.log1p(-2 * share - upper)
    )
    best = share[likelihood.argmax()]
    error = math.sqrt(N * (2 * best + upper - upper**2))
    assert (N * upper - lost + gained) / error == pytest.approx(Z95_ONE_SIDED, abs=1e-3)


def test_without_a_flip_the_number_of_photos_decides() -> None:
    z2 = Z95_ONE_SIDED**2
    assert Flips(0, 0, 341).upper() == pytest.approx(z2 / (341 + z2))
    assert Flips(0, 0, 341).photos_needed(0.005) == 539
    assert Flips(0, 0, 538).upper() > 0.005 > Flips(0, 0, 539).upper()


def test_the_photos_needed_are_just_enough() -> None:
    assert Flips(6, 3, 341).photos_needed(0.005) is None
    needed = Flips(2, 1, 1000).photos_needed(0.005)
    assert needed is not None
    scale = needed / 1000
    assert Flips(2 * scale, 1 * scale, needed).upper() == pytest.approx(0.005, abs=1e-5)  # type: ignore[arg-type]


def test_flips_are_counted_from_both_answers() -> None:
    before, after = np.array([1, 1, 0, 0, 1], bool), np.array([1, 0, 1, 0, 0], bool)
    assert Flips.of(before, after) == Flips(2, 1, 5)
    assert Flips(5, 0, 5).upper() == 1.0
