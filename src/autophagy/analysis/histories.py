"""Histories that arms share: up to which generation one arm is another, and where it goes its own way.

An arm that eats as another does for five generations and something else from
then on has that arm's first generations, computed once. Its records name the
same pools, and that is how it is known here: by what was made, not by what
anybody called it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from autophagy.core.generation import Record

Keys = dict[str, dict[int, dict[int, str]]]  # arm → seed → generation → the key of its samples


@dataclass(frozen=True)
class Branch:
    """`arm` is `of` up to this generation, in every lineage that both have."""

    arm: str
    of: str
    generation: int


def branches(records: Iterable[Record], arms: Sequence[str]) -> dict[str, Branch]:
    """The arms that go on from another's, by name; a founder alone is no history.

    Of two arms that part, the one that goes on for longer is the branch, and of
    two that end together the later one in `arms`. Arms that never part are none.
    """
    keys = _keys(records)
    last = {arm: max((g for of_seed in keys.get(arm, {}).values() for g in of_seed), default=0) for arm in arms}
    order = sorted(arms, key=lambda arm: (last[arm], arms.index(arm)))
    found = {}
    for i, arm in enumerate(order):
        shared = [(_shared(keys, arm, other), other) for other in order[:i]]
        generation, of = max(shared, key=lambda both: both[0], default=(0, ""))
        if 0 < generation < last[arm]:
            found[arm] = Branch(arm, of, generation)
    return found


def _keys(records: Iterable[Record]) -> Keys:
    found: Keys = {}
    for record in records:
        key = record.pools.get("samples", "")
        if record.status == "finished" and key:
            found.setdefault(record.arm, {}).setdefault(record.seed, {})[record.generation] = key
    return found


def _shared(keys: Keys, arm: str, other: str) -> int:
    """The last generation up to which two arms are one in every seed that both have; 0 if they part there."""
    ends = []
    for seed, own in keys.get(arm, {}).items():
        others = keys.get(other, {}).get(seed)
        if others is not None:
            together = 0
            while own.get(together) is not None and own.get(together) == others.get(together):
                together += 1
            ends.append(max(together - 1, 0))
    return min(ends, default=0)
