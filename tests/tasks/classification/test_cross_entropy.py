"""The training loss is cross-entropy, mixed and weighed as promised."""

import torch
from torch.nn import functional as F

from visionft.tasks.classification.cross_entropy import ClassificationLoss
from visionft.training.mixup import Targets

LOGITS = torch.randn(6, 4, generator=torch.Generator().manual_seed(0))
LABELS = torch.tensor([0, 1, 2, 3, 0, 1])
OTHERS = torch.tensor([3, 2, 1, 0, 2, 2])


def test_is_the_sum_of_smoothed_cross_entropy() -> None:
    expected = F.cross_entropy(LOGITS, LABELS, label_smoothing=0.1, reduction="sum")
    assert torch.equal(ClassificationLoss(0.1)(LOGITS, Targets(LABELS)), expected)


def test_of_mixed_targets_is_linear_in_the_share() -> None:
    loss = ClassificationLoss(0.0)
    first, second = loss(LOGITS, Targets(LABELS)), loss(LOGITS, Targets(OTHERS))
    mixed = loss(LOGITS, Targets(LABELS, OTHERS, 0.3))
    assert torch.allclose(mixed, 0.3 * first + 0.7 * second)


def test_over_micro_batches_adds_up_to_the_whole_batch() -> None:
    loss, targets = ClassificationLoss(0.1), Targets(LABELS, OTHERS, 0.6)
    parts = sum(loss(x, y) for x, y in zip(LOGITS.split(4), targets.split(4), strict=True))
    assert torch.allclose(parts, loss(LOGITS, targets))


def test_is_computed_in_fp32_under_half_precision() -> None:
    assert ClassificationLoss(0.0)(LOGITS.bfloat16(), Targets(LABELS)).dtype == torch.float32
