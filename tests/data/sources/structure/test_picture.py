from __future__ import annotations

from visionft.data.sources.structure.picture import picture


def test_few_classes_are_all_shown_with_their_sums() -> None:
    assert picture({"train": {"hat": 1200, "cap": 3}, "validation": {"hat": 0}, "test": {"cap": 2}}) == [
        "  class   train  test",
        "  cap         3     2",
        "  hat     1,200     0",
        "  in all  1,203     2",
    ]


def test_500_classes_take_eleven_lines_and_their_sums_add_up() -> None:
    lines = picture({"train": {f"class-{i:03}": i for i in range(500)}, "test": {"class-499": 7}})
    assert len(lines) == 11
    assert lines[1].split() == ["class-499", "499", "7"]
    assert lines[-2].split() == ["class-000", "0", "0"]
    assert lines[5].split() == ["...", "492", "more", "122,754", "0"]
    assert lines[-1].split() == ["in", "all", "124,750", "7"]
    assert sum(int(line.split()[-2].replace(",", "")) for line in lines[1:-1]) == 124_750


def test_long_names_keep_their_ends_and_signs_that_steer_are_escaped() -> None:
    lines = picture({"photos": {"Vegetables/" + "x" * 60 + "/Potato": 1, "a\x1b[2J": 2}})
    assert lines[1].startswith("  ...xxxxx")
    assert "/Potato " in lines[1]
    assert "a\\x1b[2J" in lines[2]
    assert max(map(len, lines)) <= 60


def test_no_photos_are_an_empty_picture() -> None:
    assert picture({}) == ["  class ", "  in all"]
