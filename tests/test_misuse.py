"""Wrong calls and bad input: the exit code, the one sentence on stderr, no traceback, and nothing changed on disk.

Each case runs inside this process, and in the slow tier through a real one.
"""

from __future__ import annotations

import os
import pickle
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from tests.bundle.making import make_bundle
from visionft.cli import main

Told = tuple[int, str, str]
FILES = {
    "photos/cat/a.txt": b"not a photo",
    "bundle/README.md": b"nothing else",
    "a.jpg": b"",
    "broken.yaml": b"epochs: [1\n",
    "unknown.yaml": b"epochz: 3\n",
    "twice.yaml": b"seed: 1\nseed: 2\n",
    "list.yaml": b"- epochs\n",
    "object.yaml": b"x: !!python/object/apply:os.system [ls]\n",
    "binary.yaml": b"\xff\xfe\x00",
    "wrong.yaml": b"optim: {lr: 0}\nhead: round\n",
}

USAGE = [
    # (command line, regex of each line on stderr); wrong usage exits with 2 before anything heavy is imported
    ("fitt photos", [r"there is no command fitt; did you mean fit\?"]),
    ("train photos", [r"there is no command train; did you mean fit\?"]),
    (
        "frobnicate",
        [
            r"there is no command frobnicate; give one of fit, audit, review, select, advise, find-lr, evaluate, "
            r"explain, report, predict, .*"
        ],
    ),
    ("--frobnicate", [r"visionft has no flag --frobnicate; `visionft --help` shows what it takes"]),
    ("fit", [r"PHOTOS: nothing is given; give a folder of class folders, or a CSV/Parquet manifest"]),
    ("fit photos more", [r"fit takes nothing named more; `visionft fit --help` shows what it takes"]),
    ("fit photos --epohcs 3", [r"fit has no flag --epohcs; did you mean --epochs\?"]),
    ("fit photos --lr 0.1", [r"fit has no flag --lr; did you mean --optim.lr\?"]),
    ("fit photos --learning-rate 1", [r"fit has no flag --learning-rate; did you mean --optim.lr\?"]),
    ("fit photos --frobnicate", [r"fit has no flag --frobnicate; `visionft fit --help` shows what it takes"]),
    ("fit photos --epochs", [r"fit: --epochs has no value; `visionft fit --help` shows what it takes"]),
    ("fit photos --epochs 1 --epochs 2", [r"--epochs is given twice; give it once"]),
    ("fit photos --epochs many", [r"--epochs: many is not a whole number; give a whole number .*, or auto"]),
    ("fit photos --epochs -1", [r"--epochs: -1 is less than \d; give a whole number .*, or auto"]),
    ("fit photos --optim.lr 0", [r"--optim.lr: 0 is not greater than 0; give a number above 0 and below 10, or auto"]),
    (
        "fit photos --optim.l2-sp 0.1 --method lora",
        [r"--optim.l2-sp: 0.1 pulls the backbone back to its start, and the method lora leaves the .*; leave it out.*"],
    ),
    ("fit photos --optim.lr nan", [r"--optim.lr: nan is not .*; give .*"]),
    ("fit photos --optim.batch_size 0", [r"--optim.batch-size: 0 is less than 1; give a whole number from 1, or auto"]),
    ("fit photos --augment.flip=maybe", [r"--augment.flip: maybe cannot be used; give true or false"]),
    ("fit photos --augment.strength srong", [r"--augment.strength: srong is not known here; did you mean strong\? .*"]),
    (
        "fit photos --method haed",
        [r"--method: haed is not known here; did you mean head\? give head, prototypes, full, .* norm"],
    ),
    ("fit photos --method head --method.cycles 2", [r"--method.cycles: only the method gradual has cycles; .*"]),
    ("fit photos --method gradual --method.phases soon", [r"--method.phases: soon is not a list; give a list such .*"]),
    ("fit photos --from", [r"fit: --from has no value; .*"]),
    ("fit photos --from-run a", [r"fit has no flag --from-run; did you mean --from\?"]),
    (
        "fit photos --classes.rename cat",
        [r"--classes.rename: cat is not a list; give a list such as old=new,.*, or none"],
    ),
    (
        "fit photos --classes.rename cat=dog --classes.rename cat=cow",
        [r"--classes.rename: cat is given two new names; give it one"],
    ),
    (
        "fit photos --classes.rename cat=dog",
        [r"--classes.rename: cat=dog has no effect, as classes of .* none is given; leave it out, or name .* --from"],
    ),
    ("fit photos --from runs/a --out runs/a", [r"--from and --out are both runs/a; give another --out"]),
    (
        "fit photos --method gradual --method.phases [1,",
        [r"--method.phases: line 1, .* is not YAML that can be read .*"],
    ),
    (
        "fit photos --head round --optim.clip -1",
        [r"--head: round is not known here; .*", r"--optim.clip: -1 is less .*"],
    ),
    ("fit wrong.yaml", [r"PHOTOS: wrong.yaml is a settings file, not photos; give it as --config wrong.yaml"]),
    (
        "fit photos --config none.yaml",
        [r"--config: none.yaml cannot be read \(there is no such file\); give a YAML file"],
    ),
    ("fit photos --config photos", [r"--config: photos cannot be read \(is a directory\); give a YAML file"]),
    (
        "fit photos --config broken.yaml",
        [r"broken.yaml: line 2, column 1 is not YAML that can be read .*; mend that line"],
    ),
    ("fit photos --config twice.yaml", [r"twice.yaml: line 2, .* \(the key seed is given twice\); mend that line"]),
    ("fit photos --config object.yaml", [r"object.yaml: line 1, .* \(could not determine a constructor .*"]),
    ("fit photos --config binary.yaml", [r"--config: binary.yaml is not text in UTF-8; give a YAML file"]),
    ("fit photos --config list.yaml", [r"--config: list.yaml holds no keys; give lines such as `epochs: 10`"]),
    ("fit photos --config unknown.yaml", [r"epochz in unknown.yaml: no such setting; did you mean epochs\?"]),
    (
        "fit photos --config wrong.yaml",
        [r"head in wrong.yaml: round is .*", r"optim.lr in wrong.yaml: 0 is not greater .*"],
    ),
    ("evaluate", [r"evaluate: RUN is missing; `visionft evaluate --help` shows what it takes"]),
    (
        "evaluate bundle --split tset",
        [r"--split: tset is not known here; did you mean test\? give train or validation or test"],
    ),
    ("review", [r"review: RUN is missing; `visionft review --help` shows what it takes"]),
    ("review photos --port -1", [r"--port: -1 is no port; give one from 0 to 65535"]),
    ("review bundle --optim.lr 1", [r"review has no flag --optim.lr; .*"]),
    ("predict bundle", [r"predict: PLACES is missing; `visionft predict --help` shows what it takes"]),
    ("predict bundle a.jpg --out answers.xls", [r"--out: answers.xls does not end in .csv, .jsonl, .parquet; give .*"]),
    ("export bundle --precision fp8", [r"--precision: fp8 is not known here; give fp32, fp16 or int8"]),
    (
        "export bundle --max-loss 1",
        [r"--max-loss: 1.0 has no effect, as precision fp32 makes nothing smaller; leave .*"],
    ),
    ("export bundle --allow slower", [r"--allow: slower has no effect, as precision fp32 makes nothing .*"]),
    ("export bundle --allow less", [r"--allow: less is not known here; give slower.*"]),
    ("export bundle --max-loss much", [r"--max-loss: much is not a number; give a number above 0 and at .*"]),
    (
        "export bundle --target 1.17.3",
        [r"--target: '1.17.3' is no runtime and its version; give one such as onnxruntime==1.17.3"],
    ),
    (
        "export bundle --target onnxruntime==1.12.1",
        [r"--target: onnxruntime 1.12.1 is older than any that opens a bundle; give 1.15 or later"],
    ),
    ("index", [r"index: RUN is missing; `visionft index --help` shows what it takes"]),
    ("index bundle", [r"index: PHOTOS is missing; `visionft index --help` shows what it takes"]),
    ("index bundle photos --optim.lr 1", [r"index has no flag --optim.lr; .*"]),
    ("search bundle", [r"search: PLACES is missing; `visionft search --help` shows what it takes"]),
    ("search bundle a.jpg --top 0", [r"--top: 0 is less than 1; give the number of hits for each photo"]),
    ("search bundle a.jpg --none-below 2", [r"--none-below: 2 is no cosine; give a number from -1 to 1, or auto"]),
    ("predict bundle a.jpg --top 0", [r"--top: 0 is less than 1; give the number of labels for each photo"]),
    ("predict bundle a.jpg --top few", [r"--top: few cannot be used; give a whole number"]),
    ("export bundle --accept 95", [r"--accept: 95 is not less than 1; give a number above 0 and below 1, or none"]),
    ("export bundle --accept all", [r"--accept: all is not a number; give a number above 0 and below 1, or none"]),
    ("compare bundle --data photos", [r"compare: AFTER is missing; `visionft compare --help` shows what it takes"]),
    ("compare bundle bundle", [r"compare: --data is missing; `visionft compare --help` shows what it takes"]),
    (
        "compare bundle bundle --data photos --out changes.xls",
        [r"--out: changes.xls does not end in .csv, .jsonl, .parquet, .html; give it one of these endings"],
    ),
    ("export bundle --golden all", [r"--golden: all is not known here; give photos or none"]),
    ("settings frobnicate", [r"no setting's name holds frobnicate; leave it out to see them all"]),
    ("models --limit 0", [r"--limit: 0 is less than 1; give a whole number from 1"]),
    ("models --limit few", [r"--limit: few cannot be used; give a whole number"]),
]

