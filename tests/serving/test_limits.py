"""How much a server takes on."""

from __future__ import annotations

from visionft.serving.limits import Limits
from visionft.settings.serve import ServeSettings


def test_all_bodies_together_have_room_for_one_of_the_largest_unless_it_is_given() -> None:
    limits = Limits(batch=1, batch_seconds=0.0, queue=1, max_bytes=100, max_pixels=1, timeout=1.0)
    assert limits.held_bytes == 400
    assert Limits(1, 0.0, 1, 100, 1, 1.0, max_held_bytes=0).held_bytes == 0


def test_defaults_are_those_of_the_command() -> None:
    settings, limits = ServeSettings(), Limits(1, 0.0, 1, 100, 1, 1.0)
    assert (limits.max_request_pixels, limits.max_held_bytes, limits.max_photo_seconds) == (
        settings.max_request_pixels, settings.max_held_bytes, settings.max_photo_seconds,
    )  # fmt: skip
