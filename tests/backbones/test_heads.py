"""New heads start where they cannot hurt."""

import pytest
import torch
from torch.nn import functional as F

from visionft.backbones.heads import HEADS, CosineHead, HeadKind, LinearHead, by_parts


@pytest.mark.parametrize("kind", ["linear", "mlp"])
def test_logits_are_zero_at_the_start_and_learn_from_there(kind: HeadKind) -> None:
    torch.manual_seed(0)
    head = HEADS[kind](16, 3)
    x, labels = torch.randn(30, 16), torch.arange(30) % 3
    assert torch.equal(head(x), torch.zeros(30, 3))
    optimizer = torch.optim.AdamW(head.parameters(), lr=1e-2)
    for _ in range(200):
        optimizer.zero_grad()
        F.cross_entropy(head(x), labels).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    assert (head(x).argmax(1) == labels).float().mean() > 0.9


def test_a_cosine_head_sees_directions_alone() -> None:
    torch.manual_seed(0)
    head = CosineHead(16, 3)
    x = torch.randn(5, 16)
    assert torch.allclose(head(x), head(7 * x), atol=1e-5)
    cosines = F.cosine_similarity(x[:, None], head.weight[None], dim=2)
    assert torch.allclose(head(x), 10 * cosines, atol=1e-5)
    head(x).square().sum().backward()
    assert head.scale.grad is not None
    assert head.scale.grad.abs().item() > 0


def test_a_solution_is_taken_over_exactly_and_its_shape_is_checked() -> None:
    torch.manual_seed(0)
    head, weight, bias = LinearHead(4, 3), torch.randn(3, 4, dtype=torch.float64), torch.randn(3)
    head.set_solution(weight, bias)
    assert torch.equal(head.weight, weight.float())
    assert torch.equal(head.bias, bias)
    assert head.weight.requires_grad
    with pytest.raises(ValueError, match=r"has the shapes \(\(3, 4\), \(3,\)\), \(\(4, 3\), \(3,\)\) were given"):
        head.set_solution(weight.T, bias)


@pytest.mark.parametrize("kind", ["linear", "mlp", "cosine"])
@pytest.mark.parametrize("features", [10, 47, 192])
def test_a_part_answers_bit_for_bit_whatever_other_parts_there_are(kind: HeadKind, features: int) -> None:
    torch.manual_seed(0)
    alone, among = HEADS[kind](features, 5, (5,)), HEADS[kind](features, 41, (29, 5, 7))
    rows = [name for name, tensor in among.named_parameters() if tensor.shape[0] == 41]
    with torch.no_grad():
        for parameter in among.parameters():
            parameter.copy_(torch.randn_like(parameter))
        for name, parameter in alone.named_parameters():
            whole = among.get_parameter(name)
            parameter.copy_(whole[29:34] if name in rows else whole)
        for photos in (1, 2, 33):
            x = torch.randn(photos, features)
            assert torch.equal(alone(x), among(x)[:, 29:34])


def test_parts_answer_as_one_head_but_for_rounding() -> None:
    torch.manual_seed(0)
    x, weight, bias = torch.randn(4, 6), torch.randn(5, 6), torch.randn(5)
    assert torch.allclose(by_parts(x, weight, bias, (2, 3)), F.linear(x, weight, bias), atol=1e-5)
    assert torch.equal(by_parts(x, weight, None, (5,)), F.linear(x, weight))