MENDABLE = [
    # (command line, regex of each line on stderr); failures that the user can mend exit with 1
    ("fit nowhere", [r"PHOTOS: nowhere does not exist; give a folder of class folders, or a CSV/Parquet manifest"]),
    ("fit photos --from nowhere", [r"there is no run at nowhere; give the folder that `visionft fit` wrote"]),
    ("fit photos --from bundle", [r"bundle is not a run: it has no settings.yaml; give the folder that .* wrote"]),
    (
        "evaluate nowhere",
        [r"the run or bundle nowhere does not exist; give the folder that `visionft fit` or .* wrote"],
    ),
    ("evaluate a.jpg", [r"the run or bundle a.jpg is not a folder; give the folder that .* wrote"]),
    ("evaluate bundle --data nowhere", [r"--data: nowhere does not exist; give a folder of class folders, .*"]),
    ("fit photos --retention nowhere", [r"--retention: nowhere does not exist; give a folder of class folders, .*"]),
    ("evaluate bundle --retention nowhere", [r"--retention: nowhere does not exist; give a folder of class .*"]),
    ("predict nowhere a.jpg", [r"the run or bundle nowhere does not exist; .*"]),
    ("predict bundle b.jpg", [r"b.jpg does not exist; give photos, folders of photos or globs"]),
    ("compare bundle nowhere --data photos", [r"the run or bundle nowhere does not exist; .*"]),
    ("compare bundle bundle --data nowhere", [r"nowhere does not exist; give photos, folders of photos or globs"]),
    ("index nowhere photos", [r"the run or bundle nowhere does not exist; .*"]),
    ("index bundle nowhere", [r"PHOTOS: nowhere does not exist; give a folder of class folders, .*"]),
    ("search nowhere a.jpg", [r"there is no index at nowhere; make one with `visionft index BUNDLE PHOTOS --out no.*"]),
    ("search bundle b.jpg", [r"b.jpg does not exist; give photos, folders of photos or globs"]),
    ("search bundle a.jpg", [r"there is no index at bundle; make one with `visionft index BUNDLE PHOTOS --out IND.*"]),
    ("review nowhere", [r"nowhere does not exist; give a run, or the photos that were audited"]),
    ("review a.jpg", [r"a.jpg is neither a folder nor a .csv or .parquet manifest: give one of these"]),
    ("review photos", [r"there is no audit at audits/photos; make it with `visionft audit photos`, and review again"]),
    ("export nowhere", [r"the run or bundle nowhere does not exist; .*"]),
]

