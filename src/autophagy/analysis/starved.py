"""Lineages that stop because another one did: an arm may eat what a diverged arm never gave."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from autophagy.archive.run_folder import ArmNotes


def starved(
    arms: Iterable[ArmNotes], seeds: Iterable[int], diverged: Mapping[tuple[str, int], int]
) -> dict[tuple[str, int], int]:
    """By arm and seed, the first generation that is to eat what another arm's lineage, diverged, never gave."""
    lost = dict(diverged)  # the first generation without samples
    meals = [(arm.name, g, e.foreign) for arm in arms for g, meal in enumerate(arm.mixtures) for e in meal if e.foreign]
    for seed in seeds:
        is_new = bool(diverged)
        while is_new:  # an arm may eat from one that eats from another
            found = {
                (arm, seed): g
                for arm, g, (other, eaten) in reversed(meals)
                if eaten >= lost.get((other, seed), eaten + 1) and g < lost.get((arm, seed), g + 1)
            }
            lost |= found
            is_new = bool(found)
    return {lineage: g for lineage, g in lost.items() if lineage not in diverged}
