"""The file of answers: appended, undone, torn, and written by several at once."""

from __future__ import annotations

import errno
import os
import random
import signal
import subprocess
import sys
from pathlib import Path
from threading import Thread

import pytest

from visionft.data import read_suggestions
from visionft.errors import DataError, DiskSpaceError, UsageError
from visionft.reviewing import AnswerFile
from visionft.reviewing.answer_file import NothingToUndoError


@pytest.fixture
def file(tmp_path: Path) -> AnswerFile:
    return AnswerFile(tmp_path / "deep" / "corrections.csv")


def test_an_answer_is_one_line_that_the_next_start_reads(file: AnswerFile) -> None:
    row, before = file.append("=a, b.jpg", "relabel", "cap", 'review: "x"\nand y', "Ann")
    assert before is None
    text = file.path.read_text()
    assert text.splitlines()[0] == "path,action,value,reason,confidence,who,when"
    assert len(text.splitlines()) == 2
    again = AnswerFile(file.path)
    assert again.answer("=a, b.jpg") == row
    assert (row.value, row.who, row.line, again.torn) == ("cap", "Ann", 2, False)


def test_answers_are_appended_and_never_changed(file: AnswerFile) -> None:
    seen = [b""]
    first, _ = file.append("a", "drop", "", "", "ann")
    for step in (
        lambda: file.append("b", "confirm", "hat", "", "ann"),
        lambda: file.append("a", "relabel", "cap", "", "bob"),
        lambda: file.undo("a", first.when, "ann"),
    ):
        seen.append(file.path.read_bytes())
        step()
        assert file.path.read_bytes().startswith(seen[-1])
        assert file.path.read_bytes() != seen[-1]
    standing = file.answer("a")
    assert standing is not None
    assert (standing.action, standing.who) == ("relabel", "bob"), "an undo takes back the answer that it names"
    file.undo("a", standing.when, "bob")
    assert file.answer("a") is None
    assert set(file.answered()) == {"b"}
    with pytest.raises(UsageError, match="is taken back already; go on with the next photo"):
        file.undo("a", standing.when, "ann")
    assert AnswerFile(file.path).answered() == file.answered()
    assert {row.path: row.action for row in read_suggestions(file.path).rows} == {"b": "confirm"}


def test_the_last_answer_of_a_person_is_found_again(file: AnswerFile) -> None:
    file.append("a", "drop", "", "", "ann")
    mine, _ = file.append("b", "drop", "", "", "ann")
    file.append("c", "drop", "", "", "bob")
    again = AnswerFile(file.path)
    assert again.last_of("ann") == mine
    again.undo("b", mine.when, "ann")
    assert getattr(again.last_of("ann"), "path", None) == "a"
    assert again.last_of("cid") is None


def test_times_rise_although_the_clock_stands(file: AnswerFile, monkeypatch: pytest.MonkeyPatch) -> None:
    from datetime import UTC, datetime

    class Still(datetime):
        @classmethod
        def now(cls, tz: object = None) -> datetime:
            return datetime(2026, 1, 1, tzinfo=UTC)

    monkeypatch.setattr("visionft.data.answer_log.datetime", Still)
    times = [file.append("a", "drop", "", "", "ann")[0].when for _ in range(3)]
    assert times == sorted(set(times))


def test_every_torn_line_is_cut_off_and_the_answers_before_it_stay(file: AnswerFile) -> None:
    file.append("a", "drop", "", "", "ann")
    whole = file.path.read_bytes()
    file.append("b", "relabel", "shoes", "", "ann")
    line = file.path.read_bytes()[len(whole) :]
    for end in range(1, len(line) - 1):
        file.path.write_bytes(whole + line[:end])
        again = AnswerFile(file.path)
        assert (again.torn, set(again.answered())) == (True, {"a"})
        again.append("c", "drop", "", "", "ann")
        assert set(AnswerFile(file.path).answered()) == {"a", "c"}
        assert file.path.read_bytes().startswith(whole + b"c,drop")
    file.path.write_bytes(whole[:20])  # the header alone, in part
    assert AnswerFile(file.path).append("c", "drop", "", "", "ann")[0].line == 2
    file.path.write_bytes(whole + line[:-1])  # an editor left the end out
    again = AnswerFile(file.path)
    again.append("c", "drop", "", "", "ann")
    assert set(AnswerFile(file.path).answered()) == {"a", "b", "c"}


def test_two_writers_lose_nothing_and_the_last_one_knows_of_the_other(file: AnswerFile) -> None:
    other = AnswerFile(file.path)
    file.append("a", "drop", "", "", "ann")
    row, before = other.append("a", "relabel", "cap", "", "bob")
    assert before is not None
    assert (before.action, before.who) == ("drop", "ann")
    file.refresh()
    assert file.answer("a") == row
    assert [line.who for line in file.rows] == ["ann", "bob"]