CASES = [(line, 2, words) for line, words in USAGE] + [(line, 1, words) for line, words in MENDABLE]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, content in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(content)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(params=["inside", pytest.param("process", marks=pytest.mark.slow)])
def call(request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]) -> Callable[[list[str]], Told]:
    def inside(arguments: list[str]) -> Told:
        code = main(arguments)
        told = capsys.readouterr()
        return code, told.out, told.err

    def process(arguments: list[str]) -> Told:
        return through_process(arguments)

    return inside if request.param == "inside" else process


def through_process(arguments: list[str]) -> Told:
    # The tests change the folder, where a source tree that is not installed would not be found.
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    command = [sys.executable, "-m", "visionft", *arguments]
    told = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    return told.returncode, told.stdout, told.stderr


def contents(folder: Path) -> dict[str, bytes | None]:
    return {str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None for path in folder.rglob("*")}


def check(told: Told, code: int, words: list[str]) -> None:
    found, out, err = told
    assert (found, out) == (code, "")
    lines = err.splitlines()
    assert len(lines) == len(words), err
    for line, expected in zip(lines, words, strict=True):
        assert re.fullmatch(f"visionft: {expected}", line), line


def test_there_are_at_least_thirty_kinds() -> None:
    assert len({line for line, _, _ in CASES}) == len(CASES) >= 30


