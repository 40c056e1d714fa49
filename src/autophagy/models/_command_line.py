"""Commands as lists of arguments with placeholders in braces. They are never read by a shell."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from string import Formatter

from autophagy.core.errors import ConfigError, listed
from autophagy.core.settings import shown
from autophagy.core.text import clean

SAME = ("python", "weights", "n", "seed", "height", "width", "mode")
TRAIN = (*SAME, "train", "work", "start")
SAMPLE = (*SAME, "out", "bias", "conditions")
PYTHON = "{python}"  # the one placeholder that may name the program
EXAMPLE = (
    "this model needs two commands, one that learns and one that draws, e.g. train = "
    '["python", "mine.py", "train", "{train}", "{weights}"] and sample = '
    '["python", "mine.py", "draw", "{weights}", "{out}", "{n}", "{seed}"].'
)
PLAIN = re.compile(r"[\w@%+=:,./{}-]+", re.ASCII)  # what a shell would not mind, and our placeholders
LONGEST = 8000  # characters of a command: somebody has to read it before it is allowed


def checked(command: Sequence[str] | str, name: str, known: Sequence[str], needed: Sequence[str]) -> tuple[str, ...]:
    """Returns a command as a list of arguments; raises ConfigError for what could not be run or not be shown."""
    arguments = _split(command, name) if isinstance(command, str) else tuple(command)
    if not arguments or not arguments[0]:
        raise ConfigError(f"{name} is missing: {EXAMPLE}")
    if sum(map(len, arguments)) > LONGEST:
        raise ConfigError(f"{name} is longer than {LONGEST} characters; put it into a script and name that.")
    for argument in arguments:
        if clean(argument) != argument:  # else what is shown before it is allowed is not what would run
            raise ConfigError(
                f"{name} must be plain text, but {shown(argument)} holds a line break or hidden character."
            )
    if placeholders(arguments[:1], name, known) and arguments[0] != PYTHON:
        raise ConfigError(f"{name} must begin with the name of a program or {PYTHON}, but begins with {arguments[0]}.")
    missing = [f"{{{field}}}" for field in needed if field not in placeholders(arguments, name, known)]
    if missing:
        raise ConfigError(f"{name} must hold {listed(missing)}, but is {shown(joined(arguments), 200)}.")
    return arguments


def joined(arguments: Iterable[str]) -> str:
    """A command in plain ASCII, quoted where bash would need it, so that nothing in it looks like something else."""
    return " ".join(map(_quoted, arguments))


def _quoted(argument: str) -> str:
    if PLAIN.fullmatch(argument):
        return argument
    if argument.isascii():
        return shlex.quote(argument)
    return "$'" + "".join(map(_escaped, argument)) + "'"


def _escaped(character: str) -> str:
    if character in "\\'":
        return "\\" + character
    code = ord(character)
    return character if character.isascii() else f"\\u{code:04x}" if code < 2**16 else f"\\U{code:08x}"


def placeholders(arguments: Iterable[str], name: str, known: Sequence[str]) -> set[str]:
    """The placeholders in a command; raises ConfigError for one that is not known."""
    return {field for argument in arguments for _, field in _pieces(argument, name, known) if field}


def filled(arguments: Iterable[str], values: Mapping[str, object]) -> list[str]:
    """The arguments with every placeholder replaced once; braces in a value stay what they are."""
    return [
        "".join(
            literal + (str(values[field]) if field else "") for literal, field in _pieces(argument, "", tuple(values))
        )
        for argument in arguments
    ]


def _split(command: str, name: str) -> tuple[str, ...]:
    try:
        return tuple(shlex.split(command))
    except ValueError as problem:
        raise ConfigError(f"{name} cannot be split into arguments ({problem}); say it as a list of texts.") from None


def _pieces(argument: str, name: str, known: Sequence[str]) -> list[tuple[str, str | None]]:
    """Literal texts, each with the placeholder that follows it; not `str.format`, which looks up attributes."""
    hint = f"known are {listed(f'{{{field}}}' for field in known)}; write {{{{ and }}}} for braces of your own."
    try:
        pieces = list(Formatter().parse(argument))
    except ValueError:
        raise ConfigError(f"{name} has a single brace in {shown(argument)}; {hint}") from None
    for _, field, width, conversion in pieces:
        if field is not None and (field not in known or width or conversion):
            raise ConfigError(f"{name} has an unknown placeholder in {shown(argument)}; {hint}")
    return [(literal, field) for literal, field, _, _ in pieces]
