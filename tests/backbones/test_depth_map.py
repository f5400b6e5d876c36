"""The depth map is complete and ordered for the families of timm, whatever their layout."""

import re
from itertools import pairwise

import timm
import torch

from visionft import backbones
from visionft.backbones import Network, WeightSource
from visionft.backbones.heads import LinearHead

FAMILIES = [
    "coat_lite_tiny",
    "convit_tiny",
    "convnext_atto",
    "crossvit_tiny_240",
    "dla46_c",
    "edgenext_xx_small",
    "efficientformerv2_s0",
    "eva02_tiny_patch14_224",
    "fastvit_t8",
    "ghostnet_050",
    "lcnet_035",
    "levit_128s",
    "maxvit_rmlp_pico_rw_256",
    "mobilenetv2_100",
    "mobilenetv3_small_050",
    "mobilenetv4_conv_small_050",
    "mobileone_s0",
    "mobilevit_xxs",
    "poolformer_s12",
    "pvt_v2_b0",
    "regnety_002",
    "repvgg_a0",
    "resnet10t",
    "rexnet_100",
    "shvit_s1",
    "starnet_s1",
    "test_byobnet",
    "test_efficientnet",
    "test_nfnet",
    "test_resnet",
    "test_vit",
    "tiny_vit_5m_224",
    "tinynet_e",
    "visformer_tiny",
    "xcit_nano_12_p16_224",
]
STEM = {"stem", "conv_stem", "patch_embed", "patch_embed1", "cls_token", "cls_token1", "pos_embed", "conv1"}
BLOCKS = (
    *("blocks", "stages", "layers", "layer", "features", "level", "stage", "serial_blocks", "body"),
    *("s1.", "s2.", "s3.", "s4."),
)


def untrained(name: str) -> Network:
    with torch.device("meta"):  # names and shapes are all that the depth map looks at
        backbone = timm.create_model(name, num_classes=0)
    width = int(backbone.head_hidden_size)  # type: ignore[arg-type]  # nn.Module types every attribute as a tensor
    return Network(backbone, LinearHead(width, 3), name=name, source=WeightSource(name, "none"), features=width,
                   num_classes=3, input_size=(224, 224))  # fmt: skip


def test_stem_blocks_head_in_order_for_all_families() -> None:
    seen = 0
    for name in FAMILIES:
        network = untrained(name)
        depth = backbones.depth_map(network)
        assert set(depth.of_parameter) == {parameter for parameter, _ in network.named_parameters()}, name
        assert set(depth.of_parameter.values()) == set(range(depth.levels)), name
        heads = {parameter for parameter, level in depth.of_parameter.items() if level == depth.head}
        assert heads == {"head.weight", "head.bias"}, name
        check_order(name, depth)
        seen += 1
    assert seen >= 20


def check_order(name: str, depth: backbones.DepthMap) -> None:
    own = {parameter.removeprefix("backbone."): level for parameter, level in depth.of_parameter.items()}
    stem = [level for parameter, level in own.items() if parameter.partition(".")[0] in STEM]
    blocks = {parameter: level for parameter, level in own.items() if parameter.startswith(BLOCKS)}
    assert blocks, name
    assert min(own.values()) == 0 == min(stem, default=0), name
    assert max(stem, default=0) <= min(blocks.values()), name
    assert max(blocks.values()) > min(blocks.values()), name
    for before, after in pairwise(number for parameter in blocks if (number := numbered(parameter))):
        if before[0] == after[0] and before[1] < after[1]:  # stages.1 comes before stages.2
            assert own[before[2]] <= own[after[2]], (name, before, after)


def numbered(parameter: str) -> tuple[str, int, str] | None:
    found = re.match(r"([a-z_]+)\.?(\d+)\.", parameter)
    return (found[1], int(found[2]), parameter) if found else None


def test_blocks_of_a_transformer_and_of_a_convolutional_net_count_upwards() -> None:
    vit = backbones.depth_map(untrained("test_vit"))
    assert [vit.of_parameter[f"backbone.blocks.{i}.attn.qkv.weight"] for i in range(6)] == [1, 2, 3, 4, 5, 6]
    assert vit.of_parameter["backbone.norm.weight"] == 6
    assert vit.levels == 8
    net = backbones.depth_map(untrained("mobilenetv2_100"))
    blocks = [level for name, level in net.of_parameter.items() if name.endswith("conv_dw.weight")]
    assert blocks == sorted(blocks)
    assert len(set(blocks)) == 17
    assert net.of_parameter["backbone.conv_stem.weight"] == 0
    assert net.of_parameter["backbone.conv_head.weight"] >= blocks[-1]


def test_a_backbone_without_group_matcher_goes_by_its_children() -> None:
    network = untrained("poolformer_s12")
    assert not hasattr(network.backbone, "group_matcher")
    depth = backbones.depth_map(network)
    stages = [depth.of_parameter[f"backbone.stages.{i}.blocks.0.mlp.fc1.weight"] for i in range(4)]
    assert stages == [1, 2, 3, 4]
    assert depth.of_parameter["backbone.stem.conv.weight"] == 0
