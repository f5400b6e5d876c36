"""The process in which large and laborious photos are made ready."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from tests.bundle.making import make_bundle
from tests.serving.test_decode_cost import saved, with_scans
from visionft.bundle import Bundle
from visionft.errors import PhotoError
from visionft.photos import decode
from visionft.serving.decode_process import DecodeProcess, Parcel
from visionft.serving.engine import Engine

LONG = 120.0


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    return Engine(Bundle.open(make_bundle(tmp_path_factory.mktemp("apart") / "b")), threads=1)


@pytest.fixture(scope="module")
def apart(engine: Engine) -> Iterator[DecodeProcess]:
    found = DecodeProcess(engine.front, 60_000_000)
    yield found
    found.process.close()


def photo(seed: int) -> bytes:
    file = BytesIO()
    Image.fromarray(np.random.default_rng(seed).integers(0, 256, (31, 47, 3), np.uint8)).save(file, "TIFF")
    return file.getvalue()


def test_its_pixels_are_those_of_the_threads(apart: DecodeProcess, engine: Engine) -> None:
    for seed in range(3):
        levels = decode(photo(seed))
        expected = engine.pixels(levels)
        np.testing.assert_array_equal(apart.pixels(Parcel(photo(seed)), LONG), expected)
        np.testing.assert_array_equal(apart.pixels(Parcel(levels), LONG), expected)


def test_it_says_what_is_wrong_with_a_photo_and_goes_on(apart: DecodeProcess) -> None:
    with pytest.raises(PhotoError, match="too many pixels"):
        apart.pixels(Parcel(saved((8000, 8000), "PNG")), LONG)
    with pytest.raises(PhotoError, match="not an image"):
        apart.pixels(Parcel(b"no photo"), LONG)
    assert apart.pixels(Parcel(photo(1)), LONG).shape == (3, 8, 8)


def test_it_gives_way_to_the_threads(apart: DecodeProcess) -> None:
    apart.pixels(Parcel(photo(1)), LONG)
    assert apart.process._running is not None
    assert os.getpriority(os.PRIO_PROCESS, apart.process._running.pid) == min(19, os.nice(0) + 5)


def test_a_photo_that_takes_too_long_is_ended_and_the_next_is_answered(apart: DecodeProcess) -> None:
    apart.pixels(Parcel(photo(1)), LONG)
    process = apart.process._running
    assert process is not None
    # Stopped, not computing: the wait is the same, and it depends on no decoder's speed.
    os.kill(process.pid, signal.SIGSTOP)
    began = time.monotonic()

    with pytest.raises(PhotoError, match=r"takes more than 0\.5 s to decode"):
        apart.pixels(Parcel(photo(2)), 0.5)

    assert time.monotonic() - began < 30
    assert process.poll() == -signal.SIGKILL
    assert apart.pixels(Parcel(photo(3)), LONG).shape == (3, 8, 8)


def test_a_jpeg_of_three_thousand_scans_is_refused_in_time(engine: Engine) -> None:
    laborious = with_scans(saved((7000, 7000), "JPEG", progressive=True), 3000)
    found = DecodeProcess(engine.front, 60_000_000)
    found.pixels(Parcel(photo(1)), LONG)
    began = time.monotonic()
    with pytest.raises(PhotoError, match=r"takes more than 1 s to decode|scans"):
        found.pixels(Parcel(laborious), 1.0)
    assert time.monotonic() - began < 30
    found.process.close()


def test_a_process_that_dies_is_a_reason_and_another_takes_its_place(apart: DecodeProcess) -> None:
    apart.pixels(Parcel(photo(1)), LONG)
    apart.process.stop()
    with pytest.raises(PhotoError, match="ends the decoder"):
        apart.pixels(Parcel(photo(2)), LONG)
    assert apart.pixels(Parcel(photo(3)), LONG).shape == (3, 8, 8)


def test_memory_is_bounded(engine: Engine) -> None:
    """A photo that is answered where 60 megapixels are reckoned with is refused where there is memory for few."""
    levels = np.full((6000, 6000, 3), 90, np.uint8)
    large = DecodeProcess(engine.front, 60_000_000)
    assert large.pixels(Parcel(levels), LONG).mean() == pytest.approx(90)
    large.process.close()
    short = DecodeProcess(engine.front, 60_000_000)
    short.process._code = _SHORT_OF_MEMORY
    with pytest.raises(PhotoError, match="more memory than one photo may take"):
        short.pixels(Parcel(levels), LONG)
    short.process.close()


_SHORT_OF_MEMORY = (
    "import visionft.serving.decode_process as a; a.BYTES_A_PIXEL = 1; a._OWN_BYTES = 400_000_000; a.main()"
)


def test_it_ends_when_whoever_started_it_is_gone(engine: Engine) -> None:
    found = DecodeProcess(engine.front, 1000)
    found.pixels(Parcel(saved((9, 9), "PNG")), LONG)
    process, line = found.process._running, found.process._line
    assert process is not None
    assert line is not None
    line.close()
    assert process.wait(timeout=60) == 0
