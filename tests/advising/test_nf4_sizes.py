"""NormalFloat by its sizes, against bitsandbytes' own tensors."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from visionft.advising.nf4_sizes import Nf4Sizes, as_nf4
from visionft.methods.quantized_linear import Nf4Store, QuantizedLinear, quantize


@pytest.mark.parametrize("shape", [(64, 64), (30, 50), (152, 608)])
def test_every_tensor_has_the_size_that_bitsandbytes_gives_it(shape: tuple[int, int]) -> None:
    pytest.importorskip("bitsandbytes")
    true, sizes = Nf4Store(torch.randn(shape)), Nf4Sizes(shape)
    found = {name: buffer.nbytes for name, buffer in sizes.named_buffers()}
    assert found == {name: buffer.nbytes for name, buffer in true.named_buffers()}
    assert sizes().shape == true().shape


def test_quantised_layers_take_them() -> None:
    network = nn.Sequential(nn.Linear(8, 8))
    quantize(network, "int8", frozenset())
    as_nf4(network)
    layer = network[0]
    assert isinstance(layer, QuantizedLinear)
    assert isinstance(layer.store, Nf4Sizes)
