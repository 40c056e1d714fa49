"""Work in this process or in several; what comes out, and in which order, is the same."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures.process import BrokenProcessPool
from typing import TypeVar

from autophagy.core.errors import AutophagyError
from autophagy.core.processes import depend_on_parent
from autophagy.experiment.executors import ENDED_EARLY, Processes, executor, single_threaded, workers

Job = TypeVar("Job")
Outcome = TypeVar("Outcome")


def outcomes(work: Callable[[Job], Outcome], jobs: Sequence[Job], on: str) -> Iterator[Outcome]:
    """Yields `work(job)` for every job, in order. `on` is "auto", "serial" or "processes:N"."""
    found = executor(on, len(jobs))
    if not jobs:
        return
    if not isinstance(found, Processes):
        with single_threaded():
            yield from map(work, jobs)
        return
    try:
        with workers(min(found.count, len(jobs)), depend_on_parent) as pool:
            futures = deque(pool.submit(work, job) for job in jobs)  # map's are cancelled while the workers are ended
            while futures:
                yield futures.popleft().result()
    except BrokenProcessPool:
        raise AutophagyError(f"{ENDED_EARLY}.") from None
