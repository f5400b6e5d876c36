"""People mend the labels of photos, in a page of this machine."""

from __future__ import annotations

import getpass
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from visionft.errors import DataError, MissingExtraError, UsageError
from visionft.tasks.registry import require
from visionft.wording.lists import count
from visionft.workflows.evaluate import evaluate
from visionft.workflows.remote_photos import with_local_photos
from visionft.workflows.run_or_bundle import holds_bundle, path_of, place_of, run_at

if TYPE_CHECKING:
    from visionft.reviewing import Doubt, Review
    from visionft.runs import Run

Say = Callable[[str], None]
NEEDED = ("starlette", "uvicorn", "h11")
FILE = "corrections.csv"


def review(
    run_or_photos: Run | str | Path,
    /,
    *,
    out: str | Path = FILE,
    port: int = 0,
    open: bool = True,  # noqa: A002  # as the command line has it
    who: str | None = None,
    audit: str | Path | None = None,
    say: Say = print,
    **flags: Any,
) -> Path:
    """Let people mend labels in a page of this machine, the most doubtful first, until it is interrupted.

    Each answer is on the disk before the next photo is shown, and `fit(..., apply=out)` follows them. No photo is
    touched. What is doubtful comes from a run's answers on photos that it was not trained on, and from the audit of the
    photos; both are used where both are there.

    Args:
        run_or_photos: a finished run; or a folder of class folders or a CSV/Parquet manifest, which was audited.
        out: the file of answers; one that is there is gone on with, also by several people at once.
        port: of 127.0.0.1; 0 takes a free one.
        open: whether the page is opened in a browser.
        who: answers, as the file names them; none: the user of this machine.
        audit: the folder of the photos' audit; none: audits/PHOTOS.
        say: told the address and what is odd; print by default.
        flags: of photos: settings of the data by name, as for `fit` (`data={"depth": 1}` or `**{"data.depth": 1}`).

    Returns:
        The file of answers; it is not there where nothing was answered.

    Raises:
        MissingExtraError: what serves pages is not installed.
        RunError: the run is not finished, or damaged.
        DataError: there is no audit of the photos, or a file cannot be read.
        UsageError: the file of answers is another kind of file, the port is taken, or a bundle is given.
    """
    if missing := [name for name in NEEDED if find_spec(name) is None]:
        raise MissingExtraError(
            f'review needs {", ".join(missing)}, not installed here: install it with `pip install "visionft[serve]"`'
        )
    place, file = path_of(run_or_photos), place_of(out, "--out") or Path(FILE)
    state = opened(place, file, who=who, audit=audit, flags=flags)
    from visionft.reviewing.page_server import listen, open_browser, serve_page

    with listen(port) as listening:
        for note in state.notes:
            say(f"note: {note}")

        def ready(address: str) -> None:
            say(f"review of {state.name}, {count(len(state.cards), 'photo')}: {address}")
            say(f"answers go to {file}; end with ^C")
            if open and not open_browser(address):
                say("no browser can be opened here: open that address in one")

        serve_page(state, listening, ready)
    return file


@dataclass(frozen=True)
class _Subject:
    """What is reviewed: its name, where its photos are, their classes by path, and what speaks against them."""

    name: str
    root: Path
    labels: dict[str, str]
    classes: list[str]
    doubts: list[Doubt]
    notes: list[str]
    max_pixels: int


def opened(
    place: Path, file: Path, *, who: str | None = None, audit: str | Path | None = None, flags: dict[str, Any]
) -> Review:
    """Return what is reviewed of a run or of photos, with the answers so far."""
    if holds_bundle(place):
        raise UsageError(f"{place} is a bundle, which brings no photos; give the run that it was exported from")
    folder = place_of(audit, "--audit")
    if folder is not None or not _is_run(place):  # before torch is imported
        _require_audit(place, folder)
    subject = _of_run(place, folder, flags) if _is_run(place) else _of_photos(place, folder, flags)
    from visionft import reviewing

    answers = reviewing.AnswerFile(file)
    notes = [*subject.notes, *_of_answers(answers, subject)]
    return reviewing.Review(
        subject.name, subject.root, subject.classes, reviewing.queue(subject.doubts, subject.labels), answers,
        who or _user(), notes, subject.max_pixels,
    )  # fmt: skip


def _of_answers(answers: Any, subject: _Subject) -> Iterator[str]:
    """Say what is odd about answers that are there already."""
    if answers.torn:
        yield f"the last line of {answers.path} was cut off, as by a power cut, and is left out"
    known = answers.answered()
    if strange := [path for path in known if path not in subject.labels]:
        if len(strange) == len(known) and not subject.name.startswith("the run"):
            raise UsageError(
                f"--out: {answers.path} answers other photos ({len(known):,}) and none of these; name another file"
            )
        yield f"{answers.path} also answers photos that are not among these: {len(strange):,}"


