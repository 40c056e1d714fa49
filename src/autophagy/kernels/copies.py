"""The longest stretch of a text that stands in another, exactly, by one suffix array of both.

All texts are laid end to end, each with an end of its own kind, so that no stretch
crosses one. Suffixes are sorted by their first 1, 2, 4, … units (Karp, Miller and
Rosenberg 1972; Manber and Myers 1993). The longest stretch that begins somewhere is
shared with the nearest suffix of the other texts, above or below in that order.
"""

from __future__ import annotations

import numpy as np


def longest_copied(texts: np.ndarray, lengths: np.ndarray, sources: int) -> np.ndarray:
    """Returns `(t − sources,)` int64: units in the longest stretch of each text that stands in one of the first ones.

    `texts` `(m,)` are units, numbered from 0, of t texts end to end, `lengths` `(t,)` how many belong to each, and the
    first `sources` of them are what may have been copied. Time is (m + t) log m log L and memory (m + t) log L, L the
    longest text that is asked about.
    """
    asked = len(lengths) - sources
    longest = int(lengths[sources:].max(initial=0))
    if not longest or not sources:
        return np.zeros(asked, np.int64)
    line, owner = _ended(texts, lengths)
    ranks = _ranks(line, longest)
    order = np.argsort(ranks[-1], kind="stable")
    shared = _shared(ranks, order[:-1], order[1:])  # (m − 1,) units that neighbours have in common
    is_source = owner[order] < sources
    best = np.zeros(len(line), np.int64)
    best[order] = _to_nearest(shared, is_source)
    best[order[::-1]] = np.maximum(best[order[::-1]], _to_nearest(shared[::-1], is_source[::-1]))
    found = np.zeros(len(lengths), np.int64)
    np.maximum.at(found, owner, best)
    return found[sources:]


def _ended(texts: np.ndarray, lengths: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """All texts with an end that is like no other, and the text that each unit belongs to."""
    ends = np.cumsum(lengths)
    return (
        np.insert(texts.astype(np.int64), ends, int(texts.max(initial=0)) + 1 + np.arange(len(lengths))),
        np.repeat(np.arange(len(lengths)), lengths + 1),
    )


def _ranks(line: np.ndarray, longest: int) -> list[np.ndarray]:
    """For 1, 2, 4, … up to `longest` or more: `(m,)` the rank of the stretch of that length that begins at each unit.

    Beyond the line stands nothing, of rank −1.
    """
    ranks, span = [np.unique(line, return_inverse=True)[1].astype(np.int64)], 1
    while span <= longest:
        before = ranks[-1]
        after = np.concatenate([before[span:], np.full(min(span, len(line)), -1)])
        ranks.append(np.unique(before * (len(line) + 1) + after + 1, return_inverse=True)[1].astype(np.int64))
        span *= 2
    return ranks


def _shared(ranks: list[np.ndarray], one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """How many units are the same from the places `one` on as from `other` on, both `(k,)`."""
    found, m = np.zeros(len(one), np.int64), len(ranks[0])
    for power in range(len(ranks) - 1, -1, -1):
        a, b = one + found, other + found
        is_inside = np.maximum(a, b) < m
        same = np.zeros(len(one), bool)
        same[is_inside] = ranks[power][a[is_inside]] == ranks[power][b[is_inside]]
        found += same * 2**power
    return found


def _to_nearest(shared: np.ndarray, is_source: np.ndarray) -> np.ndarray:
    """Of each suffix `(m,)` what it shares with the last source before it: the least between neighbours on the way.

    A running minimum that begins anew after each source: stretches of it are laid ever lower.
    """
    stretch = np.cumsum(is_source)[:-1]  # of the step from i to i + 1
    below = int(shared.max(initial=0)) + 1
    least = np.minimum.accumulate(shared - stretch * below) + stretch * below
    return np.concatenate([[0], np.where(stretch > 0, least, 0)])
