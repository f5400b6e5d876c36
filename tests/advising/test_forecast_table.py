"""What is printed of a forecast, and which method it takes."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from visionft.advising.forecast_table import Fit, Forecast, gigabytes
from visionft.machine.gpu_cards import CARDS, card_of

FULL = Fit("full", None, {8: 10**9, 32: 4 * 10**9}, 40, None, 5 * 10**9, {"L4": 600.0}, 80_000_000)
LORA = Fit("lora", None, {8: 5 * 10**8, 32: 3 * 10**9}, 90, None, 3 * 10**9, {"L4": 500.0}, 1_000_000)
REFUSED = Fit("adapter", "resnet50 has no MLPs")
MADE = Forecast(CARDS["L4"], ("L4",), "vit", 224, "bf16", 64, 1e9, 0.1, 19.35e9, (FULL, LORA, REFUSED))


def test_it_says_which_method_which_batch_and_how_long() -> None:
    lines = str(MADE).splitlines()
    assert lines[0].startswith(
        "forecast for L4, 22.5 GB: vit, crops of 224 pixels, bf16, batches of 64; nothing was run"
    )
    assert "19.4 GB are for tensors: 1.0 GB are kept for CUDA" in lines[1]
    assert "most photos a pass" in lines[2]
    assert "  adapter: resnet50 has no MLPs" in lines
    assert lines[-1] == "fits: full, in passes of 32, 5.0 GB of tensors, about 10 minutes on L4"
    assert MADE.micro_batch == 32
    assert "estimates" in lines[-2]
    assert "NVIDIA L4 data sheet" in lines[-2]


@pytest.mark.parametrize(
    ("fits", "method", "photos", "checkpoints"),
    [
        ((replace(FULL, largest=64), LORA), "full", 64, False),
        ((replace(FULL, largest=0, checkpointed=16), LORA), "full", 16, True),
        ((replace(FULL, largest=0, checkpointed=0), LORA), "lora", 64, False),
        ((replace(FULL, largest=0), replace(LORA, largest=0)), None, 0, False),
    ],
)
def test_full_fine_tuning_is_taken_where_it_fits_in_any_way(
    fits: tuple[Fit, ...], method: str | None, photos: int, checkpoints: bool
) -> None:
    found = replace(MADE, fits=fits)
    assert (found.method, found.micro_batch, found.checkpoints) == (method, photos, checkpoints)
    last = str(found).splitlines()[-1]
    assert ("with gradient checkpointing" in last) == checkpoints
    assert last.startswith(
        f"fits: {method}" if method else "nothing fits into L4, 22.5 GB: choose a smaller --backbone"
    )


def test_without_rates_no_time_is_told() -> None:
    bare = [replace(fit, seconds={}) for fit in (FULL, LORA)]
    found = replace(MADE, card=card_of("7GB"), timed=(), fits=tuple(bare))
    assert "no time is told: name a card, such as --for 'RTX 4090'" in str(found)
    assert "about" not in str(found).splitlines()[-1]


def test_it_is_written_as_json_and_shown_in_a_notebook() -> None:
    plain = json.loads(json.dumps(MADE.to_json()))
    assert (plain["method"], plain["micro_batch"], plain["gradient_checkpointing"]) == ("full", 32, False)
    assert plain["fits"][0]["passes"] == {"8": 10**9, "32": 4 * 10**9}
    assert MADE._repr_html_().count("<tr>") == 3


def test_gigabytes_are_short() -> None:
    assert [gigabytes(size) for size in (23.456e9, 1e9, 0.456e9)] == ["23.5", "1.0", "0.46"]
