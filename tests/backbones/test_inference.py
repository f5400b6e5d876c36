"""Batches in, answers out: exact arithmetic, untouched modes, whatever the batch size."""

import numpy as np
import pytest
import torch
from torch import Tensor

from visionft import backbones
from visionft.backbones import Network
from visionft.preprocess import Preprocess
from visionft.settings import PreprocessSettings

Batch = tuple[Tensor, Tensor, Tensor]


@pytest.fixture(scope="module")
def network() -> Network:
    torch.manual_seed(0)
    return backbones.create("test_byobnet", "none", 3, "cosine", size=64)


@pytest.fixture(scope="module")
def photos() -> Tensor:
    return torch.randint(0, 256, (7, 64, 64, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


def batches(photos: Tensor, size: int) -> list[Batch]:
    n = torch.arange(len(photos))
    return list(zip(*(torch.split(tensor, size) for tensor in (photos, n % 3, n + 10)), strict=True))


def test_normalised_pixels_are_those_of_the_reference(photos: Tensor) -> None:
    preprocess = backbones.preprocess("test_byobnet", PreprocessSettings(size=64, crop_pct=1.0))
    x = backbones.normalise(photos, preprocess, "cpu")
    assert x.shape == (7, 3, 64, 64)
    assert x.dtype == torch.float32
    assert x.is_contiguous(memory_format=torch.channels_last)
    reference = np.stack([preprocess.tensor(photo.numpy()) for photo in photos])
    assert np.abs(x.numpy() - reference).max() < 1e-6


def test_pixels_normalised_in_evaluation_first_serve_training_later(photos: Tensor) -> None:
    preprocess = backbones.preprocess("vit_tiny_patch16_224", PreprocessSettings(size=64))
    with torch.inference_mode():
        backbones.normalise(photos, preprocess, "cpu")
    weight = torch.ones(3, 1, 1, requires_grad=True)
    (backbones.normalise(photos, preprocess, "cpu") * weight).sum().backward()  # type: ignore[no-untyped-call]
    assert weight.grad is not None


def test_answers_do_not_depend_on_the_batches(network: Network, photos: Tensor) -> None:
    preprocess = backbones.preprocess(network, PreprocessSettings())
    whole = backbones.forward_batches(network, batches(photos, 7), preprocess, device="cpu")
    parts = backbones.forward_batches(network, batches(photos, 2), preprocess, device="cpu")
    assert set(whole) == {"logits", "embedding", "labels", "indices"}
    assert whole["logits"].shape == (7, 3)
    assert whole["embedding"].shape == (7, network.features)
    assert whole["logits"].dtype == whole["embedding"].dtype == np.float32
    assert parts["labels"].tolist() == [0, 1, 2, 0, 1, 2, 0]
    assert parts["indices"].tolist() == list(range(10, 17))
    for key in whole:
        np.testing.assert_allclose(parts[key], whole[key], rtol=1e-4, atol=1e-5)
    logits = network.head(torch.from_numpy(whole["embedding"])).detach().numpy()
    np.testing.assert_allclose(logits, whole["logits"], rtol=1e-5, atol=1e-6)


def test_modes_and_statistics_stay_as_they_were(network: Network, photos: Tensor) -> None:
    network.train()
    network.backbone.get_submodule("stem").eval()
    modes = [module.training for module in network.modules()]
    buffers = [buffer.clone() for buffer in network.buffers()]
    preprocess = backbones.preprocess(network, PreprocessSettings())
    backbones.forward_batches(network, batches(photos, 4), preprocess, device="cpu")
    assert [module.training for module in network.modules()] == modes
    assert all(torch.equal(old, new) for old, new in zip(buffers, network.buffers(), strict=True))
    network.eval()


def test_only_what_is_wanted_is_computed(network: Network, photos: Tensor, monkeypatch: pytest.MonkeyPatch) -> None:
    preprocess = backbones.preprocess(network, PreprocessSettings())
    monkeypatch.setattr(network.head, "forward", None)
    answers = backbones.forward_batches(network, batches(photos, 4), preprocess, device="cpu", want=("embedding",))
    assert set(answers) == {"embedding", "labels", "indices"}


def test_half_precision_is_near_and_comes_back_in_float32(network: Network, photos: Tensor) -> None:
    preprocess = backbones.preprocess(network, PreprocessSettings())
    exact = backbones.forward_batches(network, batches(photos, 4), preprocess, device="cpu")
    rough = backbones.forward_batches(network, batches(photos, 4), preprocess, device="cpu", dtype=torch.bfloat16)
    assert rough["logits"].dtype == np.float32
    assert 0 < np.abs(rough["logits"] - exact["logits"]).max() < 0.2


def test_no_batches_give_no_rows(network: Network) -> None:
    preprocess = backbones.preprocess(network, PreprocessSettings())
    answers = backbones.forward_batches(network, [], preprocess, device="cpu")
    assert answers["logits"].shape == (0, 3)
    assert answers["labels"].shape == (0,)


def test_normalising_is_one_product_and_one_sum_a_number_whatever_the_memory(photos: Tensor) -> None:
    preprocess = Preprocess((8, 8), "shortest", 8, "bicubic", (0.1, 0.5, 0.9), (0.2, 0.3, 0.4))
    mean, std = (torch.tensor(each, dtype=torch.float64) for each in (preprocess.mean, preprocess.std))
    plain = photos.float() * (1 / (255 * std)).float() + (-mean / std).float()
    for same in (photos, photos.permute(0, 3, 1, 2).contiguous().permute(0, 2, 3, 1), photos.float()):
        before = same.clone()
        x = backbones.normalise(same, preprocess, "cpu")
        assert torch.equal(x, plain.permute(0, 3, 1, 2))
        assert x.is_contiguous(memory_format=torch.channels_last)
        assert torch.equal(same, before)
    assert backbones.normalise(photos[:0], preprocess, "cpu").shape == (0, 3, *photos.shape[1:3])


def test_a_batch_without_room_is_answered_by_halves(network: Network, photos: Tensor) -> None:
    preprocess = backbones.preprocess("test_byobnet", PreprocessSettings(size=64, crop_pct=1.0))
    whole = backbones.forward_batches(network, batches(photos, 7), preprocess, device="cpu")
    embed, sizes = backbones.Network.embed, list[int]()

    def narrow(self: Network, x: Tensor) -> Tensor:
        sizes.append(len(x))
        if len(x) > 2:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return embed(self, x)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(backbones.Network, "embed", narrow)
        found = backbones.forward_batches(network, batches(photos, 7), preprocess, device="cpu")
    assert sizes[-7:] == [7, 4, 2, 2, 3, 2, 1]  # before them the folding looks at the network
    assert np.abs(found["logits"] - whole["logits"]).max() < 1e-5
    assert np.array_equal(found["labels"], whole["labels"])
