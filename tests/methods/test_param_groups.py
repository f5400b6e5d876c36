"""Groups: every parameter once, by depth and role, with weight decay where it belongs."""

import io

import pytest
import torch

from visionft import backbones, methods
from visionft.backbones import HeadKind


@pytest.mark.parametrize("name", ["mobilenetv3_small_050", "test_vit", "convnext_atto", "test_byobnet"])
@pytest.mark.parametrize("head", ["linear", "mlp", "cosine"])
def test_each_parameter_is_in_one_group(name: str, head: HeadKind) -> None:
    network = backbones.create(name, "none", 3, head)
    depth_map = backbones.depth_map(network)
    groups = methods.groups(network, depth_map)
    names = [parameter for group in groups for parameter in group.parameters]
    assert sorted(names) == sorted(name for name, _ in network.named_parameters())
    assert len({group.name for group in groups}) == len(groups)
    assert [group.depth for group in groups] == sorted(group.depth for group in groups)
    for group in groups:
        assert {depth_map.of_parameter[name] for name in group.parameters} == {group.depth}
        assert {methods.role_of(network, name) for name in group.parameters} == {group.role}
        assert (group.role == "head") == (group.depth == depth_map.head)


def test_only_matrices_and_kernels_decay() -> None:
    network = backbones.create("test_vit", "none", 3, "mlp")
    groups = methods.groups(network, backbones.depth_map(network))
    decaying = {name for group in groups if group.decays for name in group.parameters}
    parameters = dict(network.named_parameters())
    assert all(parameters[name].ndim > 1 for name in decaying)
    assert {"backbone.blocks.0.mlp.fc1.weight", "head.hidden.weight", "head.out.weight"} <= decaying
    assert not {"backbone.pos_embed", "backbone.cls_token", "head.norm.weight", "head.out.bias"} & decaying


def test_the_optimizer_gets_every_group_with_plain_values() -> None:
    network = backbones.create("mobilenetv3_small_050", "none", 3)
    groups = methods.groups(network, backbones.depth_map(network))
    optimizer = torch.optim.AdamW(methods.parameter_groups(network, groups, weight_decay=0.05))
    assert sum(len(group["params"]) for group in optimizer.param_groups) == len(list(network.parameters()))
    assert {group["weight_decay"] for group in optimizer.param_groups} == {0.0, 0.05}
    assert {group["lr"] for group in optimizer.param_groups} == {0.0}
    file = io.BytesIO()
    torch.save(optimizer.state_dict(), file)
    file.seek(0)
    again = torch.load(file, weights_only=True)
    assert [group["name"] for group in again["param_groups"]] == [group.name for group in groups]
