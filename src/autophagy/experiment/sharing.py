"""What turns of a lineage share, random numbers or real rows, where theory takes whatever meets to be independent."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from itertools import pairwise

from autophagy.core.parts import Stream

from .plan import Turn
from .reals import Rows


def paired_draws(turns: Iterable[Turn]) -> tuple[Turn, Turn] | None:
    """Two different draws of one generation, made from the same random numbers, that turns among these ate."""
    turns = list(turns)
    if not any(turn.foreign for turn in turns):
        return None
    eaten = {e.key for turn in turns for e in turn.eaten}
    seen: dict[int, Turn] = {}
    for turn in turns:
        if turn.kept in eaten and not turn.is_apart:
            other = seen.setdefault(turn.number, turn)
            if other.kept != turn.kept:
                return other, turn
    return None


def overlapping(rows: Iterable[Rows]) -> tuple[Rows, Rows] | None:
    """Two different real sets with rows in common, or that streams draw from the same random numbers."""
    supplies: dict[Hashable, list[Rows]] = {}
    for r in {r.key: r for r in rows if r.size}.values():
        supplies.setdefault((None if isinstance(r.source, Stream) else r.source, r.split, r.lineage), []).append(r)
    pairs = (pair for found in supplies.values() for pair in pairwise(sorted(found, key=_place)))
    return next((pair for pair in pairs if _share(*pair)), None)


def _place(rows: Rows) -> tuple[int, ...]:
    """Where in a lineage's order rows begin; a stream has an order of its own behind every size of the fixed set."""
    return (rows.after, rows.offset) if isinstance(rows.source, Stream) else (rows.after + rows.offset,)


def _share(first: Rows, second: Rows) -> bool:
    """Of neighbours in order. The numbers of a lineage are the same for all streams, whatever they make of them."""
    if isinstance(first.source, Stream):
        return _place(first) == _place(second)
    return first.after + first.offset + first.size > second.after + second.offset
