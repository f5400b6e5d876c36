"""^C and SIGTERM: the first is remembered, the second interrupts at once."""

from __future__ import annotations

import signal

import pytest

from visionft.machine.stop_signals import Interrupted, Interruption, watching


def test_the_first_signal_is_remembered_and_the_second_interrupts() -> None:
    with watching() as interruption:
        assert interruption.signal is None
        signal.raise_signal(signal.SIGTERM)
        assert interruption.signal == signal.SIGTERM
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        assert interruption.signal == signal.SIGTERM


def test_handlers_are_put_back() -> None:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    with watching():
        assert signal.getsignal(signal.SIGINT) is not before[0]
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_the_exit_code_is_that_of_shells(number: int, code: int) -> None:
    error = Interrupted(number, "interrupted; the same command goes on")
    assert (error.signal, error.exit_code, str(error)) == (number, code, "interrupted; the same command goes on")
    assert isinstance(error, KeyboardInterrupt)
    assert not error.said_elsewhere


def test_a_signal_of_one_process_is_one_of_all() -> None:
    interruption = Interruption()
    interruption.agree(lambda own: [max(own, 0)])
    assert interruption.signal is None
    interruption.agree(lambda own: [max(own, signal.SIGTERM)])
    assert interruption.signal == signal.SIGTERM
