"""Turns that will not come because another one did not: an arm may eat what a diverged arm never gave."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from autophagy.archive.run_folder import ArmNotes

Lost = dict[str, set[int]]  # by arm, the generations that leave no samples


def starved(
    arms: Sequence[ArmNotes], seeds: Iterable[int], diverged: Mapping[tuple[str, int], int]
) -> dict[tuple[str, int], list[int]]:
    """By arm and seed, the generations that are to eat, or to go on from, what never came; in lineages not diverged.

    `diverged` has the generation at which a lineage did. Whatever eats only what is there goes on.
    """
    found: dict[tuple[str, int], list[int]] = {}
    for seed in {seed for _, seed in diverged} & set(seeds):
        ends = {arm: g for (arm, of), g in diverged.items() if of == seed}
        lost: Lost = {a.name: set(range(ends[a.name], a.generations + 1)) if a.name in ends else set() for a in arms}
        eaters = [arm for arm in arms if arm.name not in ends and _eats_others(arm)]
        while any(_spread(arm, lost) for arm in eaters):  # an arm may eat from one that eats from another
            pass
        found |= {(arm.name, seed): sorted(lost[arm.name]) for arm in eaters if lost[arm.name]}
    return found


def _eats_others(arm: ArmNotes) -> bool:
    return any(eaten.drawn and eaten.drawn[0] for meal in arm.mixtures for eaten in meal)


def _spread(arm: ArmNotes, lost: Lost) -> bool:
    """Adds the turns of an arm that need a lost one; whether there were any."""
    own, before = lost[arm.name], len(lost[arm.name])
    for g, meal in enumerate(arm.mixtures):
        needed = [(other or arm.name, k) for other, k in filter(None, (eaten.drawn for eaten in meal))]
        needed += [(arm.name, k) for k in _begun_from(arm, g)]
        if any(k in lost.get(name, ()) for name, k in needed):
            own.add(g)
    return len(own) > before


def _begun_from(arm: ArmNotes, g: int) -> tuple[int, ...]:
    """The generation whose weights this one goes on from."""
    start = arm.parts.get("start")
    return (g - 1,) if g and start == "previous" else (0,) if g and start == "founder" else ()
