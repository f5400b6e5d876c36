"""Named tensors from a file, told by what it holds; Python objects in it are never run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from visionft.backbones.state_dict import read_containers, require_file, shard_of
from visionft.errors import WeightsError

ONE, TWO = torch.tensor([1.0]), torch.tensor([2.0, 3.0])


def found(path: Path) -> dict[str, dict[str, list[float]]]:
    return {keys: {name: value.tolist() for name, value in tensors.items()} for keys, tensors in read_containers(path)}


def test_every_mapping_of_tensors_is_found_with_its_keys(tmp_path: Path) -> None:
    torch.save({"epoch": 3, "net": {"a": ONE, "deep": {"b": TWO}}, "ema": {"a": TWO}}, tmp_path / "w.pth")
    assert found(tmp_path / "w.pth") == {"net.": {"a": [1]}, "net.deep.": {"b": [2, 3]}, "ema.": {"a": [2, 3]}}


def test_what_torch_writes_into_names_is_taken_out(tmp_path: Path) -> None:
    torch.save({"_orig_mod.a": ONE, "b._fsdp_wrapped_module.c": TWO}, tmp_path / "w.pth")
    assert found(tmp_path / "w.pth") == {"": {"a": [1], "b.c": [2, 3]}}


def test_the_name_of_a_file_does_not_matter(tmp_path: Path) -> None:
    save_file({"a": ONE}, tmp_path / "w.pth")
    torch.save({"a": ONE}, tmp_path / "w.safetensors")
    assert found(tmp_path / "w.pth") == found(tmp_path / "w.safetensors") == {"": {"a": [1]}}


def test_shards_are_read_by_their_index_and_have_to_be_whole(tmp_path: Path) -> None:
    save_file({"a": ONE}, tmp_path / "1.safetensors")
    save_file({"b": TWO}, tmp_path / "2.safetensors")
    index = tmp_path / "w.safetensors.index.json"
    places = {"a": "1.safetensors", "b": "2.safetensors"}
    index.write_text(json.dumps({"weight_map": places}))
    assert found(index) == {"": {"a": [1], "b": [2, 3]}}
    index.write_text(json.dumps({"weight_map": {**places, "c": "2.safetensors"}}))
    with pytest.raises(WeightsError, match=r"names tensors that its shards lack \(c\); fetch the shards again"):
        read_containers(index)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        (
            "model-00002-of-00003.safetensors",
            "it is part 2 of 3: give model.safetensors.index.json, which names them all",
        ),
        ("model-00001-of-00001.safetensors", None),
        ("model.safetensors", None),
    ],
)
def test_the_name_of_a_part_is_known(name: str, said: str | None) -> None:
    assert shard_of(Path(name)) == said


def test_a_folder_in_the_place_of_a_file_names_the_one_file_in_it(tmp_path: Path) -> None:
    (tmp_path / "net").mkdir()
    for name in ("a.safetensors", "b.safetensors"):
        (tmp_path / "net" / name).touch()
    words = "which is a folder; give a safetensors or torch file with --weights"
    with pytest.raises(WeightsError, match=words):
        require_file(tmp_path / "net")
    (tmp_path / "net" / "b.safetensors").unlink()
    with pytest.raises(WeightsError, match=r"which is a folder with a\.safetensors in it; give"):
        require_file(tmp_path / "net")


def test_mappings_that_lie_too_deep_are_passed_over(tmp_path: Path) -> None:
    tree: dict[str, object] = {"a": ONE}
    for _ in range(40):
        tree = {"x": tree}
    torch.save(tree, tmp_path / "w.pth")
    with pytest.raises(WeightsError, match="holds no tensors; give a file with a state_dict"):
        read_containers(tmp_path / "w.pth")


def test_numbers_of_other_types_are_tensors_too(tmp_path: Path) -> None:
    values: dict[str, Tensor] = {"half": ONE.half(), "count": torch.tensor(3)}
    torch.save(values, tmp_path / "w.pth")
    [(_, tensors)] = read_containers(tmp_path / "w.pth")
    assert {name: value.dtype for name, value in tensors.items()} == {"half": torch.float16, "count": torch.int64}
