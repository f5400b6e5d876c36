"""The transform of the weights, under the wishes of the settings."""

import pytest

from visionft import backbones
from visionft.preprocess import Preprocess
from visionft.settings import PreprocessSettings


def test_the_weights_own_transform() -> None:
    made = backbones.preprocess("mobilenetv2_100", PreprocessSettings())
    assert made == Preprocess((224, 224), "shortest", 256, "bicubic", (0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    assert made.fill == (124, 116, 104)


def test_vision_transformers_have_other_means_and_crops() -> None:
    made = backbones.preprocess("vit_tiny_patch16_224", PreprocessSettings())
    assert (made.mean, made.std, made.resize_to) == ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5), 248)


def test_other_interpolations_than_bilinear_become_bicubic() -> None:
    assert backbones.preprocess("resnet18.tv_in1k", PreprocessSettings()).interpolation == "bilinear"
    assert backbones.preprocess("mobilenetv3_small_050", PreprocessSettings()).interpolation == "bicubic"


@pytest.mark.parametrize(
    ("wishes", "resize", "resize_to"),
    [
        (PreprocessSettings(size=192), "shortest", 219),
        (PreprocessSettings(size=192, crop_pct=1.0), "shortest", 192),
        (PreprocessSettings(size=192, mode="pad"), "longest", 192),
        (PreprocessSettings(size=192, mode="squash"), "squash", 192),
        (PreprocessSettings(size=192, mode="squash", crop_pct=0.96), "squash", 200),
    ],
)
def test_wishes_win(wishes: PreprocessSettings, resize: str, resize_to: int) -> None:
    made = backbones.preprocess("mobilenetv2_100", wishes)
    assert (made.size, made.resize, made.resize_to) == ((192, 192), resize, resize_to)


def test_a_network_has_the_size_that_it_was_made_for() -> None:
    network = backbones.create("test_vit", "none", 2, size=96)
    assert backbones.preprocess(network, PreprocessSettings()).size == (96, 96)
    assert backbones.preprocess("test_vit", PreprocessSettings()).size == (160, 160)
