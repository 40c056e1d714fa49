"""Runs one program of somebody else: never through a shell, never longer than we live, never in silence."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from autophagy.core.errors import AutophagyError, DataError, PlanError
from autophagy.core.settings import shown
from autophagy.core.workspace import Machine

from . import _command_watch as watch

ALWAYS = ("PATH", "HOME")  # variables that every program gets
TOLD = 3  # last lines of a log in an error
PATIENCE = 5.0  # seconds between asking a program to end and killing it
BUSY = 15.0  # seconds; a killed run's program may take that long to end


@dataclass(frozen=True)
class Task:
    """One call of a program.

    Attributes:
        what: in words, for errors: "the train command".
        arguments: with every placeholder filled in.
        passes: names of the variables it gets beside PATH and HOME, where they are set.
        log: the file to which its output is added.
        handles: open files that stay open as long as the program or anything it started lives.
    """

    what: str
    arguments: Sequence[str]
    passes: Sequence[str]
    log: Path
    handles: tuple[int, ...] = ()


def carry_out(task: Task, machine: Machine) -> None:
    """Runs a program to its end. Raises PlanError if it may not start, AutophagyError if it does not end well."""
    permitted(machine, task.what)
    ending, is_late = _ending(task, machine.command_timeout)
    if is_late:
        raise _failed(task, f"ran past its limit of {machine.command_timeout:g} s and was ended")
    if ending != "exit 0":
        raise _failed(task, _in_words(ending))


def permitted(machine: Machine, what: str) -> None:
    """Raises PlanError unless programs may be started; the last gate, whatever way led here."""
    if not machine.allow_commands:
        raise PlanError(
            f"{what} would start a program of this machine, which has not been allowed: say --allow-commands, or in "
            "Python machine = Machine(allow_commands=True)."
        )


@contextmanager
def held(folder: Path) -> Iterator[int]:
    """The lock of a workspace, for a program to hold beyond our death; raises DataError if another one has it."""
    import fcntl

    try:
        handle = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK, 0o600)
    except OSError as error:
        raise DataError(f"the lock in {folder} cannot be opened: {error.strerror}; remove it.") from None
    try:
        patient_until = time.monotonic() + BUSY
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > patient_until:
                    raise DataError(
                        f"another program is at work in {folder}; wait for it or end it, and run again."
                    ) from None
                time.sleep(0.1)
        if not os.fstat(handle).st_nlink:  # its folder was removed while we waited: the other one has stored its model
            raise DataError(f"another run has just finished the model of {folder}; run again to use it.")
        yield handle
    finally:
        os.close(handle)


def _ending(task: Task, limit: float | None) -> tuple[str, bool]:
    """What the watcher reported, and whether the time was up."""
    environment = {name: os.environ[name] for name in (*ALWAYS, *task.passes) if name in os.environ}
    with task.log.open("ab") as log:
        watcher = subprocess.Popen(
            [sys.executable, "-I", "-S", watch.__file__, str(PATIENCE), *task.arguments],
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


def _failed(task: Task, how: str) -> AutophagyError:
    lines = _last_lines(task.log)
    said = f"its last lines: {' | '.join(lines)}; all of them" if lines else "it said nothing; its log"
    return AutophagyError(f"{task.what} ({shown(task.arguments[0], 120)}) {how}; {said}: {task.log}")


def _last_lines(log: Path) -> list[str]:
    """The end of a log, of which a progress bar's returns are line ends too."""
    with log.open("rb") as file:
        file.seek(max(0, os.fstat(file.fileno()).st_size - 8192))
        lines = re.split(r"[\r\n]+", file.read().decode("utf-8", "replace"))
    return [line.strip()[:200] for line in lines if line.strip()][-TOLD:]
