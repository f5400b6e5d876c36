"""Where a run looks: the part of a photo that an answer comes from, drawn over what the network sees."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from visionft.backbones.heat_map import HeatMaps
from visionft.backbones.inference import normalise
from visionft.machine.arithmetic import full_precision
from visionft.machine.memory import ON_PROCESSOR, memory_shortage_said
from visionft.runs import Run
from visionft.runs.atomic_write import make_folder, replacing

WARM = (255, 110, 0)
"""Colour of what is warm: seen on light and dark photos, and by people with any colour vision."""
STRENGTH = 0.7
"""Share of that colour in the warmest place."""
Pixels = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Explained:
    """One photo, and where the network looks for a class.

    Attributes:
        label: the class that is explained.
        answer: the class that the run answers with.
        probability: of the class that is explained, calibrated, in [0, 1].
        pixels: (H, W, 3) uint8 as the network sees the photo, resized and cropped.
        heat: (H, W) float32 in [0, 1]: the warmest place 1; 0 everywhere where nothing speaks for the class.
    """

    label: str
    answer: str
    probability: float
    pixels: Pixels
    heat: NDArray[np.float32]

    @property
    def picture(self) -> Pixels:
        """The photo in grey with what is warm coloured, (H, W, 3) uint8."""
        grey = self.pixels @ np.array([0.299, 0.587, 0.114])
        share = STRENGTH * self.heat[..., None].astype(np.float64)
        mixed: Pixels = np.rint(grey[..., None] * (1 - share) + np.array(WARM) * share).astype(np.uint8)
        return mixed

    def write(self, path: str | Path) -> Path:
        """Write the photo and the same with its warm places, side by side, as a PNG without metadata.

        Raises:
            RunError: it cannot be written.
        """
        make_folder(Path(path).parent)
        with replacing(Path(path)) as temporary:
            Image.fromarray(np.concatenate([self.pixels, self.picture], axis=1)).save(temporary, "PNG")
        return Path(path)

    def __str__(self) -> str:
        other = "" if self.label == self.answer else f"; the run answers {self.answer}"
        none = "" if self.heat.any() else ", and nothing in the photo speaks for it"
        return f"{self.label} {self.probability:.1%}{other}{none}"


Explain = Callable[[Pixels, str | None], Explained]
"""Explains RGB pixels (h, w, 3) for a class; none: the one that is answered."""


@contextmanager
def explainer(run: Run) -> Iterator[Explain]:
    """Open a run to explain its answers.

    Raises:
        BackboneError: no part of its network is laid out over the photo.
    """
    network, device = run.network().to(run.device), run.device
    with memory_shortage_said("the explanation", ON_PROCESSOR), full_precision():
        maps, answering = HeatMaps(network), run.answering()

        def explain(photo: Pixels, label: str | None = None) -> Explained:
            pixels = run.preprocess.pixels(photo)
            x = normalise(torch.from_numpy(pixels[None]), run.preprocess, device)
            with torch.no_grad():
                logits = network(x)
            probabilities = answering.probabilities(logits.float().cpu().numpy())[0]
            best = int(probabilities.argmax())
            place = best if label is None else run.classes.index(label)
            heat = maps(x, torch.tensor([place]))[0].float().cpu()
            names = run.classes.names
            return Explained(names[place], names[best], float(probabilities[place]), pixels, _grown(heat, pixels))

        yield explain


def _grown(heat: torch.Tensor, pixels: Pixels) -> NDArray[np.float32]:
    """Return a heat map (h, w) at the size of pixels (H, W, 3), between its places smoothly, the warmest place 1."""
    size = pixels.shape[:2]
    grown = torch.nn.functional.interpolate(heat[None, None], size=size, mode="bilinear", align_corners=False)
    found: NDArray[np.float32] = grown[0, 0].numpy()
    return found / found.max() if found.any() else found  # the middle of a place lies between pixels
