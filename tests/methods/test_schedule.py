"""The schedule is a pure function of the step; its rates and freezing follow the written rules."""

import math
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from visionft import methods
from visionft.errors import UsageError
from visionft.methods.schedule import lowest_trained
from visionft.settings import FullMethod, GradualMethod, HeadMethod, OptimSettings, Phase

OPTIM = OptimSettings(lr=1e-3, head_lr=5e-3, layer_decay=0.5, warmup=0.25)
METHODS = st.one_of(
    st.just(HeadMethod()),
    st.just(FullMethod()),
    st.builds(GradualMethod, cycles=st.integers(1, 3), head_first=st.booleans()),
    st.builds(
        GradualMethod,
        cycles=st.integers(1, 3),
        phases=st.lists(
            st.builds(
                Phase,
                epochs=st.integers(1, 3),
                unfreeze=st.floats(0, 1),
                lr=st.sampled_from(["auto", 3e-4]),
                layer_decay=st.sampled_from(["auto", 0.9]),
            ),
            min_size=1,
            max_size=4,
        ).map(tuple),
    ),
)
FACTS = st.builds(
    methods.Facts,
    levels=st.integers(2, 20),
    steps_per_epoch=st.integers(1, 30),
    epochs=st.integers(3, 9),
    head_solved=st.booleans(),
)
OPTIMS = st.builds(
    OptimSettings,
    lr=st.floats(1e-5, 1e-2),
    head_lr=st.floats(1e-5, 1e-1),
    layer_decay=st.floats(0.5, 1.0),
    warmup=st.floats(0, 1),
)


@given(METHODS, OPTIMS, FACTS)
@settings(max_examples=60)
def test_rates_stay_between_zero_and_peak_and_freezing_is_rate_zero(
    method: HeadMethod | FullMethod | GradualMethod, optim: OptimSettings, facts: methods.Facts
) -> None:
    schedule = methods.schedule(method, optim, facts)
    assert schedule.epochs == sum(p.epochs for p in methods.phases(method, facts.epochs, facts.head_solved))
    assert schedule.total_steps == schedule.epochs * facts.steps_per_epoch
    for step in range(schedule.total_steps):
        state, peaks = schedule.at(step), schedule.stretches[schedule.phase(step)].peaks
        for depth in range(facts.levels):
            role: methods.Role = "head" if depth == facts.levels - 1 else "weight"
            assert state.trains(depth, role) == (state.lr(depth, role) > 0)
            assert 0 <= state.lr(depth, role) <= peaks[depth]
        assert state.trains(facts.levels - 1, "head")


@given(METHODS, OPTIMS, FACTS, st.randoms(use_true_random=False))
@settings(max_examples=40)
def test_a_state_depends_on_its_step_alone(
    method: HeadMethod | FullMethod | GradualMethod, optim: OptimSettings, facts: methods.Facts, rng: random.Random
) -> None:
    schedule = methods.schedule(method, optim, facts)
    in_order = [schedule.at(step) for step in range(schedule.total_steps)]
    steps = list(range(schedule.total_steps))
    rng.shuffle(steps)
    rebuilt = methods.schedule(method, optim.model_validate(optim.model_dump()), facts)
    assert {step: rebuilt.at(step) for step in steps} == dict(enumerate(in_order))
    assert rebuilt.changes == schedule.changes


@given(METHODS, OPTIMS, FACTS)
@settings(max_examples=40)
def test_changes_are_where_other_levels_train(
    method: HeadMethod | FullMethod | GradualMethod, optim: OptimSettings, facts: methods.Facts
) -> None:
    schedule = methods.schedule(method, optim, facts)
    lowest = [schedule.at(step).lowest for step in range(schedule.total_steps)]
    assert schedule.changes == tuple(i for i in range(1, len(lowest)) if lowest[i] != lowest[i - 1])


def test_warm_up_is_a_line_and_the_rest_a_cosine() -> None:
    facts = methods.Facts(levels=3, steps_per_epoch=100, epochs=1, head_solved=True)
    schedule = methods.schedule(FullMethod(), OPTIM, facts)
    rates = [schedule.at(step).lr(1, "weight") for step in range(100)]
    rises = [b - a for a, b in zip([0.0, *rates], rates[:26], strict=False)]
    assert rises == pytest.approx([1e-3 / 26] * 26)  # equal steps from zero to the peak, no jump to the cosine
    assert rates[25] == pytest.approx(1e-3)
    assert rates[25:] == pytest.approx([5e-4 * (1 + math.cos(math.pi * k / 75)) for k in range(75)])


def test_rates_decay_from_the_top_of_the_backbone_and_the_head_has_its_own() -> None:
    schedule = methods.schedule(FullMethod(), OPTIM, methods.Facts(4, 40, 1, head_solved=True))
    peak = schedule.at(10)
    assert [peak.lr(depth, "weight") for depth in range(3)] == pytest.approx([0.25e-3, 0.5e-3, 1e-3])
    assert peak.lr(3, "head") == pytest.approx(5e-3)


def test_a_phase_may_bring_its_own_rate_and_decay() -> None:
    method = GradualMethod(
        head_first=False, phases=(Phase(epochs=1, unfreeze=0.0, lr=2e-2), Phase(epochs=1, lr=1e-4, layer_decay=1.0))
    )
    schedule = methods.schedule(method, OPTIM, methods.Facts(3, 40, 1))
    assert schedule.at(10).rates == pytest.approx((0, 0, 2e-2))  # the head alone: the phase's rate is the head's
    assert schedule.at(50).rates == pytest.approx((1e-4, 1e-4, 5e-4))  # else the head keeps its proportion


def test_unfreezing_a_share_counts_levels_from_the_top() -> None:
    assert [lowest_trained(share, 13) for share in (0.0, 1e-9, 1 / 3, 2 / 3, 1.0)] == [12, 11, 8, 4, 0]


def test_roles_choose_what_trains_in_the_backbone() -> None:
    schedule = methods.from_phases((Phase(epochs=1),), OPTIM, methods.Facts(3, 4, 1), frozenset({"norm"}))
    state = schedule.at(0)
    assert [state.trains(0, role) for role in ("weight", "bias", "norm", "added")] == [False, False, True, False]
    assert state.trains(2, "head")
    assert state.lr(0, "weight") == 0.0


def test_nothing_trains_where_a_solved_head_is_all() -> None:
    schedule = methods.schedule(HeadMethod(), OPTIM, methods.Facts(3, 4, 1, head_solved=True))
    assert (schedule.total_steps, schedule.epochs, schedule.changes) == (0, 0, ())
    assert not any(schedule.at(0).trains(depth, "head") for depth in range(3))


def test_past_the_end_everything_stays() -> None:
    schedule = methods.schedule(FullMethod(), OPTIM, methods.Facts(3, 4, 2, head_solved=True))
    assert schedule.at(8) == schedule.at(100) == schedule.at(7)
    assert schedule.phase(100) == 0
    with pytest.raises(ValueError, match="counted from 0, -1 was given"):
        schedule.at(-1)


@pytest.mark.parametrize("name", ["lr", "head_lr", "layer_decay"])
def test_an_unresolved_rate_is_named(name: str) -> None:
    optim = OptimSettings.model_validate(OPTIM.model_dump() | {name: "auto"})
    with pytest.raises(UsageError, match=rf"optim\.{name} is still auto; resolve it before"):
        methods.schedule(FullMethod(), optim, methods.Facts(3, 4, 1))
