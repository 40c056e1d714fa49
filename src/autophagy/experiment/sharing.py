"""What turns of a lineage share, random numbers or real rows, where theory takes whatever meets to be independent."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from autophagy.core.parts import Stream

from .reals import Rows
from .turns import Turn


@dataclass(frozen=True)
class Shared:
    """What one history holds twice.

    Attributes:
        draws: two different draws of one generation, made from the same random numbers.
        rows: two different real sets with rows in common, or that streams draw from the same random numbers.
    """

    draws: tuple[Turn, Turn] | None = None
    rows: tuple[Rows, Rows] | None = None

    def __bool__(self) -> bool:
        return bool(self.draws or self.rows)


def shared(own: Sequence[Turn], turns: Mapping[str, Turn]) -> Shared:
    """What the history of one of a lineage's turns holds twice; `turns` are all of its seed, by what they leave."""
    if not _shared(list(ancestors(own, turns))):  # of all its turns together, which is quickly told
        return Shared()
    each = (_shared(list(ancestors([turn], turns))) for turn in own)
    return next(filter(None, each), Shared())


def ancestors(own: Iterable[Turn], turns: Mapping[str, Turn]) -> Iterator[Turn]:
    """The turns and all that they eat, directly or not."""
    waiting = list(own)
    seen = {turn.kept for turn in waiting}
    while waiting:
        turn = waiting.pop()
        yield turn
        eaten = {e.key for e in turn.eaten if e.rows is None} - seen
        seen |= eaten
        waiting += (turns[key] for key in eaten)


def _shared(turns: Sequence[Turn]) -> Shared:
    if not any(turn.foreign for turn in turns):  # a lineage by itself has random numbers and rows of its own
        return Shared()
    return Shared(_draws(turns), _rows(e.rows for turn in turns for e in turn.eaten if e.rows is not None))


def _draws(turns: Sequence[Turn]) -> tuple[Turn, Turn] | None:
    eaten = {e.key for turn in turns for e in turn.eaten}
    seen: dict[Hashable, Turn] = {}
    for turn in turns:
        if turn.kept in eaten:
            other = seen.setdefault((turn.number, turn.fit if turn.is_apart else None), turn)
            if other.kept != turn.kept:
                return other, turn
    return None


def _rows(rows: Iterable[Rows]) -> tuple[Rows, Rows] | None:
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
