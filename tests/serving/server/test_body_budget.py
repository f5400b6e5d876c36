"""The bytes of all bodies together have one bound."""

from __future__ import annotations

import pytest

from visionft.serving.server.body_budget import SMALL, Budget, Held
from visionft.serving.server.http_error import RefusalError


def test_bytes_of_all_requests_have_one_bound() -> None:
    budget = Budget(8 * SMALL)
    large, small = Held(budget), Held(budget)
    large.take(6 * SMALL)
    with pytest.raises(
        RefusalError, match=r"hold 6,291,456 bytes and 8,388,608 are allowed together: send the .*"
    ) as told:
        large.take(1)
    assert (told.value.status, told.value.headers) == (503, {"retry-after": "1"})
    small.take(SMALL)  # a quarter is kept for such
    with pytest.raises(RefusalError, match="are allowed together"):
        small.take(SMALL)
    large.close()
    small.take(5 * SMALL)
    small.give_back(6 * SMALL)
    assert budget.held == 0


def test_what_a_request_gives_back_is_there_for_others() -> None:
    budget = Budget(10)
    one, two = Held(budget), Held(budget)
    one.take(8)
    with pytest.raises(RefusalError):
        two.take(3)
    one.give_back(5)
    two.take(7)
    assert budget.held == 10
    one.close()
    one.close()
    assert budget.held == 7
