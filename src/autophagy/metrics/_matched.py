"""Two sets with equally many rows of every condition, so that a distance between them is not one of group sizes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from autophagy.core.parts import Model, Source
from autophagy.core.pool import Pool
from autophagy.core.settings import shown

NAMED = 5  # groups that a record calls by name


@dataclass(frozen=True)
class Match:
    """Rows of both sets, as many of each condition.

    Attributes:
        samples: `(k,)` ints, in their order.
        reference: `(k,)` ints, in their order.
        sizes: rows of each side, by condition.
    """

    samples: np.ndarray
    reference: np.ndarray
    sizes: Mapping[object, int]

    @property
    def short(self) -> Mapping[object, int]:
        """The groups with fewer rows than the largest has."""
        most = max(self.sizes.values(), default=0)
        return {group: size for group, size in self.sizes.items() if size < most}

    def told(self) -> dict[str, str | int]:
        """What a record says of it."""
        short, most = self.short, max(self.sizes.values(), default=0)
        names = [f"{shown(group)} {size} of {most}" for group, size in list(short.items())[:NAMED]]
        more = [f"{len(short) - NAMED} more"] if len(short) > NAMED else []
        return {"groups": len(self.sizes), "groups_short": len(short), "short": "; ".join([*names, *more]) or "none"}


def matched(samples: Pool, reference: Pool) -> Match:
    """Takes of every condition the first rows of both, as many as both have; nothing of a pool without conditions."""
    own, known = samples.condition, reference.condition
    if own is None or known is None:
        return Match(np.zeros(0, np.int64), np.zeros(0, np.int64), {})
    groups = np.union1d(own, known)
    here, there, sizes = [], [], {}
    for group in groups:
        rows, others = np.flatnonzero(own == group), np.flatnonzero(known == group)
        size = min(len(rows), len(others))
        here.append(rows[:size])
        there.append(others[:size])
        sizes[group.item()] = size
    return Match(np.sort(np.concatenate(here)), np.sort(np.concatenate(there)), sizes)


def unmatched(who: str, source: Source, model: Model) -> str | None:
    """A sentence if samples of `model` and held-out rows of `source` have no condition in common."""
    asked, known = source.conditions("train"), source.conditions("heldout")
    if asked is None or known is None or not model.conditional:
        return (
            f"metric '{who}' with matched = \"group\" needs classes or captions that samples are drawn for, but source "
            f"'{source.name}' or model '{model.name}' has none; leave matched out."
        )
    if set(asked.tolist()).isdisjoint(known.tolist()):
        return (
            f"metric '{who}' with matched = \"group\" finds no class or caption of source '{source.name}' among the "
            f"rows that it holds out, such as {shown(np.asarray(asked)[:1].tolist())}; leave matched out."
        )
    return None
