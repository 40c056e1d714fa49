"""What of a plan is in a store already."""

from __future__ import annotations

from autophagy.experiment.plan import Plan


def is_computed(plan: Plan, present: set[str]) -> list[bool]:
    """For each turn, whether everything its record needs is among the keys `present`."""
    if not present:
        return [False] * len(plan.turns)
    return [
        turn.done in present and all(key in present for _, _, key in turn.measures())  # scores last: keys cost time
        for turn in plan.turns
    ]
