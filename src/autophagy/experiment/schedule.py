"""Which turns still have to run, and in what order they may."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import replace

from autophagy.archive.store import Store

from .measured import unmeasured
from .plan import Plan
from .retention import kept_keys
from .turns import Floor, Turn

Job = Turn | Floor


def due(plan: Plan, store: Store, *, restore: bool = False) -> list[Job]:
    """Jobs with something missing, in the plan's order.

    Works backwards: a turn whose record is complete is due all the same if a
    later turn needs samples or weights of it that are no longer there, or if
    they should be there but were found damaged; with `restore`, also if they were
    dropped when the experiment kept less, or deleted by hand.
    """
    lost = store.lost()
    wanted = kept_keys(plan) if restore else lost & kept_keys(plan) if lost else set[str]()
    found: list[Job] = []
    for turn in reversed(plan.turns):
        gaps = _Gaps(turn, wanted, store)
        if gaps.is_due:
            found.append(replace(turn, remade=gaps.remade) if gaps.remade else turn)
            wanted.update(gaps.reads())
    floors = [floor for floor in plan.floors if not store.holds(floor.key)]
    return [*floors, *reversed(found)]


def diverged(plan: Plan, store: Store) -> list[Turn]:
    """Turns that ended their lineage in this run or an earlier one."""
    return [turn for turn in plan.turns if _has_diverged(turn, store)]


def writes(job: Job) -> tuple[str, ...]:
    if isinstance(job, Floor):
        return (job.key,)
    return (job.fit, job.draw, job.kept, job.done)


class _Gaps:
    """What is missing of one turn, and what of earlier turns it takes to fill that in."""

    def __init__(self, turn: Turn, wanted: set[str], store: Store) -> None:
        self._turn, self._store = turn, store
        self._is_new = not store.holds(turn.done)
        self._is_over = not self._is_new and _has_diverged(turn, store)
        self._unmeasured = unmeasured(turn, store)
        bulky = (turn.fit, turn.draw, turn.kept, *(key for _, key in turn.probes))
        self.remade = tuple(key for key in bulky if key in wanted and not store.holds(key))

    @property
    def is_due(self) -> bool:
        return self._is_new or (not self._is_over and bool(self._unmeasured or self.remade))

    def reads(self) -> Iterator[str]:
        """The keys of earlier turns that this one will open."""
        turn = self._turn
        if self._makes_fit or self._is_new:
            yield from (e.key for e in turn.eaten if e.rows is None)
        if self._makes_fit:
            yield from (key for key in (turn.start, turn.ground) if key)
        if self._curates and turn.number:
            yield turn.founder
        yield from turn.opened(each.metric for each in self._unmeasured)

    @property
    def _opens_kept(self) -> bool:
        return self._is_new or self._turn.kept in self.remade or any(each.probe is None for each in self._unmeasured)

    @property
    def _curates(self) -> bool:
        is_needed = self._is_new or (self._opens_kept and not self._store.holds(self._turn.kept))
        return bool(self._turn.arm.curators) and is_needed

    @property
    def _opens_draw(self) -> bool:
        turn = self._turn
        return self._curates or turn.draw in self.remade or (turn.draw == turn.kept and self._opens_kept)

    @property
    def _opens_fit(self) -> bool:
        turn, store = self._turn, self._store
        measured = {each.probe for each in self._unmeasured}
        return (
            turn.fit in self.remade
            or (self._opens_draw and not store.holds(turn.draw))
            or (self._curates and turn.arm.refill == "redraw")
            or any("sampler" in each.metric.reads for each in self._unmeasured)
            or any(self._is_new and not store.holds(key) for _, key in turn.probes)
            or any(key in self.remade or (name in measured and not store.holds(key)) for name, key in turn.probes)
        )

    @property
    def _makes_fit(self) -> bool:
        return self._opens_fit and not self._store.holds(self._turn.fit)


def _has_diverged(turn: Turn, store: Store) -> bool:
    return store.holds(turn.done) and store.numbers(turn.done)["status"] == "diverged"


class Schedule:
    """Hands out jobs whose inputs are there, never two at a time that would make the same thing."""

    def __init__(self, jobs: Iterable[Job], diverged: Iterable[Turn] = ()) -> None:
        """`diverged` are turns of earlier runs that will never give what others wait for."""
        self.jobs: list[Job] = []
        self.skipped: list[Job] = []
        self._makers: dict[str, list[Job]] = {}
        self._waiting: dict[int, set[int]] = {}
        self._followers: dict[int, list[Job]] = {}
        self._ready: deque[Job] = deque()
        self._busy: set[str] = set()
        todo, over = list(jobs), list(diverged)
        self._over: dict[int, Job] = {id(turn): turn for turn in over}
        for job in (*todo, *over):
            for key in writes(job):
                self._makers.setdefault(key, []).append(job)
        for job in todo:
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

    def finished(self, job: Job, *, is_whole: bool) -> list[Job]:
        """Frees the jobs that waited for this one; if it failed or diverged, drops and returns them."""
        self._busy.difference_update(writes(job))
        if not is_whole:
            return self._drop(job)
        for follower in self._followers.pop(id(job), []):
            waits = self._waiting[id(follower)]
            waits.discard(id(job))
            if not waits:
                self._ready.append(follower)
        return []

    def _place(self, job: Job) -> None:
        waits = {id(maker) for maker in self._made_by(job)}
        if waits & self._over.keys():
            self._over[id(job)] = job
            self.skipped.append(job)
            return
        self.jobs.append(job)
        self._waiting[id(job)] = waits
        for waited in waits:
            self._followers.setdefault(waited, []).append(job)
        if not waits:
            self._ready.append(job)

    def _made_by(self, job: Job) -> Iterator[Job]:
        """Who makes what a job needs: its own lineage where several would make the same."""
        for key in needs(job):
            makers = [maker for maker in self._makers.get(key, ()) if maker is not job]
            if makers:
                yield next((m for m in makers if _lineage(m) == _lineage(job)), makers[0])

    def _drop(self, ended: Job) -> list[Job]:
        """Everything that waited for a job, directly or through others."""
        dropped, doomed = [], [ended]
        while doomed:
            for job in self._followers.pop(id(doomed.pop()), []):
                if self._waiting.pop(id(job), None) is not None:
                    dropped.append(job)
                    doomed.append(job)
        self.skipped.extend(dropped)
        return dropped


def needs(job: Job) -> Iterator[str]:
    """Keys of other jobs that this one may open."""
    if isinstance(job, Floor):
        return
    yield from (e.key for e in job.eaten if e.rows is None)
    yield from (key for key in (job.start, job.ground) if key)
    yield from job.opened(job.arm.metrics)
    if job.arm.curators and job.number:
        yield job.founder


def _lineage(job: Job) -> tuple[str, int] | None:
    return (job.arm_name, job.seed) if isinstance(job, Turn) else None