WRITER = """
import sys
from pathlib import Path
from visionft.reviewing.answer_file import AnswerFile
file = AnswerFile(Path(sys.argv[1]))
print("ready", flush=True)
sys.stdin.readline()
for number in range(40):
    file.append(f"{sys.argv[2]}/{number}", "drop", "", "", sys.argv[2])
    print(number, flush=True)
"""


@pytest.mark.slow
def test_processes_and_threads_at_once_and_a_kill_in_between_lose_no_answer(file: AnswerFile) -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    started = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, str(file.path), name], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            text=True, env=environment,
        )
        for name in ("ann", "bob")
    ]  # fmt: skip
    for process in started:
        assert process.stdout is not None
        assert process.stdin is not None
        process.stdout.readline()
        process.stdin.write("\n")
        process.stdin.flush()

    def write(name: str) -> None:
        for number in range(20):
            file.append(f"{name}/{number}", "drop", "", "", name)

    threads = [Thread(target=write, args=(name,)) for name in ("cid", "dan")]
    for thread in threads:
        thread.start()
    acknowledged = [-1]
    assert started[0].stdout is not None
    while acknowledged[-1] < 10:
        acknowledged.append(int(started[0].stdout.readline()))
    started[0].send_signal(signal.SIGKILL)
    acknowledged += [int(line) for line in started[0].stdout.read().split()]
    started[1].communicate(timeout=60)
    for thread in threads:
        thread.join()
    started[0].wait()
    assert started[0].stdin is not None
    started[0].stdin.close()
    started[0].stdout.close()
    file.append("last", "drop", "", "", "eve")
    found = {row.path for row in read_suggestions(file.path).rows}
    assert {f"ann/{number}" for number in acknowledged[1:]} <= found
    assert {f"bob/{number}" for number in range(40)} <= found
    assert {f"{name}/{number}" for name in ("cid", "dan") for number in range(20)} <= found


def test_a_file_that_an_editor_replaced_is_read_again(file: AnswerFile, tmp_path: Path) -> None:
    file.append("a", "drop", "", "", "ann")
    file.append("b", "drop", "", "", "ann")
    kept = tmp_path / "edited.csv"
    kept.write_bytes(b"".join(file.path.read_bytes().splitlines(keepends=True)[:2]))
    kept.replace(file.path)
    file.append("c", "drop", "", "", "ann")
    assert set(file.answered()) == set(AnswerFile(file.path).answered()) == {"a", "c"}


def test_what_an_editor_changed_in_place_is_read_again(file: AnswerFile) -> None:
    """Whatever bytes were read before are others now: the answers are those of the file, as a new start reads it."""
    for name in "abcd":
        file.append(name, "relabel", "cap", "", "ann")
    draw = random.Random(0)
    other = AnswerFile(file.path)
    for edit in range(1, 40):
        lines = file.path.read_text().splitlines(keepends=True)
        at = draw.randrange(1, len(lines))
        same, longer = (lines[at].replace("cap", name) for name in ("hat", "a longer name"))
        lines[at] = draw.choice(["", same, longer, f"x{edit},drop,,,1,bob,1\n"])
        changed = "".join(lines) != file.path.read_text()
        before = file.edits
        file.path.write_text("".join(lines))  # the same inode
        file.append(f"more {edit}", "relabel", "cap", "", "ann")
        assert AnswerFile(file.path).rows == file.rows
        assert file.edits - before == int(changed)
        other.refresh()
        assert other.rows == file.rows
        assert other.answered() == file.answered()
    assert file.edits > 10


def test_another_kind_of_file_in_its_place_is_refused_and_what_was_read_stays(file: AnswerFile) -> None:
    file.append("a", "drop", "", "", "ann")
    kept = file.path.read_bytes()
    file.path.write_text("when,who,path,action,value,reason,confidence\n1,ann,a,drop,,,1\n")
    with pytest.raises(UsageError, match=r"is no corrections.csv, as its first line is when,who"):
        file.append("b", "drop", "", "", "ann")
    file.path.unlink()
    file.path.mkdir()
    with pytest.raises(DataError, match=r"corrections.csv cannot be read \(Is a directory\)"):
        file.refresh()
    file.path.rmdir()
    file.path.write_bytes(kept)
    file.append("b", "drop", "", "", "ann")
    assert (set(file.answered()), file.edits) == ({"a", "b"}, 0)


@pytest.mark.parametrize("end", [b"", b"\r", b"\n", b"\r\n"])
def test_a_last_line_whose_end_an_editor_left_out_stands(file: AnswerFile, end: bytes) -> None:
    file.append("a", "drop", "", "", "ann")
    running = AnswerFile(file.path)
    row, _ = file.append("b", "drop", "", "", "ann")
    file.path.write_bytes(file.path.read_bytes().rstrip(b"\n") + end)
    running.refresh()
    again = AnswerFile(file.path)
    assert (again.torn, again.answer("b"), running.answer("b")) == (False, row, row)
    assert set(again.answered()) == {found.path for found in read_suggestions(file.path).rows}
    assert again.append_if_open("b", "review", "", "", "bob") == (row, False)
    again.append("c", "drop", "", "", "bob")
    running.refresh()
    assert [found.path for found in running.rows] == [found.path for found in AnswerFile(file.path).rows] == [*"abc"]
    assert running.edits == 0


