"""Which turns still have to run, and in what order they may."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator

from autophagy.archive.store import Store

from .plan import Floor, Plan, Turn

Job = Turn | Floor


def due(plan: Plan, store: Store) -> list[Job]:
    """Jobs with something missing, in the plan's order.

    Works backwards: a turn whose record is complete is due all the same if a
    later turn needs samples or weights of it that are no longer there.
    """
    wanted: set[str] = set()
    found: list[Job] = []
    for turn in reversed(plan.turns):
        if _is_due(turn, wanted, store):
            found.append(turn)
            wanted |= _reads(turn, wanted, store)
    floors = [floor for floor in plan.floors if not store.holds(floor.key)]
    return [*floors, *reversed(found)]


def writes(job: Job) -> tuple[str, ...]:
    if isinstance(job, Floor):
        return (job.key,)
    return (job.fit, job.draw, job.kept, job.done)


def _is_due(turn: Turn, wanted: set[str], store: Store) -> bool:
    if not store.holds(turn.done):
        return True
    if _has_diverged(turn, store):
        return False
    if any(key in wanted and not store.holds(key) for key in (turn.fit, turn.draw, turn.kept)):
        return True
    return any(not store.holds(key) for _, _, key in turn.measures())


def _has_diverged(turn: Turn, store: Store) -> bool:
    return bool(store.numbers(turn.done)["status"] == "diverged")


def _reads(turn: Turn, wanted: set[str], store: Store) -> set[str]:
    """The keys of earlier turns that this one will open."""
    reads: set[str] = set()
    is_new = not store.holds(turn.done)
    needs_kept = is_new or turn.kept in wanted or any(not store.holds(key) for _, _, key in turn.measures())
    needs_draw = (
        needs_kept and not store.holds(turn.kept) or turn.draw in wanted or (is_new and bool(turn.arm.curators))
    )
    reads_sampler = any("sampler" in m.reads for m, _, key in turn.measures() if not store.holds(key))
    reads_probes = any(not store.holds(key) for _, key in turn.probes)
    needs_fit = needs_draw and not store.holds(turn.draw) or turn.fit in wanted or reads_sampler or reads_probes
    needs_fit = needs_fit or (is_new and turn.arm.refill == "redraw")
    if is_new or (needs_fit and not store.holds(turn.fit)):
        reads |= {e.key for e in turn.eaten if e.rows is None}
        reads |= {turn.start} if turn.start else set()
    if turn.arm.curators and turn.number and (is_new or not store.holds(turn.kept)):
        reads.add(turn.founder)
    if turn.previous and any("previous" in metric.reads for metric in turn.arm.metrics):
        reads.add(turn.previous)
    return reads


class Schedule:
    """Hands out jobs whose inputs are there, never two at a time that would make the same thing."""

    def __init__(self, jobs: Iterable[Job]) -> None:
        self.jobs = list(jobs)
        self._makers: dict[str, Job] = {}
        for job in self.jobs:
            for key in writes(job):
                self._makers.setdefault(key, job)
        self._waiting: dict[int, set[int]] = {}
        self._followers: dict[int, list[Job]] = {}
        self._ready: deque[Job] = deque()
        self._busy: set[str] = set()
        self.skipped: list[Job] = []
        for job in self.jobs:
            self._place(job)

    def next(self) -> Job | None:
        """A job to start now, or None if every one left waits for a job that is under way."""
        for _ in range(len(self._ready)):
            job = self._ready.popleft()
            if not self._busy.intersection(writes(job)):
                self._busy.update(writes(job))
                return job
            self._ready.append(job)
        return None

    def finished(self, job: Job, *, is_whole: bool) -> None:
        """Frees the jobs that waited for this one; drops them if it failed or diverged."""
        self._busy.difference_update(writes(job))
        followers = self._followers.pop(id(job), [])
        if not is_whole:
            self.skipped.extend(self._dropped(followers))
            return
        for follower in followers:
            waits = self._waiting[id(follower)]
            waits.discard(id(job))
            if not waits:
                self._ready.append(follower)

    def _place(self, job: Job) -> None:
        makers = (self._makers.get(key) for key in needs(job))
        waits = {id(maker) for maker in makers if maker is not None and maker is not job}
        self._waiting[id(job)] = waits
        for waited in waits:
            self._followers.setdefault(waited, []).append(job)
        if not waits:
            self._ready.append(job)

    def _dropped(self, jobs: Iterable[Job]) -> Iterator[Job]:
        for job in jobs:
            if self._waiting.pop(id(job), None) is not None:
                yield job
                yield from self._dropped(self._followers.pop(id(job), []))


def needs(job: Job) -> Iterator[str]:
    """Keys of other jobs that this one may open."""
    if isinstance(job, Floor):
        return
    yield from (e.key for e in job.eaten if e.rows is None)
    yield from (key for key in (job.start, job.previous if _reads_previous(job) else None) if key)
    if job.arm.curators and job.number:
        yield job.founder


def _reads_previous(turn: Turn) -> bool:
    return any("previous" in metric.reads for metric in turn.arm.metrics)
