"""What a server counts, in Prometheus's text format."""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

SECONDS = (0.002, 0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
OUTCOMES = ("answered", "unreadable", "expired", "failed")
PHOTOS = (1, 2, 4, 8, 16, 32, 64, 128, 256)


class Counters:
    """Requests, latencies, the queue and the batches of one server, in a registry of its own."""

    content_type = CONTENT_TYPE_LATEST

    def __init__(self, depth: Callable[[], int], about: dict[str, str]) -> None:
        """Declare every figure.

        Args:
            depth: tells the photos that are taken in and not answered.
            about: labels that say what is served.
        """
        self._registry = own = CollectorRegistry()
        ProcessCollector(registry=own)
        self._requests = Counter(
            "visionft_requests", "Requests by route and status.", ["route", "status"], registry=own
        )
        self._seconds = Histogram(
            "visionft_request_seconds", "Seconds from headers to answer.", ["route"], registry=own, buckets=SECONDS
        )
        self._photos = Counter("visionft_photos", "Photos by outcome.", ["outcome"], registry=own)
        for outcome in OUTCOMES:
            self._photos.labels(outcome)  # 0 from the start: whoever watches tells it from a figure that is missing
        self._batches = Histogram(
            "visionft_batch_photos", "Photos in each run of the network.", registry=own, buckets=PHOTOS
        )
        waiting = Gauge("visionft_queue_photos", "Photos taken in and not answered yet.", registry=own)
        waiting.set_function(depth)
        Gauge("visionft_served", "1, with what is served.", list(about), registry=own).labels(**about).set(1)

    def watch_bytes(self, held: Callable[[], int]) -> None:
        """Show the bytes of bodies that are held now."""
        gauge = Gauge("visionft_held_bytes", "Bytes of the bodies of requests at work.", registry=self._registry)
        gauge.set_function(held)

    def request(self, route: str, status: int, seconds: float) -> None:
        """Count a request that was answered."""
        self._requests.labels(route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def photo(self, outcome: str) -> None:
        """Count a photo by one of `OUTCOMES`."""
        self._photos.labels(outcome).inc()

    def batch(self, photos: int) -> None:
        """Count a run of the network."""
        self._batches.observe(photos)

    def text(self) -> bytes:
        """Return all figures."""
        return generate_latest(self._registry)
