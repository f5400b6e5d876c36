"""Draw a run's answers to its test photos: `python docs/pictures/answers.py RUN PHOTOS OUT.png`.

Left, test photos with the answer and its probability, the wrong ones first; right, the confusion matrix. What is drawn
is read from RUN/evaluation/test, as `visionft fit` left it.
"""

from __future__ import annotations

import csv
import sys
from collections import Counter
from io import BytesIO
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from numpy.typing import NDArray
from PIL import Image

mpl.use("agg")
import matplotlib.pyplot as plt

ROWS, COLUMNS, SIDE = 4, 5, 120
RIGHT, WRONG = "#1b7837", "#b2182b"
COLOURS = 256  # of the palette that keeps the file small


def main(run: str, photos: str, out: str) -> None:
    """Draw both halves and write the file."""
    folder = Path(run) / "evaluation" / "test"
    with (folder / "predictions.csv").open(encoding="utf-8", newline="") as file:
        answers = list(csv.DictReader(file))
    names, counts = read_confusion(folder / "confusion.csv")
    figure = plt.figure(figsize=(10, 4.4), dpi=100, layout="constrained")
    left, right = figure.subfigures(1, 2, width_ratios=(1.25, 1.0))
    draw_photos(left, chosen(answers), Path(photos))
    draw_confusion(right, names, counts)
    write_small(figure, Path(out))


def chosen(answers: list[dict[str, str]]) -> list[dict[str, str]]:
    """Return the wrong answers, then right ones: of each class in turn, as many as there is room for."""
    wrong = [row for row in answers if row["correct"] != "true"][: 2 * COLUMNS]
    turns: Counter[str] = Counter()
    right = []
    for row in answers:
        if row["correct"] == "true":
            right.append((turns[row["truth"]], row))
            turns[row["truth"]] += 1
    in_turn = [row for _, row in sorted(right, key=lambda entry: entry[0])]
    return [*wrong, *in_turn][: ROWS * COLUMNS]


def draw_photos(place: Any, answers: list[dict[str, str]], photos: Path) -> None:
    """Draw a grid of photos with the answer above each; a wrong one names the truth too."""
    places = list(place.subplots(ROWS, COLUMNS).flat)
    for axes in places[len(answers) :]:
        axes.set_axis_off()
    for axes, row in zip(places, answers, strict=False):
        axes.imshow(Image.open(photos / row["path"]).convert("RGB").resize((SIDE, SIDE)))
        correct = row["correct"] == "true"
        told = f"{row['label']} {float(row['probability']):.0%}"
        axes.set_title(told, fontsize=8, color=RIGHT if correct else WRONG, pad=2)
        axes.set_xlabel("" if correct else f"is a {row['truth']}", fontsize=8, color=WRONG, labelpad=1)
        axes.set(xticks=[], yticks=[])


def read_confusion(path: Path) -> tuple[list[str], NDArray[np.int64]]:
    """Return the class names (C) and how often the class of a row was answered as that of a column [C, C]."""
    with path.open(encoding="utf-8", newline="") as file:
        head, *rows = list(csv.reader(file))
    return head[1:], np.array([[int(cell) for cell in row[1:]] for row in rows])


def draw_confusion(place: Any, names: list[str], counts: NDArray[np.int64]) -> None:
    """Draw counts [C, C]: the truth downwards, the answer to the right."""
    axes = place.subplots()
    axes.imshow(counts / np.maximum(counts.sum(1, keepdims=True), 1), cmap="Blues", vmin=0, vmax=1.3)
    for (row, column), count in np.ndenumerate(counts):
        if count:
            axes.text(
                column, row, count, ha="center", va="center", fontsize=9, color="black" if row == column else WRONG
            )
    axes.set_xticks(range(len(names)), names, rotation=45, ha="right", fontsize=8)
    axes.set_yticks(range(len(names)), names, fontsize=8)
    axes.set(xlabel="answer", ylabel="truth")
    axes.set_title(f"{np.trace(counts)} of {counts.sum()} test photos answered rightly", fontsize=9)


def write_small(figure: Any, out: Path) -> None:
    """Write a PNG with a palette."""
    buffer = BytesIO()
    figure.savefig(buffer, format="png")
    Image.open(buffer).convert("RGB").quantize(COLOURS).save(out, optimize=True)


if __name__ == "__main__":
    main(*sys.argv[1:4])