def test_a_skip_never_overrides_an_answer_of_the_same_moment(file: AnswerFile) -> None:
    other = AnswerFile(file.path)
    row, _ = other.append("a", "drop", "", "", "bob")  # since `file` looked last
    assert file.append_if_open("a", "review", "", "", "ann") == (row, False)
    skipped, written = file.append_if_open("b", "review", "", "", "ann")
    assert (written, skipped.who) == (True, "ann")
    assert [found.path for found in AnswerFile(file.path).rows] == ["a", "b"]


@pytest.mark.parametrize("who", ["ann", "=SUM(A1)", "-", "", 'a,"b"', "Zoë\nline", "'=x", " ann "])
def test_an_answer_is_taken_back_by_whoever_gave_it_alone(file: AnswerFile, who: str) -> None:
    row, _ = file.append("a", "drop", "", "", who)
    before = file.path.read_bytes()
    with pytest.raises(NothingToUndoError, match=r"the answer to a is by .*, not by bob; give another answer"):
        file.undo("a", row.when, "bob")
    assert file.path.read_bytes() == before
    assert file.last_of(who) == row
    assert file.undo("a", row.when, who)[0] == row


@pytest.mark.parametrize("when", ["9999", "9999-12-31T23:59:59.999999Z", "", "noon"])
def test_an_answer_goes_on_after_a_time_that_was_typed_by_hand(file: AnswerFile, when: str) -> None:
    file.append("a", "drop", "", "", "ann")
    with file.path.open("a") as text:
        text.write(f"b,drop,,,1,bob,{when}\n")
    file.append("c", "drop", "", "", "ann")
    assert set(AnswerFile(file.path).answered()) == {"a", "b", "c"}


def test_lines_are_told_once_each_whatever_is_added_meanwhile(file: AnswerFile) -> None:
    done: list[str] = []

    def write() -> None:
        for number in range(60):
            file.append(str(number), "drop", "", "", "ann")
        done.append("")

    told: list[str] = []
    writer = Thread(target=write)
    writer.start()
    while not done or len(told) < 60:
        lines = file.since(len(told), 7)
        told += [row.path for row in lines.rows]
        assert lines.end == len(told)
    writer.join()
    assert told == [str(number) for number in range(60)]
    assert file.since(99, 7).rows == []


def test_a_full_disk_leaves_nothing_of_a_line(file: AnswerFile, monkeypatch: pytest.MonkeyPatch) -> None:
    file.append("a", "drop", "", "", "ann")
    before, write = file.path.read_bytes(), os.write

    def half(descriptor: int, data: bytes) -> int:
        if len(data) < 10:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(descriptor, bytes(data)[: len(data) - 5])

    monkeypatch.setattr(os, "write", half)
    with pytest.raises(
        DiskSpaceError, match=r"corrections.csv cannot be written \(No space left on device\); make room"
    ):
        file.append("b", "drop", "", "", "ann")
    monkeypatch.undo()
    assert file.path.read_bytes() == before
    assert file.append("b", "drop", "", "", "ann")[1] is None


def test_what_cannot_be_a_file_of_answers_is_one_sentence(tmp_path: Path) -> None:
    other = tmp_path / "suggestions.csv"
    other.write_text("path,action,value,reason,confidence\na,drop,,,1\n")
    with pytest.raises(UsageError, match=r"--out: .*suggestions.csv is no corrections.csv, as its first line is path,"):
        AnswerFile(other)
    with pytest.raises(UsageError, match=r"--out: .* cannot be read \(Is a directory\); name another file"):
        AnswerFile(tmp_path)
    (tmp_path / "none").write_text("")
    with pytest.raises(DataError, match=r"cannot be written \(.*\); name another --out"):
        AnswerFile(tmp_path / "none" / "c.csv").append("a", "drop", "", "", "ann")
    with pytest.raises(UsageError, match=r"a\\nb has a control character in its name; rename it"):
        AnswerFile(tmp_path / "c.csv").append("a\nb", "drop", "", "", "ann")


def test_a_damaged_line_is_named(file: AnswerFile) -> None:
    file.append("a", "drop", "", "", "ann")
    with file.path.open("a") as text:
        text.write("b,frobnicate,,,1,bob,2026-11-29T10:00:00.000000Z\n")
    with pytest.raises(DataError, match="line 3 asks for 'frobnicate'; give one of drop"):
        file.refresh()
