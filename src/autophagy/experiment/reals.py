"""Real rows: which ones a lineage's fixed set, its fresh draws and its held-out references are made of.

A lineage has one order of its source's train rows. The fixed set takes the
first ones; fresh draws go on from there and never come back, unless the arm
allows reuse. For a source without end every draw has an address of its own.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from functools import lru_cache

import numpy as np

from autophagy.core.errors import DataError, PlanError
from autophagy.core.identity import PLACE, key, plain
from autophagy.core.mapped import taken
from autophagy.core.parts import Collection, Source, Split, Stream
from autophagy.core.pool import REAL_DATA, Origin, Pool
from autophagy.core.seeds import Seed
from autophagy.core.settings import shown

MOST, ROOM = 64, 2**30  # sets of real samples that are kept in memory beside those in use, and their bytes
HELDOUT_OF_A_STREAM = 10_000  # rows; half of them are the default reference


@dataclass(frozen=True, slots=True)
class Rows:
    """Real rows by recipe: enough to load them anywhere.

    Attributes:
        lineage: the seed whose order of rows this is; -1 for the held-out split, which all lineages share.
        size: how many rows; or, if `per_group` is set, how many of every condition.
        offset: how many rows (or rows of every condition) were taken before.
        after: size of the fixed set that goes before fresh rows, in the same unit.
        upto: a group that has fewer gives what it has, and none of them twice; only with `per_group`.
    """

    source: Source
    split: Split
    lineage: int
    size: int
    offset: int = 0
    after: int = 0
    per_group: bool = False
    upto: bool = False
    key: str = ""

    def named(self) -> Rows:
        """The same with its key, which is that of the recipe."""
        return replace(self, key=_key(self, source_key(self.source)))


def _key(rows: Rows, identity: str) -> str:
    recipe = (rows.split, rows.lineage, rows.size, rows.offset, rows.after, rows.per_group)
    return key("rows", identity, *recipe, *(("upto",) if rows.upto else ()))


@lru_cache(maxsize=64)
def source_key(source: Source) -> str:
    """A source's identity as of the last plan: its settings and the bytes behind them, but not where those lie."""
    return _identity(source)


def _identity(source: Source) -> str:
    places = {field.name for field in fields(source) if field.metadata.get(PLACE)}
    settings = {name: value for name, value in plain(source, with_content=True).items() if name not in places}
    return key("source", key([settings]), source.content())


def forget() -> None:
    """Before a plan: what lies behind a source may have changed since the last one."""
    source_key.cache_clear()
    group_sizes.cache_clear()


@lru_cache(maxsize=64)
def group_sizes(source: Source, split: Split) -> Mapping[object, int] | None:
    """How many rows there are of every condition, 0 of those that the source misses; None if it has none."""
    conditions = source.conditions(split)
    if conditions is None:
        return None
    missed: dict[object, int] = dict.fromkeys(source.all_groups() or (), 0)
    return missed | dict(sorted(Counter(np.asarray(conditions).tolist()).items()))


def count(rows: Rows) -> int:
    """How many samples these are."""
    if not rows.per_group:
        return rows.size
    sizes = group_sizes(rows.source, rows.split) or {None: 0}
    if not rows.upto:
        return rows.size * len(sizes)
    return sum(min(rows.size, max(0, size - rows.offset)) for size in sizes.values())


@lru_cache(maxsize=256)
def of_each(rows: Rows, n: int, *, evenly: bool = False) -> tuple[int, ...]:
    """How many samples of every condition there are among n that follow these rows' conditions (`following`)."""
    conditions = rows.source.conditions(rows.split)
    if conditions is None:
        return ()
    found = following(conditions[_picked(rows, _order(rows))], np.arange(n), evenly=evenly)
    _, counts = np.unique(found, return_counts=True)
    return tuple(counts.tolist())


def following(conditions: np.ndarray, places: np.ndarray, *, evenly: bool) -> np.ndarray:
    """`(n,)` conditions of draws number `places`: a real set's over and over, or its kinds in turn, as first met."""
    if evenly:
        conditions = conditions[np.sort(np.unique(conditions, return_index=True)[1])]
    return np.asarray(conditions[places % len(conditions)])


def short(rows: Rows) -> dict[str, int]:
    """The groups that have fewer rows than these ask for of every group, with how many they have."""
    sizes = group_sizes(rows.source, rows.split) if rows.per_group else None
    wanted = rows.after + rows.offset + rows.size
    return {str(group): size for group, size in (sizes or {}).items() if size < wanted}


def told(groups: dict[str, int]) -> str:
    """ "'a' (12), 'b' (0)"."""
    return ", ".join(f"{shown(group, 120)} ({size})" for group, size in groups.items())


def unseen(rows: Rows) -> int | None:
    """How many rows of its draw (of its poorest group) the lineage has not seen yet; None without end."""
    if isinstance(rows.source, Stream):
        return None
    if rows.per_group:
        sizes = group_sizes(rows.source, rows.split)
        if sizes is None:
            raise PlanError(
                f"source '{rows.source.name}' has no classes or captions; say real = … instead of per_group."
            )
        return min(sizes.values()) - rows.after - rows.offset
    total = rows.source.size(rows.split)
    return None if total is None else total - rows.after - rows.offset


