"""From an argument list to an exit code."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from cyclopts import App
from cyclopts.exceptions import CycloptsError

from visionft.cli.commands import COMMANDS
from visionft.cli.error_output import print_errors, wants_json
from visionft.errors import SettingsError, VisionftError

_SAME = {"--method.name": "--method"}
"""Flags that the parser takes for a part of another one, and that one."""
START = """\
visionft makes a photo classifier of a folder of photos, and an ONNX file of it that can be trusted.

  visionft fit PHOTOS               fine-tune; PHOTOS has a folder of photos for each class
  visionft runs                     what was trained here, and what comes next
  visionft export RUN               the bundle that is deployed, checked on your photos
  visionft predict BUNDLE PHOTOS    its answers

Not sure of the photos? visionft audit PHOTOS. Of the method? visionft advise PHOTOS.
`visionft --help` lists every command, --help behind a command its flags. No photos? visionft demo."""
"""What `visionft` alone says."""
_INTERRUPTED, _BROKEN_PIPE = 130, 141  # 128 + SIGINT, 128 + SIGPIPE, as shells count


def run(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; see `visionft.cli.main`."""
    tokens = _hyphenated(sys.argv[1:] if arguments is None else arguments)
    if not tokens:
        print(START)
        return 0
    as_json = wants_json(tokens)
    try:
        if any("=" in token for token in tokens[1:]):
            # Costs an import of the settings tree, which a call without such a word need not pay for.
            from visionft.cli.other_tools import refuse_pairs

            refuse_pairs(tokens)
        build_app()(tokens, exit_on_error=False, print_error=False)
        sys.stdout.flush()
    except CycloptsError as error:
        # Costs an import of the settings tree, which a call without a mistake need not pay for.
        from visionft.cli.parse_errors import sentence

        return print_errors([sentence(error)], 2, as_json=as_json)
    except SettingsError as error:
        return print_errors(error.faults, error.exit_code, as_json=as_json)
    except VisionftError as error:
        words = [] if error.said_elsewhere else [str(error)]
        return print_errors(words, error.exit_code, as_json=as_json and not error.in_result)
    except ImportError as error:
        return print_errors([_missing(error, tokens)], 1, as_json=as_json)
    except KeyboardInterrupt as error:
        words = [] if getattr(error, "said_elsewhere", False) else [str(error) or "interrupted"]
        return print_errors(words, getattr(error, "exit_code", _INTERRUPTED), as_json=as_json)
    except BrokenPipeError:
        # Python flushes stdout once more at exit, which would print_errors again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _BROKEN_PIPE
    return 0


def build_app() -> App:
    """Return the parser with every command registered and none imported."""
    app = App(
        name="visionft",
        help="From a folder of photos to an ONNX file that can be trusted. Start with: visionft fit PHOTOS",
        version=_version,
        version_flags=("--version", "-V"),
        result_action="return_value",
        suppress_keyboard_interrupt=False,  # an interruption may carry its own exit code and sentence
    )
    for name, (place, summary) in COMMANDS.items():
        app.command(place, name=name, help=summary, sort_key=list(COMMANDS).index(name))
    return app


def _version() -> str:
    from visionft import __version__

    return __version__


def _hyphenated(tokens: Sequence[str]) -> list[str]:
    """Accept the field's own spelling: `--optim.batch_size` is `--optim.batch-size`."""
    ours = list(tokens).index("--") if "--" in tokens else len(tokens)
    return [*(_spelt(token) if token.startswith("--") else token for token in tokens[:ours]), *tokens[ours:]]


def _spelt(token: str) -> str:
    name, sign, value = token.partition("=")
    name = name.replace("_", "-")
    return f"{_SAME.get(name, name)}{sign}{value}"


def _missing(error: ImportError, tokens: Sequence[str]) -> str:
    """Say what is not installed here; a fault inside a module of ours is a bug, and stays an error."""
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, ModuleNotFoundError):  # cyclopts wraps it into its own
        cause = cause.__cause__
    module = "" if cause is None else (cause.name or "").partition(".")[0]
    if module in ("", "visionft"):
        raise error
    command = next((token for token in tokens if token in COMMANDS), "this command")
    return (
        f"{module} is not installed here, and `visionft {command}` needs it for what was asked: "
        "use an environment made by `pip install visionft`; one made for serving alone has less"
    )
