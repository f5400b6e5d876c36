"""What the parser finds wrong, as one sentence: what is wrong, what was given, what to do."""

from __future__ import annotations

from cyclopts.exceptions import (
    CoercionError,
    CycloptsError,
    MissingArgumentError,
    RepeatArgumentError,
    UnknownCommandError,
    UnknownOptionError,
    UnusedCliTokensError,
)

from visionft.cli.commands import COMMANDS
from visionft.cli.other_tools import NO_COMMAND, RENAMED, advice
from visionft.errors import UsageError
from visionft.settings.fields import leaves, nearest
from visionft.wording.did_you_mean import closest


def sentence(error: CycloptsError) -> str:
    """Return the one line that the command line prints for a parsing failure."""
    command = " ".join(error.command_chain or ())
    match error:
        case UnknownCommandError():
            return _unknown_command((error.unused_tokens or ["?"])[0])
        case UnknownOptionError():
            return _unknown_flag(error, command)
        case RepeatArgumentError():
            return f"{error.token.keyword} is given twice; give it once"
        case CoercionError():
            return _bad_value(error)
        case MissingArgumentError():
            return _missing(error, command)
        case UnusedCliTokensError():
            return f"{command or 'visionft'} takes nothing named {' '.join(error.unused_tokens or [])}; {_see(command)}"
    error.verbose = False
    return " ".join(str(error).split())


def _see(command: str) -> str:
    return f"`{' '.join(filter(None, ['visionft', command, '--help']))}` shows what it takes"


def _unknown_command(given: str) -> str:
    if given.startswith("-"):
        return f"visionft has no flag {given}; {_see('')}"
    word = given.lower()
    if word in NO_COMMAND:
        return f"there is no command {given}; {NO_COMMAND[word]}"
    if word.partition("=")[1]:
        return f"there is no command {given}; begin with one, such as `visionft fit PHOTOS`, and give settings as flags"
    close = [RENAMED[word]] if word in RENAMED else closest(word, [*COMMANDS, *RENAMED])
    meant = f"did you mean {RENAMED.get(close[0], close[0])}?" if close else ""
    return f"there is no command {given}; {meant or 'give one of ' + ', '.join(COMMANDS)}"


def _unknown_flag(error: UnknownOptionError, command: str) -> str:
    given = (error.token.keyword or error.token.value).split("=")[0]
    names = [name for argument in error.argument_collection if argument.parse for name in argument.names]
    if told := advice(command, given, names):
        return f"{command} has no flag {given}; {told}"
    known = [*names, "--help", "--version"]
    close = [name for name in closest(given, known, n=2, cutoff=0.75) if name != given][:1]
    if not close and command == "fit" and (near := nearest(given.lstrip("-"))):
        meant = leaves()[near].flag.removesuffix(".name") if near in leaves() else f"--{near}.NAME"
        close = [meant] if meant != given else []
    told = f"did you mean {close[0]}?" if close else _see(command)
    return f"{command or 'visionft'} has no flag {given}; {told}"


def _bad_value(error: CoercionError) -> str:
    argument = error.argument
    name = (error.token.keyword if error.token else None) or (argument.name if argument else "an argument")
    value = error.token.value if error.token else ""
    if isinstance(error.__cause__, UsageError):  # a converter of ours has said it
        return f"{name}: {error.__cause__}"
    choices = argument.get_choices() if argument else None
    if choices:
        close = closest(value, choices)
        meant = f"did you mean {close[0]}? " if close else ""
        return f"{name}: {value} is not known here; {meant}give {' or '.join(choices)}"
    number = "a number" if error.target_type is float else "a whole number"
    wanted = "true or false" if error.target_type is bool else number
    return f"{name}: {value} cannot be used; give {wanted}"


def _missing(error: MissingArgumentError, command: str) -> str:
    argument = error.argument
    name = error.keyword or (argument.name if argument else "an argument")
    what = f"{name} has no value" if error.keyword or (argument and argument.tokens) else f"{name} is missing"
    return f"{command or 'visionft'}: {what}; {_see(command)}"
