"""Retention: which artefacts a finished run leaves behind, and which it may delete on the way."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator
from contextlib import AbstractContextManager

from autophagy.archive.store import Store, sheet

from .plan import Plan
from .turns import SHOWN, Turn


def kept_keys(plan: Plan) -> set[str]:
    """Every key that the experiment's rules keep. Records, scores and what the report shows always stay."""
    experiment = plan.experiment
    last = {arm: experiment.last_generation(arm) for arm in experiment.arms}
    keys: set[str] = set()
    for turn in plan.turns:
        keys.add(turn.done)
        keys.update(map(sheet, turn.measured()))
        keys.update(key for name, key in turn.probes if name in SHOWN)
        is_last, is_founder = turn.number == last[turn.arm_name], turn.number == 0
        if keeps(experiment.keep_models, is_last, is_founder):
            keys.add(turn.fit)
        if keeps(experiment.keep_samples, is_last, is_founder):
            keys.update((turn.draw, turn.kept, *(key for _, key in turn.probes)))
    keys.update(floor.key for floor in plan.floors)
    return keys


def droppable(turn: Turn) -> Iterator[str]:
    """The bulky artefacts of a turn."""
    yield turn.fit
    yield turn.draw
    yield turn.kept
    yield from (key for _, key in turn.probes)


class Retention:
    """Deletes what the rules do not keep, once nothing that is still to run needs it."""

    def __init__(self, plan: Plan, store: Store, others: AbstractContextManager[Container[str]]) -> None:
        """`others` is entered around every deletion and says what other runs of the store keep or are using."""
        self._store = store
        self._others = others
        self.kept = kept_keys(plan)
        self._needed: dict[str, int] = {}

    def expect(self, keys: Iterable[str]) -> None:
        """A job still to run needs these."""
        for key in keys:
            self._needed[key] = self._needed.get(key, 0) + 1

    def release(self, keys: Iterable[str]) -> None:
        """That job has ended, and what it wrote is durable."""
        for key in keys:
            self._needed[key] -= 1

    def drop(self, keys: Iterable[str]) -> None:
        doomed = [key for key in keys if key not in self.kept and not self._needed.get(key)]
        if doomed:
            with self._others as kept_by_others:
                for key in doomed:
                    if key not in kept_by_others:
                        self._store.delete(key)


def keeps(rule: str, is_last: bool, is_founder: bool) -> bool:
    """Whether `keep_models` or `keep_samples` keeps what this generation left."""
    return rule == "all" or (rule == "last" and (is_last or is_founder))
