"""Stands between autophagy and a program that it runs: once it ends, so has everything the program ever started.

    python -I -S _command_watch.py SECONDS HANDLES PROGRAM ARGUMENT…

SECONDS lie between asking what is left to end, and killing it. HANDLES are
numbers of open files for the program to inherit, with commas between them.

Run as a script of its own, with nothing but the standard library. Standard
input is a pipe that nobody writes to: its end means that autophagy is gone, by
whatever kind of death, or wants the program to stop. Standard error is the log,
and the program's output. Standard output gets one line when all is over:
`exit 3`, `signal 9` or `cannot start: why`.
"""

from __future__ import annotations

import ctypes
import os
import select
import signal
import subprocess
import sys
import time
from contextlib import suppress

DESPAIR = 10.0  # seconds after which what cannot be killed (another user's, stuck in the kernel) is left alone
IS_LINUX = sys.platform.startswith("linux")
PARENT_DEATH_SIGNAL, CHILD_SUBREAPER = 1, 36  # of prctl(2)


def main(patience: float, handles: list[int], command: list[str]) -> None:
    parent = os.getppid()
    wake = _woken_by(signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
    if IS_LINUX:
        ctypes.CDLL(None).prctl(CHILD_SUBREAPER, 1, 0, 0, 0)  # orphaned grandchildren become ours
    try:
        program = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=2,
            start_new_session=True,
            preexec_fn=_die_with_the_watcher,
            pass_fds=handles,
        )
    except (OSError, ValueError) as error:
        _report(f"cannot start: {error}")
        return
    while _ended(program) is None and os.getppid() == parent:
        ready, _, _ = select.select([0, wake], [], [], 1.0)
        if 0 in ready or (wake in ready and os.read(wake, 4096).strip(bytes([signal.SIGCHLD]))):
            break
    _end_all(program, patience)
    code = _ended(program)
    _report("cannot be ended" if code is None else f"signal {-code}" if code < 0 else f"exit {code}")


def _ended(program: subprocess.Popen[bytes]) -> int | None:
    """The program's exit code, or None. Also lets orphans go that became ours, which would stay as zombies."""
    with suppress(ChildProcessError):
        while (found := os.waitpid(-1, os.WNOHANG))[0]:
            if found[0] == program.pid:
                program.returncode = os.waitstatus_to_exitcode(found[1])
    return program.returncode


def _woken_by(*signals: int) -> int:
    """Makes signals readable as bytes from a file handle, so that none is missed between two looks."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    for number in signals:
        signal.signal(number, lambda *_: None)
    return reader


def _die_with_the_watcher() -> None:
    """Runs in the new process: the kernel kills the program if somebody kills the watcher itself."""
    if IS_LINUX:
        ctypes.CDLL(None).prctl(PARENT_DEATH_SIGNAL, signal.SIGKILL, 0, 0, 0)


def _end_all(program: subprocess.Popen[bytes], patience: float) -> None:
    """Asks everything that is left to end, and kills what does not."""
    asked: set[int] = set()
    began = time.monotonic()
    while (left := _left(program)) and time.monotonic() - began < patience + DESPAIR:
        is_patient = time.monotonic() - began < patience
        for process in left - asked if is_patient else left:
            _send(process, signal.SIGTERM if is_patient else signal.SIGKILL)
        asked |= left
        time.sleep(0.02)


def _left(program: subprocess.Popen[bytes]) -> set[int]:
    """Processes that are still alive below this one; elsewhere than on Linux the program's own group (negative)."""
    _ended(program)
    if not IS_LINUX:
        try:
            os.killpg(program.pid, 0)
        except OSError:
            return set()
        return {-program.pid}
    parents = dict(filter(None, map(_parent, filter(str.isdecimal, os.listdir("/proc")))))
    found, generation = set[int](), {os.getpid()}
    while generation:
        generation = {process for process, parent in parents.items() if parent in generation}
        found |= generation
    return found


def _parent(process: str) -> tuple[int, int] | None:
    """A process and its parent; None if it has ended."""
    try:
        with open(f"/proc/{process}/stat", encoding="utf-8", errors="replace") as file:
            state, parent, *_ = file.read().rpartition(")")[2].split()  # its name may hold anything
    except (OSError, ValueError):
        return None
    return None if state in "ZX" else (int(process), int(parent))


def _send(process: int, number: int) -> None:
    with suppress(OSError):  # it has gone, or is another user's
        os.kill(process, number)


def _report(line: str) -> None:
    with suppress(OSError):  # nobody is left to hear it
        os.write(1, line.encode("utf-8", "replace"))


if __name__ == "__main__":
    main(float(sys.argv[1]), [int(handle) for handle in sys.argv[2].split(",") if handle], sys.argv[3:])
