"""Runs one program of somebody else: never through a shell, never longer than we live, never in silence."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from autophagy.core.errors import AutophagyError, PlanError
from autophagy.core.settings import shown
from autophagy.core.workspace import Machine

from . import _command_watch as watch

ALWAYS = ("PATH", "HOME")  # variables that every program gets
TOLD = 3  # last lines of a log in an error
PATIENCE = 5.0  # seconds between asking a program to end and killing it


@dataclass(frozen=True)
class Task:
    """One call of a program.

    Attributes:
        what: in words, for errors: "the train command".
        arguments: with every placeholder filled in.
        passes: names of the variables it gets beside PATH and HOME, where they are set.
        log: the file to which its output is added.
        handles: open files that the program inherits, and so does what it starts, unless it closes them itself.
    """

    what: str
    arguments: Sequence[str]
    passes: Sequence[str]
    log: Path
    handles: tuple[int, ...] = ()


def carry_out(task: Task, machine: Machine) -> None:
    """Runs a program to its end. Raises PlanError if it may not start, AutophagyError if it does not end well."""
    permitted(machine, task.what)
    with task.log.open("a+b") as log:  # read through this handle too, whatever the program does to the name
        ending, is_late = _ending(task, log, machine.command_timeout)
        if is_late:
            raise _failed(task, log, f"ran past its limit of {machine.command_timeout:g} s and was ended")
        if ending != "exit 0":
            raise _failed(task, log, _in_words(ending))


def permitted(machine: Machine, what: str) -> None:
    """Raises PlanError unless programs may be started; the last gate, whatever way led here."""
    if not machine.allow_commands:
        raise PlanError(
            f"{what} would start a program of this machine, which has not been allowed: say --allow-commands, or in "
            "Python machine = Machine(allow_commands=True)."
        )


def _ending(task: Task, log: BinaryIO, limit: float | None) -> tuple[str, bool]:
    """What the watcher reported, and whether the time was up."""
    environment = {name: os.environ[name] for name in (*ALWAYS, *task.passes) if name in os.environ}
    handles = ",".join(map(str, task.handles))
    watcher = subprocess.Popen(
        [sys.executable, "-I", "-S", watch.__file__, str(PATIENCE), handles, *task.arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=log,
        env=environment,
        start_new_session=True,  # Ctrl-C is for us; the watcher hears of it through its standard input
        pass_fds=task.handles,
    )
    is_late = False
    try:
        watcher.wait(limit)
    except subprocess.TimeoutExpired:
        is_late = True
    finally:
        told = _dismissed(watcher)
    return told, is_late


def _dismissed(watcher: subprocess.Popen[bytes]) -> str:
    """Lets the watcher end whatever is still running, and returns its report."""
    with suppress(OSError):
        watcher.stdin.close()  # type: ignore[union-attr]  # it is a pipe
    try:
        watcher.wait(PATIENCE + 2 * watch.DESPAIR)
    except subprocess.TimeoutExpired:
        watcher.kill()
    with watcher.stdout as pipe:  # type: ignore[union-attr]
        return pipe.read(4096).decode("utf-8", "replace")


def _in_words(ending: str) -> str:
    kind, _, detail = ending.partition(" ")
    if kind == "exit":
        return f"ended with exit code {detail}"
    if kind == "signal":
        name = signal.Signals(int(detail)).name if int(detail) in set(signal.Signals) else detail
        return f"was ended by {name}" + (", perhaps for want of memory" if name == "SIGKILL" else "")
    return ending or "was ended from outside, with its watcher"


def _failed(task: Task, log: BinaryIO, how: str) -> AutophagyError:
    lines = _last_lines(log)
    said = f"its last lines: {' | '.join(lines)}; all of them" if lines else "it said nothing; its log"
    where = task.log if task.log.exists() else f"removed from {task.log}"
    return AutophagyError(f"{task.what} ({shown(task.arguments[0], 120)}) {how}; {said}: {where}")


def _last_lines(log: BinaryIO) -> list[str]:
    """The end of a log, of which a progress bar's returns are line ends too."""
    log.seek(max(0, os.fstat(log.fileno()).st_size - 8192))
    lines = re.split(r"[\r\n]+", log.read().decode("utf-8", "replace"))
    return [line.strip()[:200] for line in lines if line.strip()][-TOLD:]
