"""Question: how do resize, crop and normalisation inside the graph compare with PIL's resize of the same photo?

Answer (2 cores of an AMD EPYC, Pillow 13, vit_tiny's 224 pixels): 0.87 of its time for clothing's photos, 0.81 for ones
three times as wide and high, and equal to the bit. onnxruntime's own Resize takes as long as PIL's (0.96, 0.99), and is
not equal. See results/preprocess.jsonl.

Timed in turn on each decoded photo, with one thread each: the graph up to `pixels`; PIL's resize alone; PIL's resize
and crop with numpy's normalisation, which is all that the graph does; onnxruntime's Resize of the same photo alone, in
its two passes and without the arithmetic that makes the graph PIL's equal to the bit; the whole answer. A photo's time
is the median of its rounds, a ratio that of the sums over all photos, its interval from photos drawn again with
replacement.

python benchmarks/preprocess.py BUNDLE...     ratios, milliseconds a photo and the share of the whole answer
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
from cells import SHARED, Cells
from numpy.typing import NDArray
from onnx import TensorProto, helper
from onnx.utils import Extractor
from PIL import Image

from visionft.bundle import Bundle
from visionft.bundle import names as n
from visionft.photos import read
from visionft.preprocess import Preprocess, centre
from visionft.serving.onnx_session import open_model

PHOTOS = "clothing/test"
SCALES = (1, 3)
"""The photos as they are, and three times as wide and high: what a phone gives."""
FILTERS = {"bilinear": Image.Resampling.BILINEAR, "bicubic": Image.Resampling.BICUBIC}
RESAMPLES = 1000

Pixels = NDArray[np.uint8]


def pil_resize(preprocess: Preprocess, image: Pixels) -> Image.Image:
    """Resize the whole photo in one call, as PIL's users do."""
    height, width = preprocess.resized(*image.shape[:2])
    return Image.fromarray(image).resize((width, height), FILTERS[preprocess.interpolation])


def pil_tensor(preprocess: Preprocess, image: Pixels) -> NDArray[np.float32]:
    """Return the network's input, (1, 3, S, S), by PIL and numpy."""
    picture = pil_resize(preprocess, image)
    top, left = centre(picture.height - preprocess.size[0]), centre(picture.width - preprocess.size[1])
    cropped = picture.crop((left, top, left + preprocess.size[1], top + preprocess.size[0]))
    scaled = np.asarray(cropped, np.float32).transpose(2, 0, 1) / np.float32(255)
    mean, std = (np.array(values, np.float32).reshape(3, 1, 1) for values in (preprocess.mean, preprocess.std))
    return np.ascontiguousarray((scaled - mean) / std)[None]


def ways(bundle: Bundle) -> dict[str, Callable[[Pixels], Any]]:
    """Return what is timed, each from a decoded photo."""
    half = Extractor(onnx.load(bundle.model)).extract_model([n.IMAGE], [n.PIXELS])
    graph, whole = open_model(half.SerializeToString(), threads=1), open_model(bundle.model, threads=1)
    bare = bare_resize(bundle.preprocess)
    return {
        "graph": lambda image: graph.run([n.PIXELS], {n.IMAGE: image[None]})[0],
        "pil_resize": lambda image: pil_resize(bundle.preprocess, image),
        "pil_all": lambda image: pil_tensor(bundle.preprocess, image),
        "bare_resize": bare,
        "whole_answer": lambda image: whole.run([n.LABEL, n.PROBABILITY], {n.IMAGE: image[None]}),
    }


def bare_resize(preprocess: Preprocess) -> Callable[[Pixels], Any]:
    """Return onnxruntime's own antialiased Resize, width first, from (H, W, 3) levels to floats of the resized size."""
    mode = {"bilinear": "linear", "bicubic": "cubic"}[preprocess.interpolation]
    how = {"mode": mode, "antialias": 1, "exclude_outside": 1, "cubic_coeff_a": -0.5}
    nodes = [
        helper.make_node("Transpose", ["image"], ["channels"], perm=[0, 3, 1, 2]),
        helper.make_node("Cast", ["channels"], ["levels"], to=TensorProto.FLOAT),
        helper.make_node("Resize", ["levels", "", "", "wide"], ["half"], **how),
        helper.make_node("Resize", ["half", "", "", "high"], ["resized"], **how),
    ]
    image = helper.make_tensor_value_info("image", TensorProto.UINT8, ["N", "H", "W", 3])
    sizes = [helper.make_tensor_value_info(name, TensorProto.INT64, [4]) for name in ("wide", "high")]
    resized = helper.make_tensor_value_info("resized", TensorProto.FLOAT, None)
    model = helper.make_model(
        helper.make_graph(nodes, "resize", [image, *sizes], [resized]),
        opset_imports=[helper.make_opsetid("", 20)],
        ir_version=10,
    )
    session = open_model(model.SerializeToString(), threads=1)

    def run(image: Pixels) -> NDArray[np.float32]:
        height, width = preprocess.resized(*image.shape[:2])
        sizes = {"wide": np.array([1, 3, image.shape[0], width]), "high": np.array([1, 3, height, width])}
        resized: NDArray[np.float32] = session.run(None, {"image": image[None]} | sizes)[0]
        return resized

    return run


