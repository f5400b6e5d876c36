"""The evaluation transform against timm's own, pixel for pixel, and its rules one by one."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from visionft.errors import DataError, UsageError
from visionft.photos import read
from visionft.preprocess import Preprocess, centre, supported

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
CROP_MODES = {"shortest": "center", "longest": "border", "squash": "squash"}


def preprocess(**given: object) -> Preprocess:
    values: dict[str, Any] = {"size": (224, 224), "resize": "shortest", "resize_to": 256, "interpolation": "bicubic"}
    return Preprocess(**(values | {"mean": MEAN, "std": STD} | given))


@pytest.fixture
def width_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give every PIL the order of passes that PIL before 13 has, so that timm is the same under each."""
    resize = Image.Image.resize

    def in_order(picture: Image.Image, size: tuple[int, int], resample: int) -> Image.Image:
        return resize(resize(picture, (size[0], picture.height), resample), size, resample)

    monkeypatch.setattr(Image.Image, "resize", in_order)


def noise(height: int, width: int) -> NDArray[np.uint8]:
    return np.random.default_rng(height * 10007 + width).integers(0, 256, (height, width, 3), dtype=np.uint8)


def timm_tensor(image: NDArray[np.uint8], size: tuple[int, int], **given: object) -> NDArray[np.float32]:
    transform = pytest.importorskip("timm.data").create_transform((3, *size), mean=MEAN, std=STD, **given)
    return np.asarray(transform(Image.fromarray(image)))


