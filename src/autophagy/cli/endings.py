"""How commands end: each error as one sentence on stderr, with an exit code that tells scripts what it was.

0    done
1    data, a store or a run folder that is not as it should be; turns that failed; an output that cannot be written
2    a setting or a plan that cannot be
70   a fault of autophagy or of a plugin
130  stopped by Ctrl-C
141  whoever read the output has gone
143  ended by SIGTERM
"""

from __future__ import annotations

import functools
import os
import signal
import sys
import traceback
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import ParamSpec

import typer

from autophagy.core.errors import AutophagyError
from autophagy.core.text import clean

from .streams import Lost

DEBUG = "AUTOPHAGY_DEBUG"
FAULT, STOPPED, TERMINATED = 70, 130, 143
GOING_ON = ("demo", "run")  # commands that keep in the store whatever they have done
IF_TOLD = ("simulate",)  # those that keep it where they are given a store
P = ParamSpec("P")


class Terminated(KeyboardInterrupt):
    """SIGTERM, as an exception, so that workers are ended and locks let go of on the way out."""


def _listen() -> None:
    """Ctrl-C and SIGTERM raise here once. Whoever sends them may do so twice, as `timeout` does; the second would come
    amid the leaving."""
    signal.signal(signal.SIGTERM, _leave)
    if signal.getsignal(signal.SIGINT) != signal.SIG_IGN:  # as in a shell's background job
        signal.signal(signal.SIGINT, _leave)


def _leave(number: int, _: object) -> None:
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, signal.SIG_IGN)
    raise KeyboardInterrupt if number == signal.SIGINT else Terminated


def ended(command: Callable[P, None]) -> Callable[P, None]:
    """The command with every exception turned into a sentence and an exit code."""

    @functools.wraps(command)
    def spoken(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            _listen()
            command(*args, **kwargs)
        except (typer.Exit, typer.Abort, Lost):  # the last is for main, which meets it in help and usage errors too
            raise
        except Terminated:
            _end(f"ended from outside; {_again(command.__name__, kwargs)}.", TERMINATED)
        except KeyboardInterrupt:
            _end(f"stopped; {_again(command.__name__, kwargs)}.", STOPPED)
        except AutophagyError as error:
            _end(str(error), error.exit_code)
        except Exception as error:
            _end(_fault(error), FAULT)

    return spoken


def _again(command: str, given: Mapping[str, object]) -> str:
    goes_on = command in GOING_ON or (command in IF_TOLD and given.get("store") is not None)
    return "the same command goes on where this one was" if goes_on else "the same command starts from the beginning"


def show_where(told: str) -> None:
    """Prints a traceback for those who ask for it."""
    if told and os.environ.get(DEBUG):
        print("\n".join(map(clean, told.splitlines())), file=sys.stderr)


def _end(sentence: str, code: int) -> None:
    with suppress(Lost):  # the code tells, even where nobody hears the sentence
        show_where(traceback.format_exc())
        print(f"autophagy: {clean(sentence)}", file=sys.stderr)
    raise typer.Exit(code) from None


def _fault(error: Exception) -> str:
    return (
        f"something went wrong that should not have: {type(error).__name__}: {error}. "
        f"This is a fault of autophagy or of a plugin; {DEBUG}=1 shows the traceback."
    )
