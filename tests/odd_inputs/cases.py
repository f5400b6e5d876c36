"""Odd inputs, and what visionft says of each: the table that is tested and that the documentation shows."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tests.odd_inputs import making
from tests.odd_inputs.making import (
    CLASSES,
    Maker,
    bad,
    encoded,
    half,
    hole,
    parquet,
    renamed,
    sides,
    table,
    tree,
    zeroed,
)

AUDIT = "audit photos --quick"
FIT = "fit photos --method head --backbone visionft_pico --out new"
FIT_CSV = FIT.replace("photos", "photos.csv", 1)
FIT_PARQUET = FIT.replace("photos", "photos.parquet", 1)


@dataclass(frozen=True)
class Case:
    """One odd input.

    Attributes:
        kind: heading of its table.
        given: the input in words, Markdown.
        make: makes it in the working folder.
        call: the command line that meets it.
        says: what must stand in the output, word for word; parts between dots may stand apart, in this order.
        code: the exit code.
    """

    kind: str
    given: str
    make: Maker
    call: str
    says: str
    code: int = 0


def _folders() -> list[Case]:
    def case(given: str, make: Maker, says: str, code: int = 0, call: str = AUDIT) -> Case:
        return Case("Folders", given, make, call, says, code)

    return [
        case(
            "`Training/`, `Testing/` with class folders",
            sides("Training", "Testing"),
            "read as: class folders in splits, Testing/ for test and Training/ for train",
        ),
        case(
            "`training_set/`, `test_set/`",
            sides("training_set", "test_set"),
            "read as: class folders in splits, test_set/ for test and training_set/ for train",
        ),
        case(
            "`TRAIN/`, `Valid/`, `TEST/`",
            sides("TRAIN", "Valid", "TEST"),
            "read as: class folders in splits, TEST/ for test, TRAIN/ for train and Valid/ for validation",
        ),
        case(
            "`train/`, `dev/`",
            sides("train", "dev"),
            "read as: class folders in splits, dev/ for validation and train/",
        ),
        case(
            "`dataset/train`, `dataset/val`, `dataset/test`",
            sides("train", "val", "test", wrapper="dataset/"),
            "read as: class folders in splits, dataset/test/, dataset/train/ and dataset/val/ for validation",
        ),
        case(
            "one folder around the class folders",
            tree(lambda name, _: f"download/photos-v2/{name}"),
            "read as: class folders in download/photos-v2/, no splits",
        ),
        case(
            "`A/` and `B/` with the same class folders in both",
            sides("A", "B"),
            "photos has the same folders (disc, square and stripes) in each of A and B, which may be sides of one set: ... add --data.depth none ... add --data.depth 1 ... add --data.inside '*', or, if they are sides, name the one with the photos to train on train",
            1,
        ),
        case(
            "`class/product/photo.jpg`, 60 products of 3 photos",
            making.products,
            "3 classes with 60 products (disc/disc-00 is a product of disc); if the folders are the classes, add --data.depth none",
        ),
        case(
            "photos in `disc` and in `disc/more`",
            tree(lambda name, n: name if n % 2 else f"{name}/more"),
            "photos both in disc, square and stripes and in folders below: for one class disc with all of them add --data.depth 1; for classes of their own such as disc/more add --data.depth none",
            1,
        ),
        case(
            "photos beside the class folders",
            making.loose,
            "1 entry in quarantine: 1 not in a class folder",
        ),
        case(
            "a link to the whole tree inside a class",
            making.linked,
            "60 files of 3 classes ... 1 entry in quarantine: 1 a link to a folder that was already read",
        ),
        case(
            "a named pipe called `pipe.jpg`",
            making.fifo,
            "60 files of 3 classes ... 1 entry in quarantine: 1 not a regular file",
        ),
    ]


def _classes() -> list[Case]:
    def case(given: str, make: Maker, says: str, code: int = 0, call: str = AUDIT) -> Case:
        return Case("Class names", given, make, call, says, code)

    return [
        case(
            "`disc`, `Disc`, `DISC `",
            renamed("disc", "Disc", "DISC "),
            "odd classes: 'DISC ', 'Disc' and 'disc' differ in case, blanks or signs alone ... 'DISC ' begin or end with a blank: rename without it",
        ),
        case(
            "`0` to `11`",
            making.numbered(12),
            "odd classes: names are numbers, but indices follow their order as text: class '10' has index 2",
        ),
        case("`1`, `1.0`, `01`", renamed("1", "1.0", "01"), "odd classes: '01', '1' and '1.0' are one number"),
        case(
            "`nan`, `None`", renamed("nan", "None"), "odd classes: 'None' and 'nan' read like a value that is missing"
        ),
        case(
            "`=1+1`, `@home`",
            renamed("=1+1", "@home"),
            "odd classes: '=1+1' and '@home' would be computed by a spreadsheet",
        ),
        case(
            "a line break in the name",
            renamed("di\nsc"),
            "a class whose name holds a line break or another control character ('di\\nsc'): rename the folder",
            1,
        ),
        case(
            "an escape sequence in the name",
            renamed("\x1b[31mred"),
            "a class whose name holds a line break or another control character ('\\x1b[31mred'): rename the folder",
            1,
        ),
    ]


def _tables() -> list[Case]:
    def case(given: str, make: Maker, says: str, code: int = 0, call: str = FIT_CSV) -> Case:
        return Case("Tables", given, make, call, says, code)

    def spoil(line: int, old: str, new: str) -> Maker:
        return table(lambda lines: lines.__setitem__(line, lines[line].replace(old, new)))

    def stray(lines: list[str]) -> None:
        lines[5] = lines[5].replace("ok", '"5 inch')
        lines[40] = lines[40].replace("ok", '6"')

    def quoted(lines: list[str]) -> None:
        lines[5] = lines[5].replace(",disc", ',"disc')
        lines[20] = lines[20].replace(",disc", ',disc"')

    struct = parquet(lambda paths, labels: {"image": [{"bytes": None, "path": p} for p in paths], "label": labels})
    missing = parquet(
        lambda paths, labels: {
            "path": paths,
            "label": [float("nan") if i % 9 == 0 else float(CLASSES.index(label)) for i, label in enumerate(labels)],
        }
    )
    lists = parquet(lambda paths, labels: {"path": paths, "label": [[label] for label in labels]})
    return [
        case(
            "a stray quote in a column that is not used",
            table(stray),
            "line 6 of the manifest photos.csv has a quote that is not closed on that line, or text beside a quoted field",
            1,
        ),
        case(
            "a stray quote in the label",
            table(quoted),
            "line 6 of the manifest photos.csv has a quote that is not closed on that line, or text beside a quoted field",
            1,
        ),
        case(
            "one row with a field too many",
            spoil(7, "ok", "ok,again"),
            "line 8 of the manifest photos.csv has 4 fields and the header has 3",
            1,
        ),
        case(
            "semicolons between the fields",
            table(lambda lines: None, separator=";"),
            "60 photos of 3 classes: 40 train, 10 validation, 10 test",
        ),
        case(
            "UTF-16",
            table(lambda lines: None, encoding="utf-16"),
            "60 photos of 3 classes ... note: photos.csv is read as UTF-16, by its byte order mark",
        ),
        case(
            "the header `path,label,label`",
            spoil(0, "note", "label"),
            "photos.csv has more than one column 'label': keep one",
            1,
        ),
        case(
            "a row that names a photo that is not there",
            spoil(7, "shapes", "nowhere"),
            "59 photos of 3 classes: 39 train, 10 validation, 10 test; 1 of 60 photos left out ... 1 no such file (nowhere/disc/06.jpg); the whole list is in new/data.json ... top-1 100.0%; 1 of 60 photos left out",
        ),
        case(
            "one photo named twice, with two labels",
            table(lambda lines: lines.append(lines[1].replace(",disc", ",square"))),
            "photos.csv gives shapes/disc/00.jpg more than one label ('disc' and 'square', lines 2 and 62): keep one row for each photo",
            1,
        ),
        case(
            "rows without a label",
            spoil(7, ",disc", ","),
            "59 photos of 3 classes ... 1 of 60 photos left out ... 1 no label in the manifest (shapes/disc/06.jpg)",
        ),
        case("a class called `=1+1`", making.formula, "note: odd classes: '=1+1' would be computed by a spreadsheet"),
        case(
            "Parquet: `image` is a struct of bytes and path, as `datasets` writes it",
            struct,
            "60 photos of 3 classes: 40 train, 10 validation, 10 test",
            0,
            f"{FIT_PARQUET} --data.path-column image",
        ),
        case(
            "Parquet: labels as numbers, some of them NaN",
            missing,
            "7 of 60 photos left out ... 7 no label in the manifest ... note: the column 'label' of photos.parquet has floating-point numbers, all whole: 1.0 is read as 1",
            0,
            FIT_PARQUET,
        ),
        case(
            "Parquet: labels are lists",
            lists,
            "the column 'label' of photos.parquet holds list<element: string>, neither text nor numbers",
            1,
            FIT_PARQUET,
        ),
        case(
            "a text file called `.parquet`",
            lambda p: (p / "photos.parquet").write_text("path,label\n") and None,
            "the manifest photos.parquet cannot be read (",
            1,
            FIT_PARQUET,
        ),
    ]


def _photos() -> list[Case]:
    def case(given: str, make: Maker, says: str) -> Case:
        return Case("Photos", given, make, "predict run photos/disc", says)

    jpeg, png, webp = encoded("jpg", quality=90), encoded("png"), encoded("webp", quality=90)
    gif, tiff = encoded("gif"), encoded("tiff", compression="tiff_lzw")

    def floats(place: Path) -> None:
        from PIL import Image

        making.plain(place)
        ramp = np.linspace(0, 65535, 200 * 200, dtype=np.float32).reshape(200, 200)
        Image.fromarray(ramp).save(place / "photos" / "disc" / "a.tiff")

    return [
        case("a JPEG cut in half", bad("a.jpg", half(jpeg)), "a.jpg  not read: truncated ... 1 of 21 not read"),
        case(
            "a JPEG cut in half, with an end marker",
            bad("a.jpg", half(jpeg, b"\xff\xd9")),
            "a.jpg  not read: truncated ... 1 of 21 not read",
        ),
        case(
            "a JPEG with a hole of zeros",
            bad("a.jpg", hole(jpeg)),
            "a.jpg  not read: a part is missing (zeros in its place) ... 1 of 21 not read",
        ),
        case(
            "a JPEG that lacks its end marker alone", bad("a.jpg", lambda photo: jpeg(photo)[:-2]), "21 photos answered"
        ),
        case(
            "a JPEG of 3,000 scans",
            bad("a.jpg", making.scans(3000)),
            "a.jpg  not read: more than 100 scans ... 1 of 21 not read",
        ),
        case("a PNG cut in half", bad("a.png", half(png)), "a.png  not read: truncated ... 1 of 21 not read"),
        case(
            "a PNG with a wrong checksum",
            bad("a.png", making.wrong_checksum),
            "a.png  not read: damaged ... 1 of 21 not read",
        ),
        case(
            "a WebP whose second half is zeros",
            bad("a.webp", zeroed(webp)),
            "a.webp  not read: a part is missing (zeros in its place) ... 1 of 21 not read",
        ),
        case(
            "a GIF whose second half is zeros",
            bad("a.gif", zeroed(gif)),
            "a.gif  not read: a part is missing (zeros in its place) ... 1 of 21 not read",
        ),
        case(
            "a TIFF whose second half is zeros",
            bad("a.tiff", zeroed(tiff)),
            "a.tiff  not read: damaged ... 1 of 21 not read",
        ),
        case("a TIFF of floats from 0 to 65,535", floats, "21 photos answered"),
        Case(
            "Photos",
            "a TIFF of floats from 0 to 65,535, to train on",
            floats,
            FIT,
            "note: 1 photo of deep grey that states no range: 0 to 65,535 is black to white: disc/a.tiff",
        ),
        case("an empty file", bad("a.jpg", lambda _: b""), "a.jpg  not read: empty file ... 1 of 21 not read"),
        case(
            "an HTML page called `.jpg`",
            bad("a.jpg", lambda _: b"<!doctype html><title>404</title>"),
            "a.jpg  not read: a web page, not a photo ... 1 of 21 not read",
        ),
    ]


def _weights() -> list[Case]:
    fit = "fit shapes --method head --backbone test_resnet --preprocess.size 32 --out new --weights weights"

    def case(given: str, make: Maker, says: str, code: int = 0, name: str = "pth") -> Case:
        return Case("Weights", given, make, f"{fit}.{name}", says, code)

    def saved(change: str, name: str = "pth") -> Maker:
        def make(place: Path) -> None:
            import timm
            import torch
            from safetensors.torch import save_file

            torch.manual_seed(0)
            state = {key: value.clone() for key, value in timm.create_model("test_resnet").state_dict().items()}
            file = place / f"weights.{name}"
            if change in ("nan", "inf"):
                state["conv1.0.weight"][0, 0, 0, 0] = float(change)
            if change in ("nan", "inf", "as safetensors"):
                save_file(state, file)
            elif change.endswith("."):
                torch.save({change + key: value for key, value in state.items()}, file)
            elif change == "as zip":
                torch.save(state, file)
            else:
                torch.save({change: state, "epoch": 3}, file)

        return make

    return [
        case(
            "NaN in a tensor",
            saved("nan", "safetensors"),
            "weights.safetensors holds weights that are not finite (1 of 432 numbers of conv1.0.weight are NaN or infinite); its training went wrong or the file is damaged: give an earlier file, or fetch it again",
            1,
            "safetensors",
        ),
        case(
            "infinity in a tensor",
            saved("inf", "safetensors"),
            "weights.safetensors holds weights that are not finite (1 of 432 numbers of conv1.0.weight are NaN or infinite); its training went wrong or the file is damaged: give an earlier file, or fetch it again",
            1,
            "safetensors",
        ),
        case(
            "tensors below `model_state_dict`",
            saved("model_state_dict"),
            "weights: weights.pth ... run new: head on test_resnet",
        ),
        case("tensors below `net`", saved("net"), "weights: weights.pth ... run new: head on test_resnet"),
        case("every name begins with `net.`", saved("net."), "weights: weights.pth ... run new: head on test_resnet"),
        case(
            "every name begins with `student.backbone.`",
            saved("student.backbone."),
            "weights: weights.pth ... run new: head on test_resnet",
        ),
        case("every name begins with `0.`", saved("0."), "weights: weights.pth ... run new: head on test_resnet"),
        case(
            "safetensors called `.pth`",
            saved("as safetensors"),
            "weights: weights.pth ... run new: head on test_resnet",
        ),
        case(
            "PyTorch's file called `.safetensors`",
            saved("as zip", "safetensors"),
            "weights: weights.safetensors ... run new: head on test_resnet",
            0,
            "safetensors",
        ),
    ]


def _flags() -> list[Case]:
    def case(given: str, says: str) -> Case:
        return Case("Flags without effect", f"`{given}`", making.nothing, f"fit shapes {given}", says, 2)

    return [
        case(
            "--method head --epochs 5",
            "--epochs: 5 has no effect, as the method head solves a linear head and trains nothing by epochs; leave it out, or give --method.solver epochs or another --method",
        ),
        case(
            "--method head --augment.mixup 0.2",
            "--augment.mixup: 0.2 has no effect, as the method head solves a linear head and trains nothing by epochs; leave it out, or give --method.solver epochs or another --method",
        ),
        case(
            "--method head --optim.label-smoothing 0.1",
            "--optim.label-smoothing: 0.1 has no effect, as the method head solves a linear head and trains nothing by epochs; leave it out, or give --method.solver epochs or another --method",
        ),
        case(
            "--method head --optim.patience 3",
            "--optim.patience: 3 has no effect, as the method head solves a linear head and trains nothing by epochs; leave it out, or give --method.solver epochs or another --method",
        ),
        case(
            "--method head --optim.lr 0.1",
            "--optim.lr: 0.1 has no effect, as the method head solves a linear head and trains nothing by epochs; leave it out, or give --method.solver epochs or another --method",
        ),
        case("--method full --method.rank 4", "--method.rank: only the method lora or qlora has rank"),
    ]


def _paths() -> list[Case]:
    def case(given: str, call: str, says: str, code: int = 1) -> Case:
        return Case("Paths", given, making.nothing, call, says, code)

    return [
        case(
            "a folder whose name is not UTF-8",
            "fit lat\udce9 --method head",
            "PHOTOS: the name of lat\\xe9 is not UTF-8, and could not be written into any record; rename it",
            2,
        ),
        case(
            "`--out` that is not UTF-8",
            "fit shapes --method head --out lat\udce9",
            "--out: the name of lat\\xe9 is not UTF-8, and could not be written into any record; rename it",
            2,
        ),
        case(
            "an empty path", "fit '' --method head", "PHOTOS: the path is empty; give one, such as . for this folder", 2
        ),
        case(
            "a path below a file",
            "predict run shapes/disc/00.jpg/x.jpg",
            "shapes/disc/00.jpg/x.jpg lies below a file; give a path whose parents are folders",
            2,
        ),
        case(
            "a photo that is not there, named outright",
            "predict run shapes/disc/00.jpg nowhere.jpg",
            "nowhere.jpg  not read: no such file ... 1 photo answered, 1 of 2 not read ... a photo that you named could not be read: nowhere.jpg (no such file); mend it or leave it out, the rest is answered",
        ),
        case(
            "photos that are not there",
            "evaluate run --data other",
            "--data: other does not exist; give a folder of class folders, or a CSV/Parquet manifest",
            1,
        ),
    ]


def _runs() -> list[Case]:
    def case(given: str, make: Maker, says: str, code: int = 1, call: str = "predict run shapes/disc") -> Case:
        return Case("Runs and bundles", given, make, call, says, code)

    def emptied(place: Path) -> None:
        making.plain(place)
        for file in sorted((place / "photos" / "disc").iterdir())[:14]:
            file.write_bytes(b"")

    def moved(place: Path) -> None:
        from visionft import fit

        fit(place / "shapes", method="head", backbone="visionft_pico", out=place / "old", say=lambda _: None)
        (place / "shapes").rename(place / "elsewhere")

    def pipe(place: Path) -> None:
        import os

        (place / "run" / "classes.json").unlink()
        os.mkfifo(place / "run" / "classes.json")

    return [
        case(
            "one bit of `weights.safetensors` flipped",
            making.file_of_run("weights.safetensors", making.flipped),
            "run/weights.safetensors is damaged (its digest is not the one in digests.json); restore it from a copy, or train again with another --out",
        ),
        case(
            "the end of `weights.safetensors` cut off",
            making.file_of_run("weights.safetensors", lambda b: b[:-9]),
            "run/weights.safetensors is damaged ( ... and its digest is not the one in digests.json); restore it from a copy",
        ),
        case(
            "another name in `classes.json`",
            making.record("classes.json", lambda c: c.update(names=["a", "square", "stripes"])),
            "run/classes.json is damaged ( ... and its digest is not the one in digests.json); restore it from a copy",
        ),
        case(
            "another mean in `preprocess.json`",
            making.record("preprocess.json", lambda c: c.update(mean=[0.1, 0.2, 0.3])),
            "run/preprocess.json is damaged ( ... and its digest is not the one in digests.json); restore it from a copy",
        ),
        case(
            "a named pipe instead of `classes.json`",
            pipe,
            "run/classes.json is damaged (it is a FIFO); restore it from a copy",
        ),
        case(
            "an empty `result.json`",
            making.file_of_run("result.json", lambda _: b""),
            "run/result.json is damaged (0 bytes, written as ",
        ),
        case(
            "`evaluate --data` of 60 photos, 14 of them empty",
            emptied,
            "run on photos, 14 of 60 photos left out, 37 of them known to the run: 46 photos, 3 classes ... 60 photos asked for, 46 measured, 14 left out (14 empty file): disc/00.jpg, disc/01.jpg, disc/02.jpg and 11 more; all of them are in run/evaluation/data-photos/metrics.json",
            0,
            "evaluate run --data photos",
        ),
        case(
            "`evaluate --data` of photos that the run was trained on",
            making.nothing,
            "40 of the 60 photos are among those that the run was trained on, 10 among those that it was chosen by: without them top-1 is ",
            0,
            "evaluate run --data shapes",
        ),
        case(
            "the photos of a run were moved",
            moved,
            "none of the 10 test photos of the run is in shapes as it was (disc/07.jpg first: no such file): bring the photos back, or name the place that they moved to with --split test --data",
            1,
            "evaluate old",
        ),
        case(
            "moved photos, and where they are now",
            moved,
            "old on test: 10 photos, 3 classes ... note: the run's photos were in shapes, and are read in elsewhere: the same by digest",
            0,
            "evaluate old --split test --data elsewhere",
        ),
    ]


CASES = [*_folders(), *_classes(), *_tables(), *_photos(), *_weights(), *_flags(), *_paths(), *_runs()]
