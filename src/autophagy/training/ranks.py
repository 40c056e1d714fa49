"""The processes of one fit: started for it, listened to until it is over, and ended with it, whatever ends it."""

from __future__ import annotations

import multiprocessing
import signal
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path

import torch

from autophagy.core.errors import AutophagyError
from autophagy.core.processes import depend_on_parent
from autophagy.core.workspace import Machine, Workspace

from .machine import check_devices
from .team import Team, Together

Work = Callable[[Team, Workspace], None]
NEVER = 1e18  # seconds between two checkpoints
SOON = 1.0  # seconds in which a process that has died is seen to have


def on_ranks(work: Work, workspace: Workspace, meeting: Path) -> None:
    """Calls `work(team, workspace)` in as many new processes as the machine has devices; `work` goes there by pickle.

    Process 0 alone keeps checkpoints and says how far it is. It is over once process 0 has done its work. `meeting`
    names a file that is not there yet. Raises ConfigError for devices that are not there, the work's own error, and
    AutophagyError if a process is ended from outside. None is left when this returns or raises; if this process is
    killed they end too.
    """
    machine = workspace.machine
    on_cpu = check_devices(machine) == "cpu"
    if torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
        torch.cuda.empty_cache()  # what this process holds of the first GPU for itself
    ranks: list[_Rank] = []
    try:
        for number in range(machine.devices):
            call = _Call(work, number, meeting, workspace.folder(), machine, on_cpu)
            ranks.append(_started(call))
        _listen(ranks, workspace)
    finally:
        _end(ranks)


@dataclass(frozen=True)
class _Call:
    """What a process is told when it begins."""

    work: Work
    rank: int
    meeting: Path
    folder: Path
    machine: Machine
    on_cpu: bool

    def workspace(self, team: Together, speaker: Connection) -> Workspace:
        """The fit's folder, a device of this process's own; only process 0 keeps checkpoints and tells its steps."""
        own = replace(self.machine, device=str(team.device), devices=1)
        if team.rank:
            return Workspace(lambda: self.folder, replace(own, checkpoint_every=NEVER), remark=speaker.send)
        return Workspace(lambda: self.folder, own, lambda *told: speaker.send(told), speaker.send)


@dataclass(frozen=True)
class _Rank:
    """A process as its parent sees it, which hears None when its work is done, an error, a remark, or how far it is."""

    name: str
    process: BaseProcess
    heard: Connection

    @property
    def ending(self) -> str:
        self.process.join(SOON)
        code = self.process.exitcode
        if code is not None and code < 0:
            name = signal.Signals(-code).name if -code in set(signal.Signals) else f"signal {-code}"
            return f"was ended by {name}" + (", perhaps for want of memory" if name == "SIGKILL" else "")
        return (
            f"ended with exit code {code}, perhaps because a script starts processes outside "
            '`if __name__ == "__main__":`'
        )


def _started(call: _Call) -> _Rank:
    context = multiprocessing.get_context("spawn")  # a fork would have the parent's threads and CUDA half
    heard, speaker = context.Pipe(duplex=False)
    process = context.Process(target=_answer, args=(call, speaker), daemon=True)
    process.start()
    speaker.close()  # so that the end of the process is the end of the pipe
    return _Rank(f"process {call.rank + 1} of {call.machine.devices}", process, heard)


def _answer(call: _Call, speaker: Connection) -> None:
    """Runs in the new process. It stays, whatever came out, until it is ended: nobody is to miss it in a sum."""
    depend_on_parent()
    try:
        team = Together(call.rank, call.machine.devices, call.meeting, on_cpu=call.on_cpu)
        call.work(team, call.workspace(team, speaker))
    except Exception as error:
        speaker.send(_portable(error))
    else:
        speaker.send(None)
    threading.Event().wait()


def _portable(error: Exception) -> Exception:
    """The error itself where it is one of ours or Python's own; a library's may not survive the way."""
    if isinstance(error, AutophagyError) or type(error).__module__ == "builtins":
        return error.with_traceback(None)
    return RuntimeError(f"{type(error).__name__}: {error}")


def _listen(ranks: Sequence[_Rank], workspace: Workspace) -> None:
    """Passes on how far it is; returns when process 0 is done, raises when any is in trouble."""
    left = {rank.heard: rank for rank in ranks}
    while ranks[0].heard in left:
        for heard in wait(list(left)):
            rank = left[heard]  # type: ignore[index]  # it is one of these connections
            try:
                told = rank.heard.recv()
            except (EOFError, OSError):
                raise _lost(rank) from None
            if isinstance(told, Exception):
                raise _cause(told, ranks)
            if told is None:
                del left[rank.heard]
            elif isinstance(told, str):
                workspace.remark(told)
            else:
                workspace.progress(*told)


def _cause(error: Exception, ranks: Sequence[_Rank]) -> Exception:
    """A process misses one that has died before anybody else does; then that one is the cause."""
    if not isinstance(error, AutophagyError) and wait([rank.process.sentinel for rank in ranks], SOON):
        return _lost(next(rank for rank in ranks if not rank.process.is_alive()))
    return error


def _lost(rank: _Rank) -> AutophagyError:
    return AutophagyError(f"{rank.name} of a fit {rank.ending}; run it again, and it goes on at its last checkpoint.")


def _end(ranks: Sequence[_Rank]) -> None:
    for rank in ranks:
        rank.process.kill()  # not asked: they may be waiting for one another, and what they write is renamed when whole
    for rank in ranks:
        rank.process.join()
        rank.heard.close()
