"""Work in this process or in several; what comes out, and in which order, is the same."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import TypeVar

from autophagy.core.errors import AutophagyError
from autophagy.core.processes import depend_on_parent
from autophagy.experiment.executors import Processes, executor, single_threaded

Job = TypeVar("Job")
Outcome = TypeVar("Outcome")


def outcomes(work: Callable[[Job], Outcome], jobs: Sequence[Job], on: str) -> Iterator[Outcome]:
    """Yields `work(job)` for every job, in order. `on` is "auto", "serial" or "processes:N"."""
    found = executor(on, len(jobs))
    if not jobs:
        return
    with single_threaded():
        if not isinstance(found, Processes):
            yield from map(work, jobs)
            return
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(min(found.count, len(jobs)), context, depend_on_parent) as pool:
            try:
                yield from pool.map(work, jobs)
            except BrokenProcessPool:
                raise AutophagyError(
                    "a worker process ended early, perhaps for want of memory (use fewer), or because a script runs "
                    'processes outside `if __name__ == "__main__":`.'
                ) from None
            except BaseException:  # Ctrl-C: what is half done is not worth waiting for
                pool.shutdown(wait=False, cancel_futures=True)
                raise
