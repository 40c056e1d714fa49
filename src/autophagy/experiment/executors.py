"""Executors: where turns run. In this process, or in several; what comes out is the same, byte for byte."""

from __future__ import annotations

import itertools
import multiprocessing
import os
import time
import traceback
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from autophagy.archive.disk import DiskStore
from autophagy.archive.store import Store
from autophagy.core import hardware
from autophagy.core.errors import AutophagyError, ConfigError, StoreError, is_out_of_memory, where
from autophagy.core.features import Features
from autophagy.core.processes import depend_on_parent
from autophagy.core.settings import shown
from autophagy.core.workspace import Machine

from .schedule import Job, Schedule
from .turn import run_floor, run_turn
from .turns import Floor

ENDED_EARLY = (
    "a worker process ended early, perhaps for want of memory (use fewer), or because a script runs processes outside "
    '`if __name__ == "__main__":`'
)
UNDECIDED = 1.0  # seconds of work from which nothing is concluded: what is first used is also first imported
WORTHWHILE = 6.0  # seconds of work that are worth two or three of starting processes
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")


@dataclass(frozen=True)
class Outcome:
    """How a job ended; `error` is empty if it went well.

    Attributes:
        traceback: where in the code the error arose, as Python tells it.
        at: the file and line of that, where no part foresaw the error.
    """

    job: Job
    seconds: float
    error: str = ""
    traceback: str = ""
    at: str = ""


class Executor(ABC):
    @abstractmethod
    def outcomes(self, schedule: Schedule, store: Store) -> Iterator[Outcome]:
        """Runs jobs as the schedule allows and yields each as it ends; the caller tells the schedule."""


class Serial(Executor):
    """One after the other, in this process."""

    def outcomes(self, schedule: Schedule, store: Store) -> Iterator[Outcome]:
        features = Features()
        with single_threaded():
            while (job := schedule.next()) is not None:
                yield attempt(job, store, features)


@contextmanager
def workers(count: int, prepare: Callable[..., None], *given: object) -> Iterator[ProcessPoolExecutor]:
    """Fresh Python processes with one thread each, ended when an exception leaves the block (Ctrl-C, a full disk): what
    is half done is not worth waiting for.
    """
    others = set(multiprocessing.active_children())
    with _thread_environment():
        pool = ProcessPoolExecutor(count, multiprocessing.get_context("spawn"), prepare, given)
        try:
            yield pool
        except BaseException:
            for worker in set(multiprocessing.active_children()) - others:
                worker.terminate()
            raise
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


@dataclass(frozen=True)
class Processes(Executor):
    """Several at a time, each in a process of its own with one thread for numerical libraries."""

    count: int

    def outcomes(self, schedule: Schedule, store: Store) -> Iterator[Outcome]:
        if not isinstance(store, DiskStore):
            raise ConfigError(
                'an in-memory store cannot be shared between processes; run on "serial" or give a folder.'
            )
        try:
            with workers(self.count, _prepare, store.root, store.machine) as pool:
                yield from self._drain(schedule, pool)
        except BrokenProcessPool:
            raise StoreError(f"{ENDED_EARLY}; run it again; what was finished is kept.") from None

    def _drain(self, schedule: Schedule, pool: ProcessPoolExecutor) -> Iterator[Outcome]:
        running: dict[Future[Outcome], Job] = {}
        while True:
            while len(running) < self.count and (job := schedule.next()) is not None:
                running[pool.submit(_work, job)] = job
            if not running:
                return
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                yield replace(future.result(), job=running.pop(future))  # the schedule knows its own copy


@dataclass(frozen=True)
class Growing(Executor):
    """In this process first; in several as soon as what is left would take longer than to start them."""

    processes: Processes

    def outcomes(self, schedule: Schedule, store: Store) -> Iterator[Outcome]:
        began, features = time.perf_counter(), Features()
        with single_threaded():
            for done in itertools.count(1):
                if (job := schedule.next()) is None:
                    return
                yield attempt(job, store, features)
                spent = time.perf_counter() - began
                if spent > UNDECIDED and (len(schedule.jobs) - done) * spent / done > WORTHWHILE:
                    break
        del features
        yield from self.processes.outcomes(schedule, store)


def executor(on: str, lineages: int, need: int = 0) -> Executor:
    """Reads "serial", "processes:4" or "auto": as many processes as there are cores and lineages to fill them.

    With "auto" also no more than have room in the machine's memory where each takes `need` bytes.
    """
    if not isinstance(on, str):
        raise ConfigError(f'on must be "serial", "processes:N", "auto" or an Executor, but is {shown(on)}.')
    if on == "auto":
        count = min(hardware.cores(), lineages, hardware.memory() // need if need else lineages)
        return Processes(count) if count > 1 else Serial()
    kind, _, told = on.partition(":")
    if on == "serial":
        return Serial()
    if kind == "processes" and told.isdecimal() and 1 <= int(told) <= 1024:
        return Processes(int(told))
    raise ConfigError(f"on must be auto, serial or processes:N with N from 1 to 1024, but is {on!r}.")


def attempt(job: Job, store: Store, features: Features) -> Outcome:
    """Runs one job. What goes wrong in a part ends that lineage only; a store that cannot be written ends the run."""
    began = time.perf_counter()
    try:
        if isinstance(job, Floor):
            run_floor(job, store, features)
        else:
            run_turn(job, store, features)
        store.settle()
    except StoreError:
        raise
    except AutophagyError as error:
        return Outcome(job, time.perf_counter() - began, str(error), traceback.format_exc())
    except (Exception, SystemExit) as error:  # a plugin may raise anything; the other lineages go on
        told, at = traceback.format_exc(), where(error)
        said = f"{type(error).__name__}: {error}"
        if is_out_of_memory(error):
            said = f"memory ran out; use a smaller model, fewer processes or another machine ({said})."
        return Outcome(job, time.perf_counter() - began, said, told, at)
    return Outcome(job, time.perf_counter() - began)


@contextmanager
def single_threaded() -> Iterator[None]:
    """One thread for numerical libraries: sums would come out differently in the last bit with another number."""
    from threadpoolctl import threadpool_limits

    with _thread_environment(), threadpool_limits(limits=1):
        yield


@contextmanager
def _thread_environment() -> Iterator[None]:
    before = {name: os.environ.get(name) for name in THREADS}
    os.environ.update(dict.fromkeys(THREADS, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


_here: tuple[Store, Features]  # of a worker process; set once when it starts


def _prepare(root: Path, machine: Machine) -> None:
    global _here
    depend_on_parent()
    _here = DiskStore(root, machine), Features()


def _work(job: Job) -> Outcome:
    return attempt(job, *_here)
