"""What has been measured of a turn, and what has not."""

from __future__ import annotations

from collections.abc import Iterator

from autophagy.archive.store import Numbers, Store

from .turns import Measurement, Turn


def measured(turn: Turn, store: Store) -> Iterator[tuple[Measurement, Numbers | None]]:
    """Every measurement of a turn with what it gave; None where it has not been made."""
    sheets = {of: store.scores(of) for of in turn.measured()}
    return ((each, sheets[each.of].get(each.key)) for each in turn.measures())


def unmeasured(turn: Turn, store: Store) -> list[Measurement]:
    return [each for each, found in measured(turn, store) if found is None]
