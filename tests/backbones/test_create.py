"""Any timm backbone by name; the wrong name, tag or size says what would be right."""

import pytest
import torch

from visionft import backbones
from visionft.backbones import HeadKind, Network
from visionft.backbones.model_names import registered
from visionft.errors import BackboneError


@pytest.mark.parametrize("head", ["linear", "mlp", "cosine"])
@pytest.mark.parametrize("name", ["mobilenetv3_small_050", "test_vit", "convnext_atto"])
def test_shapes(name: str, head: HeadKind) -> None:
    network = backbones.create(name, "none", 5, head)
    side = network.input_size[0]
    x = torch.randn(2, 3, side, side)
    assert not network.training
    assert network.embed(x).shape == (2, network.features)
    assert network(x).shape == (2, 5)
    assert {parameter.partition(".")[0] for parameter, _ in network.named_parameters()} == {"backbone", "head"}


def test_the_first_answer_of_a_linear_head_is_the_uniform_one() -> None:
    network = backbones.create("test_byobnet", "none", 4)
    assert torch.equal(network(torch.randn(2, 3, 64, 64)), torch.zeros(2, 4))


def test_a_name_without_tag_has_the_default_weights_description() -> None:
    assert registered("mobilenetv2_100") == registered("mobilenetv2_100.ra_in1k")
    network = backbones.create("mobilenetv2_100", "none", 4)
    assert network.pretrained_cfg["mean"] == (0.485, 0.456, 0.406)
    assert network.pretrained_cfg["license"] == "apache-2.0"


@pytest.mark.parametrize("name", [backbones.CPU_BACKBONE, backbones.GPU_BACKBONE])
def test_default_backbones_exist_with_permissive_weights(name: str) -> None:
    cfg = registered(name)
    assert cfg.has_weights
    assert cfg.license == "apache-2.0"


def test_a_transformer_is_made_for_the_size_asked_for() -> None:
    network = backbones.create("test_vit", "none", 2, size=96)
    assert network.input_size == (96, 96)
    assert network.get_parameter("backbone.pos_embed").shape == (1, 1 + 6 * 6, 64)
    assert not backbones.takes_any_size(network)
    assert network(torch.randn(1, 3, 96, 96)).shape == (1, 2)


def test_a_convolutional_net_takes_any_size() -> None:
    network = backbones.create("test_byobnet", "none", 2, size=96)
    assert network.input_size == (96, 96)
    assert backbones.takes_any_size(network)
    assert network(torch.randn(1, 3, 80, 64)).shape == (1, 2)
    assert network.convolutional


def test_a_transformer_is_not_convolutional() -> None:
    assert not backbones.create("test_vit", "none", 2).convolutional


def test_a_structure_has_the_names_and_shapes_of_the_network() -> None:
    made = backbones.create("test_vit", "none", 2, "mlp", size=96)
    bare = backbones.structure("test_vit", 2, "mlp", size=96)
    bare.load_state_dict(made.state_dict())
    x = torch.randn(1, 3, 96, 96)
    assert torch.equal(made(x), bare(x))


def test_equal_seeds_give_equal_networks() -> None:
    def make() -> Network:
        torch.manual_seed(3)
        return backbones.create("test_byobnet", "none", 2, "cosine")

    one, two = make().state_dict(), make().state_dict()
    assert all(torch.equal(one[name], two[name]) for name in one)


def test_dropout_before_the_head_and_drop_path() -> None:
    network = backbones.create("test_vit", "none", 2, "cosine", drop=0.5, drop_path=0.5).train()
    x = torch.randn(1, 3, 160, 160)
    assert not torch.equal(network(x), network(x))
    assert torch.equal(network.eval()(x), network(x))


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("mobilnetv2_100", "timm has no backbone called 'mobilnetv2_100'; did you mean mobilenetv2_100 or"),
        ("qqqqqqqq", "timm has no backbone called 'qqqqqqqq'; `visionft models` lists those that exist"),
        ("", "timm has no backbone called ''"),
        ("mobilenetv2_100.nope", "timm has no weights 'nope' for mobilenetv2_100; did you mean ra_in1k?"),
    ],
)
def test_unknown_names(name: str, words: str) -> None:
    with pytest.raises(BackboneError) as caught:
        backbones.create(name, "none", 2)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_size_that_cannot_be_is_refused() -> None:
    with pytest.raises(BackboneError, match=r"inception_v3 cannot take photos of 32 x 32 pixels \(.*choose another"):
        backbones.create("inception_v3", "none", 2, size=32)


def test_an_option_that_a_family_lacks_is_refused() -> None:
    with pytest.raises(BackboneError, match=r"timm cannot make vgg11 with drop_path_rate=0.1 \(.*drop_path_rate"):
        backbones.create("vgg11", "none", 2, drop_path=0.1)