def timed(
    timers: dict[str, Callable[[Pixels], Any]], images: list[Pixels], rounds: int
) -> dict[str, NDArray[np.float64]]:
    """Return (photos,) seconds of each way: the median of the rounds, the ways in turn and in turning order."""
    seconds = {name: np.zeros((len(images), rounds)) for name in timers}
    for i, image in enumerate(images):
        for turn in range(rounds + 1):  # the first warms up what depends on the photo's shape
            names = list(timers)
            for name in names[turn % len(names) :] + names[: turn % len(names)]:
                begin = time.perf_counter()
                timers[name](image)
                if turn:
                    seconds[name][i, turn - 1] = time.perf_counter() - begin
    return {name: np.median(values, axis=1) for name, values in seconds.items()}


def ratio(above: NDArray[np.float64], below: NDArray[np.float64]) -> dict[str, Any]:
    """Return the ratio of the sums and its 95 % interval over photos."""
    drawn = np.random.default_rng(0).integers(0, len(above), (RESAMPLES, len(above)))
    low, high = np.quantile(above[drawn].sum(1) / below[drawn].sum(1), [0.025, 0.975])
    return {"ratio": round(float(above.sum() / below.sum()), 3), "interval": [round(float(x), 3) for x in (low, high)]}


def measure(bundle: Bundle, images: list[Pixels], rounds: int) -> dict[str, Any]:
    """Time every way on every photo; both ways to the network's input must agree first."""
    timers = ways(bundle)
    level = 1 / 255 / min(bundle.preprocess.std)
    furthest = max(float(np.abs(timers["graph"](image) - timers["pil_all"](image)).max()) for image in images)
    seconds = timed(timers, images, rounds)
    return {
        "n": len(images),
        "rounds": rounds,
        "threads": 1,
        "largest_difference_in_levels": round(furthest / level, 3),
        "milliseconds": {name: round(1000 * float(np.median(values)), 3) for name, values in seconds.items()},
        "graph_to_pil_resize": ratio(seconds["graph"], seconds["pil_resize"]),
        "bare_resize_to_pil_resize": ratio(seconds["bare_resize"], seconds["pil_resize"]),
        "graph_to_pil_all": ratio(seconds["graph"], seconds["pil_all"]),
        "share_of_answer": ratio(seconds["graph"], seconds["whole_answer"]),
        "onnxruntime": ort.__version__,
        "pillow": Image.__version__,
    }


def main() -> None:
    """Measure each bundle on each scale of the photos."""
    parser = argparse.ArgumentParser()
    parser.add_argument("bundles", nargs="+", type=Path)
    parser.add_argument("--limit", type=int, default=100, help="photos; every third or so of the set")
    parser.add_argument("--rounds", type=int, default=7)
    arguments = parser.parse_args()
    cells = Cells("preprocess")
    files = sorted((SHARED / "data" / PHOTOS).rglob("*.jpg"))
    photos = [read(file) for file in files[:: max(1, len(files) // arguments.limit)][: arguments.limit]]
    for place in arguments.bundles:
        bundle = Bundle.open(place)
        for scale in SCALES:
            images = [enlarged(image, scale) for image in photos]
            side = bundle.preprocess.size[0]
            key = {"photos": PHOTOS, "scale": scale, "backbone": bundle.record.backbone, "side": side}
            cells.measure(key, lambda b=bundle, i=images: measure(b, i, arguments.rounds))


def enlarged(image: Pixels, scale: int) -> Pixels:
    """Return the photo `scale` times as high and wide."""
    size = (scale * image.shape[1], scale * image.shape[0])
    return image if scale == 1 else np.array(Image.fromarray(image).resize(size, Image.Resampling.BICUBIC))


if __name__ == "__main__":
    main()
