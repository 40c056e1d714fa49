"""What of a plan is in a store already."""

from __future__ import annotations

from autophagy.archive.disk import DiskStore
from autophagy.experiment.measured import measured
from autophagy.experiment.plan import Plan


def is_computed(plan: Plan, store: DiskStore) -> list[bool]:
    """For each turn, whether the store has everything that its record needs."""
    present = set(store.keys())
    return [
        turn.done in present and all(score is not None for _, score in measured(turn, store)) for turn in plan.turns
    ]
