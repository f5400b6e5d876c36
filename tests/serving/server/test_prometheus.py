"""What a server counts, in Prometheus's text format."""

from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families

from visionft.serving.server.prometheus import OUTCOMES, Counters


def samples(counters: Counters) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    families = text_string_to_metric_families(counters.text().decode())
    return {(one.name, tuple(sorted(one.labels.items()))): one.value for family in families for one in family.samples}


def test_figures_are_counted_by_their_labels() -> None:
    counters = Counters(lambda: 7, {"model": "hats", "version": "1"})
    counters.request("/classify", 200, 0.02)
    counters.request("/classify", 200, 3.0)
    counters.request("/classify", 429, 0.001)
    counters.photo("answered")
    counters.batch(3)
    counters.watch_bytes(lambda: 123)
    found = samples(counters)
    route = ("route", "/classify")
    assert found["visionft_requests_total", (route, ("status", "200"))] == 2
    assert found["visionft_requests_total", (route, ("status", "429"))] == 1
    assert found["visionft_request_seconds_bucket", (("le", "0.02"), route)] == 2
    assert found["visionft_batch_photos_sum", ()] == 3
    assert found["visionft_queue_photos", ()] == 7
    assert found["visionft_held_bytes", ()] == 123
    assert found["visionft_served", (("model", "hats"), ("version", "1"))] == 1


def test_an_outcome_that_has_not_come_is_zero_and_two_servers_count_apart() -> None:
    one, other = (Counters(lambda: 0, {"model": "hats"}) for _ in range(2))
    one.photo("failed")
    for counters, failed in ((one, 1), (other, 0)):
        found = samples(counters)
        assert {name: found["visionft_photos_total", (("outcome", name),)] for name in OUTCOMES} == {
            "answered": 0, "unreadable": 0, "expired": 0, "failed": failed,
        }  # fmt: skip
