"""What the parser finds wrong is one sentence that says what to give."""

from __future__ import annotations

import pytest

from visionft.cli import main


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("fitt photos", "there is no command fitt; did you mean fit?"),
        ("zzzzzz", "there is no command zzzzzz; give one of "),
        ("--fast", "visionft has no flag --fast; `visionft --help` shows what it takes"),
        (
            "epochs=3",
            "there is no command epochs=3; begin with one, such as `visionft fit PHOTOS`, and give settings as ",
        ),
        ("fit photos --epoch 3", "fit has no flag --epoch; did you mean --epochs?"),
        ("fit photos --optim.rl 3", "fit has no flag --optim.rl; did you mean --optim.lr?"),
        ("predict run a.jpg --tip 3", "predict has no flag --tip; did you mean --top?"),
        ("check run --epochs 3", "check has no flag --epochs; `visionft check --help` shows what it takes"),
        ("predict run a.jpg --top x", "--top: x cannot be used; give a whole number"),
        ("serve bundle --batch-ms x", "--batch-ms: x cannot be used; give a number"),
        (
            "export run --precision int",
            "--precision: int is not known here; did you mean int8? give fp32, fp16 or int8",
        ),
        ("predict run a.jpg --top 1 --top 2", "--top is given twice; give it once"),
        ("predict run a.jpg --top", "predict: --top has no value; `visionft predict --help` shows what it takes"),
        ("check", "check: RUN is missing; `visionft check --help` shows what it takes"),
        ("check run other", "check takes nothing named other; `visionft check --help` shows what it takes"),
    ],
)
def test_each_fault_is_one_sentence_and_exit_code_2(line: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(line.split()) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"visionft: {said}")
    assert err.count("\n") == 1
