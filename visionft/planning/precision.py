"""The arithmetic of a step and the photos of one pass: tried where the answer depends on the machine."""

from __future__ import annotations

import torch

from visionft.backbones import Network
from visionft.machine.devices import has_bf16
from visionft.machine.memory import free_memory
from visionft.planning.auto import batch_norms
from visionft.planning.choices import Choice
from visionft.planning.crop_sizes import crop
from visionft.planning.memory_efficient import memory_efficient
from visionft.planning.step_timing import Way, bytes_beside, fitting_micro_batch, saved_bytes, seconds_per_photo
from visionft.planning.whole_batches import compares
from visionft.settings import FitSettings

WORTH_IT = 1.15  # what is not the default has to be this much faster: a busy machine moves a trial by a tenth
SMALL, LARGE = 8, 32  # photos of a pass: fp32 was never faster in larger ones (benchmarks/micro_batch.py), bf16 is
MEMORY_SHARE = 0.25  # of the free memory, that the backward pass may need for larger pieces to be tried
DTYPES = {"fp32": None, "bf16": torch.bfloat16, "fp16": torch.float16}
COMPARED = "the loss compares the photos of a whole batch"
NAMES = {dtype: name for name, dtype in DTYPES.items()}


def measures(settings: FitSettings) -> bool:
    """Tell whether `pace` hangs on a stopwatch, or on the memory that is free just now."""
    given, pieces = settings.hardware.precision, settings.optim.micro_batch
    if not settings.epochs:
        return False
    if settings.hardware.device == "cuda":
        return pieces == "auto"
    return has_bf16("cpu") if given == "auto" else given == "bf16" and pieces == "auto"


def pace(settings: FitSettings, network: Network) -> list[Choice]:
    """Return precision and micro-batch, with reasons; what was given is kept, and the rest chosen to go with it."""
    if not settings.epochs:
        return [
            Choice("hardware.precision", "fp32", "nothing is trained by epochs"),
            Choice("optim.micro_batch", min(_batch(settings), SMALL), "nothing is trained by epochs"),
        ]
    with memory_efficient(settings, network):
        return _on_gpu(settings, network) if settings.hardware.device == "cuda" else _on_processor(settings, network)


def _batch(settings: FitSettings) -> int:
    return int(settings.optim.batch_size)


def _on_gpu(settings: FitSettings, network: Network) -> list[Choice]:
    precision = Choice("hardware.precision", "bf16", "the GPU has it")
    if not has_bf16("cuda"):
        precision = Choice("hardware.precision", "fp16", "the GPU has no bf16")
    if settings.optim.micro_batch != "auto":
        return [precision]
    if compares(settings):
        return [precision, Choice("optim.micro_batch", _batch(settings), COMPARED)]
    given = settings.hardware.precision
    dtype = DTYPES[precision.value if given == "auto" else given]
    norms, channels_last = settings.optim.norm_statistics == "frozen", bool(settings.hardware.channels_last)
    beside = bytes_beside(network, averaged=bool(settings.optim.ema), pulled=bool(settings.optim.l2_sp))
    size = crop(settings, network.input_size)
    fits = fitting_micro_batch(
        network, size, _batch(settings), "cuda", dtype, channels_last, frozen_norms=norms, reserved=beside
    )
    return [precision, Choice("optim.micro_batch", fits, "the largest that fits the GPU's memory")]


def _on_processor(settings: FitSettings, network: Network) -> list[Choice]:
    ways = _ways(settings, network)
    if len(ways) == 1:
        return _untried(settings, network, ways[0])
    norms, channels_last = settings.optim.norm_statistics == "frozen", bool(settings.hardware.channels_last)
    times = seconds_per_photo(
        network, crop(settings, network.input_size), ways, "cpu", channels_last, frozen_norms=norms
    )
    fp32, bf16 = (_fastest(times, dtype) for dtype in (None, torch.bfloat16))
    if fp32 is None or bf16 is None:
        return [_pieces(settings, network, fp32 or bf16 or ways[0], times)]
    gain = times[fp32] / times[bf16]
    taken = bf16 if gain >= WORTH_IT else fp32
    reason = f"a bf16 step was measured {gain:.2f} times as fast as fp32 here"
    return [Choice("hardware.precision", NAMES[taken.dtype], reason), _pieces(settings, network, taken, times)]


def _fastest(times: dict[Way, float], dtype: torch.dtype | None) -> Way | None:
    """Return the first way of a dtype, or the fastest one where that is worth it."""
    ways = [way for way in times if way.dtype == dtype]
    if not ways:
        return None
    fastest = min(ways, key=times.__getitem__)
    return fastest if times[ways[0]] >= WORTH_IT * times[fastest] else ways[0]


def _pieces(settings: FitSettings, network: Network, taken: Way, times: dict[Way, float]) -> Choice:
    others = [way for way in times if way.dtype == taken.dtype and way != taken]
    if not others:
        return _untried(settings, network, taken)[-1]
    gain, other = times[others[0]] / times[taken], others[0].photos
    reason = f"measured {gain:.2f} times as fast as pieces of {other}; same gradient"
    if gain < 1:
        reason = f"pieces of {other} were measured {1 / gain:.2f} times as fast, less than {WORTH_IT}; same gradient"
    return Choice("optim.micro_batch", taken.photos, reason)


def _untried(settings: FitSettings, network: Network, way: Way) -> list[Choice]:
    precision = Choice("hardware.precision", NAMES[way.dtype], "the processor has no native bf16")
    if compares(settings):
        return [precision, Choice("optim.micro_batch", way.photos, COMPARED)]
    if _whole(settings, network):
        return [precision, Choice("optim.micro_batch", way.photos, "batch norms see the whole batch")]
    return [precision, Choice("optim.micro_batch", way.photos, "small pieces stay near the processor; same gradient")]


def _whole(settings: FitSettings, network: Network) -> bool:
    return settings.optim.norm_statistics == "batch" and bool(batch_norms(network))


def _ways(settings: FitSettings, network: Network) -> list[Way]:
    """Return what may be the fastest on this processor, fp32 first."""
    given, batch = settings.hardware.precision, _batch(settings)
    dtypes = [None, torch.bfloat16] if has_bf16("cpu") else [None]
    dtypes = dtypes if given == "auto" else [DTYPES[given]]
    if settings.optim.micro_batch != "auto":
        return [Way(dtype, int(settings.optim.micro_batch)) for dtype in dtypes]
    if _whole(settings, network) or compares(settings):
        return [Way(dtype, batch) for dtype in dtypes]
    ways = [Way(dtype, min(batch, SMALL)) for dtype in dtypes]
    large = Way(torch.bfloat16, min(batch, LARGE))
    if (
        torch.bfloat16 in dtypes
        and large not in ways
        and _has_room(network, crop(settings, network.input_size), large.photos)
    ):
        ways.append(large)
    return ways


def _has_room(network: Network, size: tuple[int, int], photos: int) -> bool:
    return photos * saved_bytes(network, size, photos=1) < MEMORY_SHARE * free_memory()
