"""TIFFs of deep colour: the same pixels however they are stored, by their real range, whole or refused."""

from __future__ import annotations

import sys
from contextlib import suppress
from io import BytesIO
from typing import Any

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from PIL import TiffImagePlugin

from visionft.errors import PhotoError
from visionft.photos import decode, encoding_of, remark
from visionft.photos.formats import HEAD, opener
from visionft.photos.tiff_deep import FOREIGN, DeepPicture
from visionft.photos.zero_runs import REASON
from visionft.serving.decode_cost import weigh

SHARES = np.random.default_rng(0).random((40, 56, 4))
COLOURS = SHARES[..., :3]
WANTED = np.rint(COLOURS * 255)
OVER_WHITE = np.rint(255 * (COLOURS * SHARES[..., 3:] + 1 - SHARES[..., 3:]))


def tiff(samples: NDArray[Any], **told: Any) -> bytes:
    file = BytesIO()
    if told.get("planarconfig") == "separate":
        samples = np.moveaxis(samples, -1, 0)
    tifffile.imwrite(file, samples, photometric=told.pop("photometric", "rgb"), metadata=None, **told)
    return file.getvalue()


def stated(top: int, count: int = 3) -> dict[str, Any]:
    return {"extratags": [(341, "H", count, (top,) * count, True)]}


def of(data: bytes) -> type:
    with opener(data[:HEAD])(BytesIO(data)) as picture:
        return type(picture)


def near(data: bytes, wanted: NDArray[np.float64] = WANTED, within: int = 0) -> None:
    found = decode(data)
    assert found.shape == (40, 56, 3)
    assert np.abs(found - wanted).max() <= within


STORED: list[dict[str, Any]] = [
    {}, {"compression": "lzw", "predictor": True}, {"compression": "zlib", "predictor": True}, {"compression": "zstd"},
    {"compression": "packbits"}, {"tile": (16, 32), "compression": "zlib"}, {"byteorder": ">", "rowsperstrip": 7},
    {"byteorder": ">", "compression": "lzw", "predictor": True}, {"bigtiff": True},
]  # fmt: skip


@pytest.mark.parametrize("told", STORED)
@pytest.mark.parametrize("planes", ["contig", "separate"])
def test_floats_are_the_same_pixels_however_they_are_stored(told: dict[str, Any], planes: str) -> None:
    near(tiff(COLOURS.astype(np.float32), planarconfig=planes, **told))
    sixteen = tiff(np.rint(COLOURS * 65535).astype(np.uint16), planarconfig=planes, **told)
    near(sixteen, within=int(planes == "contig"))  # interleaved they are PIL's, which takes the high byte
    assert of(sixteen) is (DeepPicture if planes == "separate" else TiffImagePlugin.TiffImageFile)


@pytest.mark.parametrize(
    ("dtype", "top"),
    [(np.float16, 1), (np.float64, 1), (np.float32, 255), (np.float32, 65535), (np.uint32, 65535), (np.int16, 255)],
)
def test_the_range_is_the_smallest_that_all_channels_fit_and_is_said(dtype: type[np.generic], top: int) -> None:
    samples = COLOURS * top
    data = tiff((np.rint(samples) if np.dtype(dtype).kind in "iu" else samples).astype(dtype))
    near(data, within=1)
    assert remark(data) == f"deep colour that states no range: 0 to {top:,} is black to white"


def test_a_stated_range_is_followed_and_said() -> None:
    samples = np.rint(COLOURS * 4095).astype(np.uint16)
    near(tiff(samples, **stated(4095)), within=1)
    said = remark(tiff(samples, **stated(4095)))
    assert said == "deep colour by the range that the file states: 0 to 4,095 is black to white"
    alpha = np.dstack([samples, np.rint(SHARES[..., 3] * 65535).astype(np.uint16)])
    near(tiff(alpha, extrasamples=["unassalpha"], **stated(4095, 4)), OVER_WHITE, within=1)
    with pytest.raises(PhotoError, match="samples outside the range that the file states"):
        decode(tiff((COLOURS * 65535).astype(np.float32), **stated(4095)))


@pytest.mark.parametrize("bits", [10, 12, 14])
def test_packed_bits_fill_their_own_range(bits: int) -> None:
    data = tiff(np.rint(COLOURS * ((1 << bits) - 1)).astype(np.uint16), bitspersample=bits)
    near(data, within=1)
    assert remark(data) == f"deep colour of {bits} bits: 0 to {(1 << bits) - 1:,} is black to white"


@pytest.mark.parametrize("planes", ["contig", "separate"])
def test_twelve_bits_in_sixteen_are_said(planes: str) -> None:
    dim = tiff(np.rint(COLOURS * 4095).astype(np.uint16), planarconfig=planes)
    near(dim, COLOURS * 4095 / 257, within=1)
    said = remark(dim)
    assert said is not None
    assert said.startswith("16-bit colour below a sixteenth of its range, which is read as nearly black")
    full = remark(tiff(np.rint(COLOURS * 65535).astype(np.uint16), planarconfig=planes))
    assert full is not None
    assert full.endswith("0 to 65,535 is black to white")