@pytest.mark.parametrize(("line", "code", "words"), CASES, ids=[line for line, _, _ in CASES])
def test_misuse(line: str, code: int, words: list[str], call: Callable[[list[str]], Told], folder: Path) -> None:
    before = contents(folder)
    check(call(line.split()), code, words)
    assert contents(folder) == before


def test_the_real_process_says_the_same(folder: Path) -> None:
    line, words = USAGE[6]
    check(through_process(line.split()), 2, words)


FIT = (
    "--backbone test_resnet --weights none --epochs 1 --preprocess.size 32 --augment.size 32 --hardware.device cpu "
    "--hardware.workers 0 --hardware.precision fp32 --hardware.threads 1"
)
WORK = [
    # (command line, exit code, regex of the one line on stderr); faults that are found only once the work has begun
    ("fit empty", 1, r"empty holds no class folders: give a folder with one folder of photos for each class, or .*"),
    ("fit one", 1, r"one has photos of only one class, 'cat': give at least two classes to tell apart"),
    ("fit each", 1, r"each has only one photo or product for each class, so that none is left to choose by: .*"),
    ("fit texts", 1, r"none of the 4 photos of texts can be used; cat/0.jpg is the first \(not an image.*\)"),
    ("fit thesis.tex", 1, r"thesis.tex is neither a folder nor a .csv or .parquet manifest: give one of these"),
    (
        "fit columns.csv",
        1,
        r"columns.csv has no column 'path' \(it has file and label\): rename one to 'path', or \(fit, advise, .*",
    ),
    ("fit header.csv", 1, r"header.csv names no photos: give it one row a photo, with its path and label"),
    ("fit run", 1, r".*"),
    (f"fit {{shapes}} {FIT} --weights gone.pt", 1, r"there is no file of weights at gone.pt; give a safetensors .*"),
    (f"fit {{shapes}} {FIT} --weights text.safetensors", 1, r"text.safetensors cannot be read as weights \(.*\); .*"),
    (f"fit {{shapes}} {FIT} --weights text.pt", 1, r"text.pt .*"),
    (
        f"fit {{shapes}} {FIT} --weights other.safetensors",
        1,
        r"other.safetensors does not fit the backbone test_resne.*",
    ),
    (
        f"fit {{shapes}} {FIT} --weights code.pt",
        1,
        r"code.pt is damaged or holds pickled objects, which are not run; .*",
    ),
    (f"fit {{shapes}} {FIT} --backbone test_resnt", 1, r".*test_resnt.*; did you mean test_resnet.*"),
    (f"fit {{shapes}} {FIT} --out thesis.tex", 1, r"thesis.tex is a file, not a folder; choose another --out"),
    (f"fit {{shapes}} {FIT} --out thesis.tex/run", 2, r"--out: thesis.tex/run lies below a file; give a path .*"),
    (f"fit {{shapes}} {FIT} --out foreign", 1, r"foreign holds other files \(mine.txt\); choose an empty or new .*"),
    (f"fit {{shapes}} {FIT} --out run --seed 9", 1, r"run was made with other settings \(.*seed was 0, is 9.*\); .*"),
    (f"fit {{shapes}} {FIT} --out damaged --seed 9", 1, r"damaged/choices.json is damaged \(15 bytes, .*\); .*"),
    (
        "evaluate unfinished",
        1,
        r"the run unfinished is not finished and has no weights yet; run the same `visionft fit` again to go on .*",
    ),
    ("evaluate foreign", 1, r"foreign is not a run: it has no settings.yaml; give the folder that `visionft fit` .*"),
    ("evaluate bundle", 2, r"bundle is a bundle and brings no photos; give labelled ones with --data"),
    ("evaluate run --data one", 1, r"one has the class 'cat', unknown to the run with its 3 classes.*"),
    ("evaluate run --out thesis.tex", 1, r"thesis.tex could not be written \(File exists\); .*"),
    ("evaluate cut", 1, r"cut/weights.safetensors is damaged \(1,508,912 bytes, .*\); restore it from a copy, or .*"),
    ("predict run empty", 1, r"empty holds or matches no photo; give the path of a photo, .*"),
    ("predict run none*.jpg", 1, r"none\*.jpg holds or matches no photo; give the path of a photo, .*"),
    ("predict bundle none*.jpg", 1, r"none\*.jpg holds or matches no photo; give the path of a photo, .*"),
    ("predict run one --out thesis.tex/a.csv", 2, r"--out: thesis.tex/a.csv lies below a file; give .*"),
    ("compare bundle run --data one", 1, r"one has the class 'cat', unknown to the run with its 3 classes.*"),
    ("compare bundle foreign --data one", 1, r"foreign is not a bundle \(it has no bundle.json\): give the folder .*"),
    ("compare bundle bundle --data empty", 1, r"empty holds or matches no photo; give the path of a photo, .*"),
    (
        "compare bundle bundle --data columns.csv",
        2,
        r"--data: columns.csv is a manifest and bundles are compared on files; give the folder of its photos",
    ),
    (
        "compare bundle bundle --data one --out thesis.tex/a.csv",
        2,
        r"--out: thesis.tex/a.csv lies below a file; give a path whose parents are folders",
    ),
    ("export foreign", 1, r"foreign is not a run: it has no settings.yaml; give the folder that `visionft fit` wrote"),
    ("export bundle", 1, r"bundle is not a run: it has no settings.yaml; give the folder that `visionft fit` wrote"),
    (
        "export unfinished",
        1,
        r"the run unfinished is not finished and has no weights yet; run the same `visionft fit` again to go on .*",
    ),
    ("export run --out foreign", 1, r"foreign exists and is not a bundle, so it is left as it is: give another --out"),
    ("export run --out thesis.tex", 1, r"thesis.tex exists and is not a bundle, so it is left as it is: .*"),
]