def seen_before(rows: Rows) -> int:
    """How many samples of this draw the lineage has had already, because there were no others left."""
    if isinstance(rows.source, Stream):
        return 0
    groups = group_sizes(rows.source, rows.split) if rows.per_group else None
    supplies = [_size(rows.source, rows.split)] if groups is None else list(groups.values())
    taken = rows.after + rows.offset
    return sum(max(0, min(rows.size, rows.size + taken - supply)) for supply in supplies)


_loaded: OrderedDict[str | Rows, tuple[Pool, int]] = OrderedDict()  # pools and their bytes, the latest last


def load(rows: Rows) -> Pool:
    """Reads the rows; the pool's arrays are shared, so nobody may write to them.

    Raises DataError if what lies behind the source is no longer what was planned.
    """
    name = rows.key or rows  # a text is found in a tenth of the time
    if name not in _loaded:
        pool = _read(rows)
        _loaded[name] = pool, _bytes(pool)
        while len(_loaded) > MOST or (len(_loaded) > 1 and sum(size for _, size in _loaded.values()) > ROOM):
            _loaded.popitem(last=False)
    _loaded.move_to_end(name)
    return _loaded[name][0]


def _bytes(pool: Pool) -> int:
    columns = (pool.samples, pool.origin, pool.row, pool.condition)
    return sum(column.nbytes for column in columns if column is not None)


def _read(rows: Rows) -> Pool:
    source = rows.source
    if isinstance(source, Stream):
        made = source.draw(rows.size, _seed(rows).child(rows.after, rows.offset))
        if len(made) != rows.size:
            raise DataError(f"source '{source.name}' was asked for {rows.size} rows and gave {len(made)}.")
        made.flags.writeable = False
        origin = Origin(rows.key, REAL_DATA)  # the whole recipe: another size may draw other rows under the same number
        return Pool.born(made, origin, rows=np.arange(len(made), dtype=np.int64) + rows.after + rows.offset)
    if not isinstance(source, Collection):
        raise PlanError(f"source '{source.name}' must be a Collection or a Stream.")
    picked = _picked(rows, _order(rows))
    conditions = source.conditions(rows.split)
    samples = taken(source.load(rows.split), picked)
    identity = _identity(source)  # after all of it has been read
    origin = Origin(key("real", identity, rows.split), REAL_DATA)
    if rows.key and _key(rows, identity) != rows.key:
        raise DataError(
            f"what lies behind source '{source.name}' has changed since the run began; put it back, or run it again."
        )
    samples.flags.writeable = False
    return Pool.born(samples, origin, condition=None if conditions is None else conditions[picked], rows=picked)


def sample(source: Source) -> np.ndarray:
    """One sample of a source, `(1, …)`, to see what they are like."""
    if isinstance(source, Stream):
        return source.draw(1, Seed(("disk",)))
    if isinstance(source, Collection):
        return source.load("heldout" if source.size("heldout") else "train")[:1]
    raise PlanError(f"source '{source.name}' must be a Collection or a Stream.")


def first(rows: Rows, n: int) -> Pool:
    """The first n of these rows, or all of them where there are fewer."""
    pool = load(rows)
    return pool.take(np.arange(min(n, len(pool))))


def _order(rows: Rows) -> np.ndarray:
    """A lineage's order of its source's rows, `(n,)`."""
    return _seed(rows).numpy().permutation(_size(rows.source, rows.split))


def _seed(rows: Rows) -> Seed:
    return Seed(("lineage", rows.lineage, "real", rows.split))


def _size(source: Source, split: Split) -> int:
    size = source.size(split)
    if size is None:
        raise PlanError(f"source '{source.name}' must say how many rows it has.")
    return size


def _picked(rows: Rows, order: np.ndarray) -> np.ndarray:
    """`(k,)` row numbers. Past the end of what is there they begin again: only plans that allow reuse get that far."""
    first = rows.after + rows.offset
    if not rows.per_group:
        return np.asarray(order[np.arange(first, first + rows.size) % len(order)], np.int64)
    conditions = rows.source.conditions(rows.split)
    ordered = np.asarray(conditions)[order]
    of_group = [order[ordered == group] for group in np.unique(ordered)]
    if rows.upto:
        return _in_turn([g[first : first + rows.size] for g in of_group])
    turns = [g[np.arange(first, first + rows.size) % len(g)] for g in of_group]
    return np.stack(turns, axis=1).ravel().astype(np.int64)  # one of each in turn: any part of the set has them all


def _in_turn(groups: list[np.ndarray]) -> np.ndarray:
    """One of each group after the other, for as long as a group has some."""
    rank = np.concatenate([np.arange(len(group)) for group in groups])
    return np.concatenate(groups)[np.argsort(rank, kind="stable")].astype(np.int64)
