"""mixup and CutMix keep their promises and depend on (seed, step) alone."""

import pytest
import torch

from visionft.settings import AugmentSettings
from visionft.training.mixup import mix

PIXELS = torch.rand(8, 3, 16, 12, generator=torch.Generator().manual_seed(1))
LABELS = torch.arange(8)


def test_without_mixing_the_batch_passes_unchanged() -> None:
    pixels, targets = mix(PIXELS, LABELS, AugmentSettings(), 0, 5)
    assert pixels is PIXELS
    assert targets.others is None


def test_mixup_is_the_convex_combination_it_says() -> None:
    mixed, targets = mix(PIXELS, LABELS, AugmentSettings(mixup=0.8), 3, 7)
    assert targets.others is not None
    expected = targets.share * PIXELS + (1 - targets.share) * PIXELS[targets.others]
    assert torch.allclose(mixed, expected, atol=1e-6)


def test_cutmix_share_is_the_share_of_pixels_kept() -> None:
    for step in range(20):
        mixed, targets = mix(PIXELS, LABELS, AugmentSettings(cutmix=1.0), 0, step)
        assert targets.others is not None
        moved = [i for i in range(8) if targets.others[i] != i]
        for i in moved:
            kept = (mixed[i] == PIXELS[i]).all(0).float().mean()
            assert float(kept) == pytest.approx(targets.share, abs=1e-6)


@pytest.mark.parametrize(
    "settings", [AugmentSettings(mixup=0.2), AugmentSettings(cutmix=1.0), AugmentSettings(mixup=0.2, cutmix=1.0)]
)
def test_is_a_pure_function_of_seed_and_step(settings: AugmentSettings) -> None:
    first, again = mix(PIXELS, LABELS, settings, 1, 2), mix(PIXELS, LABELS, settings, 1, 2)
    other = mix(PIXELS, LABELS, settings, 1, 3)
    assert torch.equal(first[0], again[0])
    assert not torch.equal(first[0], other[0])
