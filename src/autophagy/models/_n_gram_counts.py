"""Counts of n-grams: a table for each length of context, in which only what was seen takes room.

A context is numbered from its last unit to its first: the context of m units is
the pair of the context of m − 1 units and the unit before these. So a context
is found by m searches in sorted lists, for all rows of a batch at once.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from autophagy.text.units import Rows

UNSEEN = -1  # the number of a context that was never seen


@dataclass(frozen=True)
class Table:
    """What was seen to follow contexts of one length.

    Attributes:
        contexts: `(c,)` int64, rising: number of the context a unit shorter × width + the unit before it.
        first: `(c + 1,)` int64: where each context's units begin in the two below.
        units: `(g,)` int64, rising within a context.
        counts: `(g,)` int64, at least 1.
        sums: `(g + 1,)` int64: the running sum of counts, from 0.
    """

    contexts: np.ndarray
    first: np.ndarray
    units: np.ndarray
    counts: np.ndarray
    sums: np.ndarray

    @classmethod
    def of(cls, contexts: np.ndarray, keys: np.ndarray, counts: np.ndarray, width: int) -> Table:
        """From contexts `(c,)`, and for each gram `(g,)` its context × width + its unit, rising."""
        owner, units = np.divmod(keys, width)
        first = np.searchsorted(owner, np.arange(len(contexts) + 1))
        return cls(contexts, first, units, counts, np.concatenate([[0], np.cumsum(counts)]))

    def keys(self, width: int) -> np.ndarray:
        """`(g,)` what `of` was given."""
        return np.asarray(np.repeat(np.arange(len(self.contexts)), self.kinds) * width + self.units)

    @property
    def totals(self) -> np.ndarray:
        """`(c,)` how often each context was seen."""
        return np.asarray(np.diff(self.sums[self.first]))

    @property
    def kinds(self) -> np.ndarray:
        """`(c,)` how many different units followed each context."""
        return np.asarray(np.diff(self.first))


def counted(rows: Rows, before: Rows, order: int, signs: Signs) -> tuple[Table, ...]:
    """Counts the grams of 1, 2, … `order` units, ends included where there is a sign for them.

    `before` holds what stands before each text, of which the last order − 1 units are read.
    """
    line, targets = laid_out(rows, before, order, signs)
    known = np.zeros(len(targets), np.int64)  # the empty context
    contexts, tables = np.zeros(1, np.int64), []
    for length in range(order):
        if length:
            contexts, known = np.unique(known * signs.width + line[targets - length], return_inverse=True)
        keys, counts = np.unique(known * signs.width + line[targets], return_counts=True)
        tables.append(Table.of(contexts, keys, counts, signs.width))
    return tuple(tables)


@dataclass(frozen=True)
class Signs:
    """Numbers beyond the vocabulary's 0 … size − 1.

    Attributes:
        size: of the vocabulary.
        has_end: whether the end of a text is drawn as units are.
        is_open: whether a unit outside the vocabulary has a chance when a text is read; it is never drawn.
    """

    size: int
    has_end: bool
    is_open: bool = False

    @property
    def end(self) -> int:
        return self.size

    @property
    def begin(self) -> int:
        return self.size + 1

    @property
    def unknown(self) -> int:
        return self.size + 2

    @property
    def width(self) -> int:
        return self.size + 3

    @property
    def drawn(self) -> int:
        """How many units can be drawn, the end included."""
        return self.size + self.has_end

    @property
    def outcomes(self) -> int:
        """Among how many the equal chances of smoothing are shared out: also with all that is unknown, as one."""
        return self.drawn + self.is_open

    def can_come(self, units: np.ndarray) -> np.ndarray:
        """Returns `(n,)`: whether these have a share of equal chances."""
        return np.asarray((units < self.drawn) | (self.is_open & (units == self.unknown)))


def laid_out(rows: Rows, before: Rows, order: int, signs: Signs) -> tuple[np.ndarray, np.ndarray]:
    """Returns texts in one line `(l,)`, each after its context of order − 1 units, and the places of what is counted.

    A context that is shorter has signs of the beginning in front.
    """
    ahead, n = order - 1, len(rows.lengths)
    spans = rows.lengths + ahead + signs.has_end
    starts = np.cumsum(spans) - spans  # (n,)
    line = np.full(int(spans.sum()), signs.begin, np.int64)
    within = np.arange(len(rows.ids)) - np.repeat(rows.starts, rows.lengths)
    line[np.repeat(starts + ahead, rows.lengths) + within] = rows.ids
    line[starts[:, None] + np.arange(ahead)] = tails(before, ahead, signs, n)
    if signs.has_end:
        line[starts + ahead + rows.lengths] = signs.end
    is_target = np.ones(len(line), bool)
    is_target[(starts[:, None] + np.arange(ahead)).reshape(-1)] = False
    return line, np.flatnonzero(is_target)


def tails(before: Rows, length: int, signs: Signs, n: int) -> np.ndarray:
    """The last units of n texts `(n, length)`, filled up in front with signs of the beginning."""
    found = np.full((n, length), signs.begin, np.int64)
    ends = before.starts + before.lengths
    for back in range(1, min(length, int(before.lengths.max(initial=0))) + 1):
        has = before.lengths >= back
        found[has, -back] = before.ids[ends[has] - back]
    return found


def located(tables: tuple[Table, ...], history: np.ndarray, width: int) -> np.ndarray:
    """Returns `(n, order)`: the number of each row's context of 0, 1, … units, UNSEEN where it was never seen.

    `history` `(n, order − 1)` ends with the unit before the one that comes.
    """
    found = np.full((len(history), len(tables)), UNSEEN, np.int64)
    found[:, 0] = 0
    for length, table in enumerate(tables[1:], 1):
        wanted = found[:, length - 1] * width + history[:, -length]
        place = np.minimum(np.searchsorted(table.contexts, wanted), len(table.contexts) - 1)
        is_there = (found[:, length - 1] != UNSEEN) & (table.contexts[place] == wanted)
        found[is_there, length] = place[is_there]
    return found


def relative(table: Table, context: np.ndarray, unit: np.ndarray, width: int) -> np.ndarray:
    """Returns `(n,)` the relative frequency of units after contexts; 0 where either was not seen."""
    keys = table.keys(width)
    wanted = context * width + unit
    if not len(keys):
        return np.zeros(len(context))
    place = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    is_there = (context != UNSEEN) & (keys[place] == wanted)
    return np.where(is_there, table.counts[place] / table.totals[context], 0.0)
