"""Of how many families of backbones can be said where they look: `python benchmarks/heat_maps.py`.

Random weights and heads, small members (benchmarks/families.py); a row a family with the places of its map, or why not.
"""

from __future__ import annotations

import time

import torch
from families import FAMILIES, make

from visionft.backbones.heat_map import HeatMaps
from visionft.errors import BackboneError


def main() -> None:
    """Print a row a family, and how many have a map."""
    torch.manual_seed(0)
    found = 0
    for name, family in FAMILIES.items():
        network, began = make(family), time.perf_counter()
        try:
            heat = HeatMaps(network)(torch.randn(1, 3, *network.input_size), torch.tensor([0]))
        except BackboneError as error:
            print(f"{name:20} none: {error}", flush=True)
            continue
        found += 1
        print(f"{name:20} {heat.shape[1]} x {heat.shape[2]}  {time.perf_counter() - began:.1f} s", flush=True)
    print(f"{found} of {len(FAMILIES)} families")


if __name__ == "__main__":
    main()