def clothing(shared: Path, count: int) -> list[Path]:
    photos = sorted((shared / "data" / "clothing" / "test").rglob("*.jpg"))
    assert len(photos) == 372
    return photos[:: len(photos) // count][:count]


@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic"])
def test_real_photos_become_timms_tensors_bit_for_bit(shared: Path, interpolation: str) -> None:
    ours = preprocess(interpolation=interpolation)
    for path in clothing(shared, 24):
        image = read(path)
        theirs = timm_tensor(image, (224, 224), crop_pct=0.875, interpolation=interpolation)
        np.testing.assert_array_equal(ours.tensor(image), theirs, err_msg=str(path))


@pytest.mark.usefixtures("width_first")
@pytest.mark.parametrize("resize", ["longest", "squash"])
def test_real_photos_whole_become_timms_tensors_bit_for_bit(shared: Path, resize: str) -> None:
    ours = preprocess(resize=resize)
    for path in clothing(shared, 12):
        image = read(path)
        theirs = timm_tensor(image, (224, 224), crop_pct=0.875, crop_mode=CROP_MODES[resize], interpolation="bicubic")
        np.testing.assert_array_equal(ours.tensor(image), theirs, err_msg=str(path))


@pytest.mark.usefixtures("width_first")
@pytest.mark.parametrize("resize", ["shortest", "longest", "squash"])
@pytest.mark.parametrize("size", [(64, 64), (63, 63), (48, 80), (80, 48)])
def test_odd_shapes_become_timms_tensors_bit_for_bit(size: tuple[int, int], resize: str) -> None:
    given = {"crop_pct": 0.9, "crop_mode": CROP_MODES[resize], "interpolation": "bicubic"}
    ours = preprocess(size=size, resize=resize, resize_to=math.floor(min(size) / 0.9))
    assert ours.box == tuple(math.floor(side / 0.9) for side in size)
    shapes = [(99, 100), (100, 99), (71, 71), (31, 37), (200, 33), (33, 201), (3, 5), (64, 64), (53, 53), (133, 66)]
    for shape in shapes:
        theirs = timm_tensor(noise(*shape), size, **given)
        np.testing.assert_array_equal(ours.tensor(noise(*shape)), theirs, err_msg=str(shape))


def test_the_width_is_always_resized_first() -> None:
    picture = Image.fromarray(noise(200, 33))
    in_order = picture.resize((64, 200), Image.Resampling.BICUBIC).resize((64, 64), Image.Resampling.BICUBIC)
    ours = preprocess(size=(64, 64), resize="squash", resize_to=64).pixels(noise(200, 33))
    np.testing.assert_array_equal(ours, np.asarray(in_order))


def test_a_crop_starts_at_half_rounded_to_even() -> None:
    assert [centre(extra) for extra in range(2000)] == [round(extra / 2.0) for extra in range(2000)]


def test_a_covered_square_has_torchvisions_sides() -> None:
    sides = np.random.default_rng(0).integers(1, 20000, (2000, 2))
    for height, width in sides.tolist():
        least, most = min(height, width), max(height, width)
        wanted = int(256 * most / least)
        assert preprocess().resized(height, width) == ((256, wanted) if height <= width else (wanted, 256))


@pytest.mark.parametrize(
    ("resize", "sides"),
    [("shortest", (32, 32 * 5000)), ("longest", (1, 32)), ("squash", (32, 32))],
)
def test_a_photo_of_one_row_still_works(resize: str, sides: tuple[int, int]) -> None:
    ours = preprocess(size=(32, 32), resize=resize, resize_to=32)
    assert ours.resized(1, 5000) == sides
    assert ours.resized(5000, 1) == sides[::-1]
    assert ours.pixels(noise(1, 5000)).shape == ours.pixels(noise(5000, 1)).shape == (32, 32, 3)


def test_an_extreme_photo_is_cut_before_it_is_enlarged(monkeypatch: pytest.MonkeyPatch) -> None:
    ours = preprocess(size=(24, 24), resize_to=28)
    for image in (noise(3, 4000), noise(4000, 3), noise(50, 4001), noise(4001, 50)):
        whole = ours.pixels(image).astype(int)
        with monkeypatch.context() as patched:
            patched.setattr("visionft.preprocess._WHOLE", 100)
            part = ours.pixels(image).astype(int)
        assert np.abs(part - whole).max() <= 1
    assert ours.pixels(np.full((1, 200_000, 3), 7, np.uint8)).tolist() == np.full((24, 24, 3), 7).tolist()


def test_padding_is_the_mean_around_the_whole_photo() -> None:
    pixels = preprocess(size=(64, 64), resize="longest", resize_to=64).pixels(np.full((20, 40, 3), 255, np.uint8))
    assert (pixels[16:48] == 255).all()
    assert (pixels[:16] == (124, 116, 104)).all()
    assert (pixels[48:] == (124, 116, 104)).all()


def test_a_given_fill_is_kept() -> None:
    pixels = preprocess(size=(8, 8), resize="longest", resize_to=4, fill=(1, 2, 3)).pixels(noise(9, 9))
    assert pixels[0, 0].tolist() == [1, 2, 3]


def test_pixels_are_new_writable_and_contiguous() -> None:
    image = noise(224, 224)
    pixels = preprocess(resize_to=224).pixels(image)
    np.testing.assert_array_equal(pixels, image)
    assert pixels.flags.writeable
    assert pixels.flags.c_contiguous
    assert not np.shares_memory(pixels, image)


def test_a_view_is_read_like_its_copy() -> None:
    image = noise(100, 80)[::2, ::-1]
    np.testing.assert_array_equal(preprocess().pixels(image), preprocess().pixels(image.copy()))


def test_a_tensor_is_contiguous_float32_channels_first() -> None:
    tensor = preprocess().tensor(noise(30, 40))
    assert (tensor.shape, str(tensor.dtype), tensor.flags.c_contiguous) == ((3, 224, 224), "float32", True)


def test_json_and_back_is_the_same() -> None:
    ours = preprocess(size=(192, 256), resize="longest")
    assert Preprocess.from_json(json.loads(json.dumps(ours.to_json()))) == ours
    assert hash(ours) == hash(Preprocess.from_json(ours.to_json()))


def test_the_layout_of_the_json() -> None:
    assert preprocess().to_json() == {
        "version": 1,
        "size": [224, 224],
        "resize": "shortest",
        "resize_to": 256,
        "interpolation": "bicubic",
        "mean": [0.485, 0.456, 0.406],
        "std": [0.229, 0.224, 0.225],
        "fill": [124, 116, 104],
    }


def test_json_of_another_version_is_refused() -> None:
    with pytest.raises(DataError, match="the preprocess is of version 2; this visionft reads 1: update visionft"):
        Preprocess.from_json(preprocess().to_json() | {"version": 2})


def test_json_with_wrong_keys_is_refused() -> None:
    values = preprocess().to_json()
    values["stdev"] = values.pop("std")
    with pytest.raises(DataError, match="the preprocess lacks or has by mistake 'std', 'stdev'; export it again"):
        Preprocess.from_json(values)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"size": (0, 224)}, r"preprocess.size is \(0, 224\): give \(height, width\) in pixels"),
        ({"resize": "crop"}, "preprocess.resize is 'crop': give one of shortest, longest, squash"),
        ({"resize_to": 0}, "preprocess.resize_to is 0: give at least 1 pixel"),
        ({"interpolation": "lanczos"}, "preprocess.interpolation is 'lanczos': give bilinear or bicubic"),
        ({"mean": (0.5,)}, r"preprocess.mean is \(0.5,\): give three numbers"),
        ({"std": (1.0, 0.0, 1.0)}, r"preprocess.std is \(1.0, 0.0, 1.0\): give three numbers above 0"),
        ({"fill": (0, 0)}, r"preprocess.fill is \(0, 0\): give three levels"),
    ],
)
def test_impossible_fields_are_refused(given: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        preprocess(**given)


def test_all_faults_are_told_at_once() -> None:
    with pytest.raises(UsageError) as caught:
        preprocess(resize_to=0, interpolation="nearest")
    assert len(str(caught.value).splitlines()) == 2


@pytest.mark.parametrize(
    "image",
    [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 4), np.uint8), np.zeros((4, 4, 3)), np.zeros((0, 4, 3), np.uint8)],
)
def test_what_is_not_rgb_pixels_is_refused(image: NDArray[Any]) -> None:
    with pytest.raises(UsageError, match=r"not RGB pixels: .* give uint8 of shape \(height, width, 3\)"):
        preprocess().pixels(image)


def test_unsupported_interpolations_become_bicubic() -> None:
    names = ["bilinear", "bicubic", "random", "lanczos", "nearest"]
    assert [supported(name) for name in names] == ["bilinear", *["bicubic"] * 4]


def test_the_torch_free_rooms_load_no_torch() -> None:
    code = "import sys, visionft.preprocess, visionft.photos, visionft.classes; print(*sorted(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"torch", "timm", "lightning", "albumentations", "torchvision"} & set(loaded)
    assert "PIL.Image" in loaded