@pytest.mark.parametrize("planes", ["contig", "separate"])
@pytest.mark.parametrize("kind", ["unassalpha", "assocalpha"])
@pytest.mark.parametrize(("dtype", "top"), [(np.float32, 1), (np.uint16, 65535)])
def test_alpha_lies_over_white(planes: str, kind: str, dtype: type[np.generic], top: int) -> None:
    samples = SHARES.copy()
    if kind == "assocalpha":
        samples[..., :3] *= samples[..., 3:]
    data = tiff((samples * top).astype(dtype), planarconfig=planes, extrasamples=[kind])
    near(data, OVER_WHITE, within=3 if (dtype, planes) == (np.uint16, "contig") else 1)  # PIL's, by the high byte


def test_grey_of_halves_and_with_deep_alpha_is_read() -> None:
    grey = np.repeat(COLOURS[..., :1], 3, -1)
    near(tiff(grey[..., 0].astype(np.float16), photometric="minisblack"), np.rint(grey * 255), within=1)
    both = np.rint(SHARES[..., [0, 3]] * 65535).astype(np.uint16)
    wanted = np.rint(255 * (grey * SHARES[..., 3:] + 1 - SHARES[..., 3:]))
    extra = {"extrasamples": ["unassalpha"], "planarconfig": "contig", "photometric": "minisblack"}
    near(tiff(both, **extra), wanted, within=1)


def test_a_deep_tiff_is_turned_and_decoded_in_a_process_that_can_be_ended() -> None:
    data = tiff(np.rot90(COLOURS).astype(np.float32).copy(), extratags=[(274, "H", 1, 6, True)])
    near(data)
    assert encoding_of(data) == ".tif"
    assert weigh(data).apart


def test_a_deep_tiff_without_its_package_is_said_and_others_need_none(monkeypatch: pytest.MonkeyPatch) -> None:
    deep, plain = tiff(COLOURS.astype(np.float32)), tiff(np.rint(COLOURS * 65535).astype(np.uint16))
    monkeypatch.setitem(sys.modules, "imagecodecs", None)
    with pytest.raises(
        PhotoError, match=r"^TIFF of deep colour needs tifffile: pip install 'visionft\[tiff\]', or save"
    ):
        decode(deep)
    near(plain, within=1)


def test_floats_of_no_range_and_other_layouts_are_refused() -> None:
    with pytest.raises(PhotoError, match="samples in no known range"):
        decode(tiff((COLOURS * 4).astype(np.float32)))
    for data in (
        tiff(np.dstack([SHARES, SHARES]).astype(np.float32)),
        tiff(COLOURS.astype(np.float32), compression="lzma"),
        tiff(np.rint(COLOURS * 65535).astype(np.uint16), planarconfig="separate", compression="jpegxl"),
    ):
        with pytest.raises(PhotoError, match=FOREIGN):
            decode(data)


def test_pixels_are_bounded_before_anything_is_decoded() -> None:
    data = tiff(COLOURS.astype(np.float32), compression="zlib")
    with pytest.raises(PhotoError, match=r"too many pixels \(2,240; 1,000 are allowed\)"):
        decode(data, max_pixels=1000)


@pytest.mark.parametrize("told", [{"compression": "lzw"}, {"compression": "zstd", "rowsperstrip": 9}, {}])
@pytest.mark.parametrize("planes", ["contig", "separate"])
def test_a_cut_a_hole_or_damage_costs_no_pixel(told: dict[str, Any], planes: str) -> None:
    data = tiff(COLOURS.astype(np.float32), planarconfig=planes, **told)
    pixels, random = decode(data), np.random.default_rng(1)
    for at in range(10, len(data), len(data) // 9):
        with pytest.raises(PhotoError, match=r"truncated|damaged"):
            decode(data[:at])
    middle = len(data) // 2
    if told:
        with pytest.raises(PhotoError, match=REASON.partition("(")[0]):
            decode(data[:middle] + bytes(300) + data[middle + 300 :])
    for _ in range(40):
        damaged = bytearray(data)
        for place in random.integers(0, 500, 3):
            damaged[place] = random.integers(0, 256)
        with suppress(PhotoError):
            assert decode(bytes(damaged), max_pixels=10_000).dtype == pixels.dtype


def test_the_colours_of_a_profile_are_followed() -> None:
    data = tiff(COLOURS.astype(np.float32), iccprofile=b"no profile")
    with opener(data[:HEAD])(BytesIO(data)) as picture:
        assert picture.info["icc_profile"] == b"no profile"
    near(data)
