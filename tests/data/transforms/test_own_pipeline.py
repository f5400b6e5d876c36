"""A pipeline of the user's own is a pure function of (photo, seed, epoch, index), or it is refused in one sentence."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import albumentations as A
import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from visionft.data.transforms.augmentation import Augment
from visionft.data.transforms.own_pipeline import pipeline_text, transforms_of
from visionft.data.transforms.progressive_resizing import Sides
from visionft.errors import DataError, SettingsError
from visionft.settings import AugmentSettings

FILL = (124, 116, 104)
RICH = A.Compose(
    [
        A.RandomResizedCrop((40, 40), scale=(0.4, 1.0)),
        A.OneOf([A.HorizontalFlip(), A.ColorJitter(), A.GaussNoise()]),
        A.SomeOf([A.Blur(), A.Posterize(), A.CoarseDropout()], n=2),
    ],
    seed=7,
)


def photo(height: int, width: int, seed: int = 0) -> NDArray[np.uint8]:
    coarse = np.random.default_rng(seed).integers(0, 256, (4, 4, 3), dtype=np.uint8)
    return np.asarray(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC), np.uint8)


def augment(
    pipeline: Any = RICH, size: tuple[int, int] = (32, 32), seed: int = 0, sides: Sides | None = None
) -> Augment:
    return Augment(AugmentSettings(pipeline=pipeline_text(pipeline)), size, FILL, seed, sides)


def test_a_view_depends_on_seed_epoch_and_index_and_on_nothing_before_it() -> None:
    image, first, second, other = photo(60, 60), augment(), augment(), augment(seed=1)
    keys = [(epoch, index) for epoch in range(3) for index in range(8)]
    forwards = {key: first(image, *key) for key in keys}
    backwards = {key: second(image, *key) for key in reversed(keys)}
    assert all(np.array_equal(forwards[key], backwards[key]) for key in keys)
    assert len({view.tobytes() for view in forwards.values()}) == len(keys)
    assert not any(np.array_equal(other(image, *key), forwards[key]) for key in keys)


def test_threads_and_processes_see_the_same_views() -> None:
    image, own = photo(60, 60), augment()
    alone = [own(image, 0, index) for index in range(16)]
    copied = pickle.loads(pickle.dumps(own))
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda index: copied(image, 0, index), range(16)))
    assert all(np.array_equal(one, other) for one, other in zip(alone, together, strict=True))


@pytest.mark.parametrize("shape", [(50, 80), (10, 12), (3000, 40), (32, 48)])
@pytest.mark.parametrize("pipeline", [RICH, A.NoOp(), A.PadIfNeeded(100, 20)])
def test_any_photo_becomes_pixels_of_the_size(pipeline: Any, shape: tuple[int, int]) -> None:
    changed = augment(pipeline, (32, 48))(photo(*shape), 0, 0)
    assert (changed.shape, str(changed.dtype), changed.flags.c_contiguous) == ((32, 48, 3), "uint8", True)


def test_views_grow_with_the_epochs() -> None:
    growing = augment(sides=Sides(16, 32, 3))
    assert [growing(photo(60, 60), epoch, 0).shape[0] for epoch in range(3)] == [16, 32, 32]


def test_the_pipeline_gets_a_whole_photo_of_one_and_a_half_crops_at_most() -> None:
    corner = np.zeros((600, 900, 3), np.uint8)
    corner[:, :150] = 255  # outside the middle square, which is all that is left of a photo without a crop of its own
    assert augment(A.NoOp())(corner, 0, 0)[:, 2:].max() == 0
    assert augment(A.Crop(0, 0, 8, 48))(corner, 0, 0).min() == 255  # 48 pixels high and 72 wide: 12 are white


def test_no_view_is_fixed() -> None:
    assert not augment(A.NoOp()).fixed


@pytest.mark.parametrize("data_format", ["yaml", "json"])
def test_the_text_is_the_same_from_an_object_its_mapping_its_file_and_itself(data_format: Any, tmp_path: Path) -> None:
    text = pipeline_text(RICH)
    A.save(RICH, tmp_path / "pipeline", data_format=data_format)
    assert pipeline_text(tmp_path / "pipeline") == pipeline_text(A.to_dict(RICH)) == pipeline_text(text) == text
    assert transforms_of(text)[:3] == ["RandomResizedCrop", "OneOf", "HorizontalFlip"]


def test_a_single_transform_is_a_pipeline_too() -> None:
    image = photo(48, 48)
    assert np.array_equal(augment(A.HorizontalFlip(p=1.0), (48, 48))(image, 0, 0), image[:, ::-1])


class Mine(A.ImageOnlyTransform):
    def apply(self, img: NDArray[np.uint8], **_: Any) -> NDArray[np.uint8]:
        return img


def written(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def lambda_of(name: str | None) -> Any:
    return A.Compose([A.Lambda(image=lambda x, **_: x, name=name)])


FAULTS: list[tuple[Callable[[Path], Any], str]] = [
    (lambda _: lambda_of(None), "it cannot be written down .*Lambda.*; build it of albumentations' own transforms"),
    (lambda _: lambda_of("a"), "Lambda is a function, which is not written down"),
    (lambda _: A.Compose([A.OneOf([Mine()])]), r"Mine is a class of your own, which is not written down"),
    (lambda _: A.Compose([A.FDA()]), "it cannot be written down .*FDA"),
    (lambda _: A.Compose([A.Mosaic()]), "it asks for mosaic_metadata, and a photo comes alone"),
    (lambda _: A.Compose([A.NoOp()], bbox_params=A.BboxParams("yolo", label_fields=[])), "it asks for bbox_params"),
    (lambda _: A.Compose([A.NoOp()], additional_targets={"b": "image"}), "it asks for additional_targets"),
    (lambda _: A.Compose([A.Normalize()]), r"makes float32 of shape .* training takes uint8 of shape \(H, W, 3\)"),
    (lambda _: A.ToTensorV2(), "makes torch.uint8 of shape"),
    (lambda _: A.ToGray(num_output_channels=1, p=1), "makes uint8 of shape"),
    (lambda _: A.RandomCrop(4000, 4000), "fails on a photo of 1344 x 1792 pixels .*Crop size.*let it take any size"),
    (lambda _: 3, "int is no pipeline; give an A.Compose"),
    (lambda folder: folder / "gone.yaml", r"gone\.yaml cannot be read \(there is no such file\)"),
    (lambda folder: folder, r"cannot be read \(.*directory.*\); give a YAML file"),
    (
        lambda folder: written(folder / "a.yaml", "epochs: 3"),
        "a.yaml holds no pipeline; give a file that",
    ),
    (lambda _: '{"transform": {"__class_fullname__": "Nope"}}', "it cannot be built .albumentations has no 'Nope'"),
    (lambda _: '{"transform": {"__class_fullname__": "os.system"}}', "os.system is a class of your own"),
    (lambda _: {"transform": {"__class_fullname__": "Posterize", "num_bits": 99}}, "it cannot be built"),
    (
        lambda _: {"transform": {"__class_fullname__": "Posterize", "bits": 3}},
        "Posterize has no 'bits'; it has num_bits, p",
    ),
]


@pytest.mark.parametrize(("make", "words"), FAULTS)
# Mosaic and its kind warn of what they miss before they say that it is missing.
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_what_no_run_could_repeat_is_refused_in_one_sentence(
    make: Callable[[Path], Any], words: str, tmp_path: Path
) -> None:
    with pytest.raises(SettingsError, match=words) as caught:
        pipeline_text(make(tmp_path))
    assert str(caught.value).startswith("--augment.pipeline")
    assert "\n" not in str(caught.value)


def test_what_remembers_its_calls_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []

    def apply(_: Any, img: NDArray[np.uint8], **__: Any) -> NDArray[np.uint8]:
        calls.append(1)
        return np.roll(img, len(calls), axis=0)

    monkeypatch.setattr(A.VerticalFlip, "apply", apply)
    with pytest.raises(SettingsError, match=r"other pixels of the same photo.*\(VerticalFlip\)"):
        pipeline_text(A.VerticalFlip(p=0.99))


def test_a_photo_that_is_too_small_for_it_is_said_when_it_comes() -> None:
    with pytest.raises(DataError, match=r"fails on a photo of 20 x 30 pixels .*A\.RandomResizedCrop"):
        augment(A.RandomCrop(32, 32))(photo(20, 30), 0, 0)