def _of_photos(place: Path, folder: Path | None, flags: dict[str, Any]) -> _Subject:
    from visionft.data.labels import labels_of
    from visionft.data.prepare import list_photos
    from visionft.settings import build
    from visionft.tasks.registry import DEFAULT

    settings = with_local_photos(build(place, None, **flags))
    listing = labels_of(DEFAULT).fold(list_photos(settings.photos, settings.data), None)
    labels = dict(zip(listing.table["path"].to_pylist(), listing.table["label"].to_pylist(), strict=True))
    doubts, notes = _audited(settings.photos, folder, labels)
    return _Subject(
        str(place), listing.root, labels, sorted(set(labels.values())), doubts, notes, settings.data.max_pixels
    )


def _of_run(place: Path, folder: Path | None, flags: dict[str, Any]) -> _Subject:
    if flags:
        raise UsageError(f"{place} is a run, which knows how its photos are read; leave {', '.join(flags)} out")
    run = run_at(place)
    from visionft.reviewing.held_out import doubts_of
    from visionft.runs import layout
    from visionft.runs.run_files import read_record

    require(run.task, "review", f"review, asked for of the run {place},", "give a run that answers with classes")
    manifest = run.manifest()
    labels = dict(zip(manifest.table["path"].to_pylist(), manifest.table["label"].to_pylist(), strict=True))
    source = Path(read_record(run.path / layout.DATA, lambda record: str(record["source"])))
    doubts, notes = _audited(source, folder, labels, needed=False)
    for side in ("test", "validation"):
        if run.has_split(side):
            doubts += doubts_of(_answers(run, side), f"the {side} photos")
    return _Subject(
        f"the run {place}", manifest.root, labels, list(run.classes.names), doubts, notes, run.settings.data.max_pixels
    )


def _answers(run: Run, side: str) -> Any:
    """Return a row a photo of a side, as an evaluation wrote them; they are measured where none did."""
    import pyarrow.parquet

    from visionft.runs import layout

    file = run.path / layout.EVALUATION / side / "predictions.parquet"
    if not file.is_file() or not (file.parent / "metrics.json").is_file():
        return evaluate(run, split=side).predictions
    try:
        return pyarrow.parquet.read_table(file)
    except (pyarrow.ArrowInvalid, OSError) as error:
        raise DataError(
            f"{file} cannot be read; measure it again with `visionft evaluate {run.path} --split {side}`"
        ) from error


def _is_run(place: Path) -> bool:
    from visionft.runs import layout

    return (place / layout.SETTINGS).is_file()


def _audit_of(photos: Path, folder: Path | None) -> Path:
    return Path("audits") / photos.absolute().stem if folder is None else folder


def _require_audit(photos: Path, folder: Path | None) -> None:
    place = _audit_of(photos, folder)
    if not (place / "audit.json").is_file():
        command = "visionft audit PHOTOS" if _is_run(photos) else f"visionft audit {photos}"
        raise DataError(f"there is no audit at {place}; make it with `{command}`, and review again")


def _audited(
    photos: Path, folder: Path | None, labels: dict[str, str], *, needed: bool = True
) -> tuple[list[Doubt], list[str]]:
    """Return what the audit of photos says against them, and notes on what it does not fit."""
    from visionft.auditing import read_audit
    from visionft.reviewing.audit_findings import doubts_of

    place = _audit_of(photos, folder)
    if not (place / "audit.json").is_file():
        return [], [f"these photos were not audited; `visionft audit {photos}` judges those of train too"]
    record = read_audit(place)
    if Path(record["photos"]).absolute() != photos.absolute():
        if folder is None and not needed:
            return [], [f"{place} is the audit of {record['photos']}, not of {photos}, and is not used"]
        raise DataError(f"{place} is the audit of {record['photos']}, not of {photos}; audit these, or give --audit")
    named = {path for found in record["findings"] if found["kind"] != "unreadable" for path in found["photos"]}
    strange = len(named - labels.keys())
    notes = [f"{place} names photos that are not among these, and are passed over: {strange:,}"]
    return list(doubts_of(record["findings"], labels)), notes if strange else []


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container whose user has no name
        return "somebody"


def reviewed_photos(place: Path) -> tuple[Path, Path | None]:
    """Return the photos of what was reviewed, and the run if it was one."""
    from visionft.runs import layout
    from visionft.runs.run_files import read_record

    if not _is_run(place):
        return place, None
    return Path(read_record(place / layout.DATA, lambda record: str(record["source"]))), place