class Code:
    """Leaves a file behind wherever it is unpickled."""

    def __reduce__(self) -> tuple[Callable[..., object], tuple[str]]:
        return os.mkdir, ("code-was-run",)


@pytest.fixture
def place(tmp_path: Path, shapes: Path, trained: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the working folder, full of things that cannot be used and of some that can."""
    discs = sorted((shapes / "disc").iterdir())
    for name in ("empty", "one/cat", "each/cat", "each/dog", "texts/cat", "texts/dog", "foreign"):
        (tmp_path / name).mkdir(parents=True)
    for source, target in zip(
        discs, ("one/cat/0.jpg", "one/cat/1.jpg", "each/cat/0.jpg", "each/dog/1.jpg"), strict=False
    ):
        shutil.copy(source, tmp_path / target)
    for name in ("cat/0.jpg", "cat/1.jpg", "dog/0.jpg", "dog/1.jpg"):
        (tmp_path / "texts" / name).write_text(f"no photo {name}")
    for name in ("thesis.tex", "foreign/mine.txt", "text.safetensors", "text.pt"):
        (tmp_path / name).write_text("this is text and nothing else, long enough for any header")
    (tmp_path / "columns.csv").write_text("file,label\na.jpg,cat\n")
    (tmp_path / "header.csv").write_text("path,label\n")
    (tmp_path / "code.pt").write_bytes(pickle.dumps({"conv1.weight": Code()}))
    save_file({"blocks.0.weight": np.zeros((3, 3), np.float32)}, tmp_path / "other.safetensors")
    for name in ("run", "unfinished", "damaged", "cut"):
        shutil.copytree(trained, tmp_path / name)
    (tmp_path / "unfinished" / "result.json").unlink()
    (tmp_path / "damaged" / "choices.json").write_text('{"requested": {')
    (tmp_path / "cut" / "weights.safetensors").write_bytes((trained / "weights.safetensors").read_bytes()[:-100])
    make_bundle(tmp_path / "bundle")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def without_lock(folder: Path) -> dict[str, bytes | None]:
    """Return the contents but for the lock, which names the process that last asked for it."""
    return {name: content for name, content in contents(folder).items() if not name.endswith("run.lock")}


@pytest.mark.parametrize(("line", "code", "words"), WORK, ids=[line for line, _, _ in WORK])
def test_misuse_found_at_work(
    line: str, code: int, words: str, call: Callable[[list[str]], Told], place: Path, shapes: Path
) -> None:
    before = without_lock(place)
    found, _, err = call(_last_wins(line.format(shapes=shapes).split()))
    assert found == code, err
    assert re.fullmatch(f"visionft: {words}\n", err), err
    assert without_lock(place) == before


def test_junk_among_the_photos_is_told_and_the_rest_answered(call: Callable[[list[str]], Told], place: Path) -> None:
    shutil.copy("one/cat/0.jpg", "texts/good.jpg")
    found, out, err = call(["predict", "run", "texts"])
    assert (found, err) == (0, "")
    assert "texts/cat/0.jpg  not read: not an image" in out
    assert "1 photo answered, 4 of 5 not read" in out


def _last_wins(arguments: list[str]) -> list[str]:
    """Return the arguments without the earlier of two values of one flag."""
    flags = [word for word in arguments if word.startswith("--")]
    for flag in {flag for flag in flags if flags.count(flag) > 1}:
        first = arguments.index(flag)
        arguments = arguments[:first] + arguments[first + 2 :]
    return arguments


@pytest.mark.skipif(os.geteuid() != 0, reason="SKIPPED ALOUD: a small disk can be mounted by root alone")
def test_a_full_disk(call: Callable[[list[str]], Told], place: Path, shapes: Path, trained: Path) -> None:
    (place / "disk").mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=200k", "tmpfs", str(place / "disk")]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("SKIPPED ALOUD: no small disk can be mounted here")
    try:
        (place / "disk" / "empty").mkdir()
        before = contents(place)
        full = r"visionft: the disk of disk/\w+ has 0 MB free, this run needs \d+ MB; make room or .* with --out\n"
        for out in ("disk/run", "disk/empty"):
            found, _, err = call(["fit", str(shapes), *FIT.split(), "--out", out])
            assert found == 1
            assert re.fullmatch(full, err), err
        found, _, err = call(["export", "run", "--out", "disk/bundle"])
        assert found == 1
        assert re.fullmatch(r"visionft: disk has 0 MB free and the bundle takes up to \d+: free some, or .*\n", err), (
            err
        )
        assert contents(place) == before
    finally:
        subprocess.run(["umount", place / "disk"], check=True)
