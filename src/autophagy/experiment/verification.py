"""Whether the numbers in a run's folder are those of its artefacts, which alone are hashed."""

from __future__ import annotations

from collections.abc import Iterator

from autophagy.archive.disk import DiskStore
from autophagy.archive.run_folder import RunFolder, line, readable
from autophagy.core.errors import StoreError
from autophagy.sources._hub import unasked

from .plan import plan
from .rebuild import rebuild
from .run import measures, record


def differences(folder: RunFolder, store: DiskStore) -> Iterator[str]:
    """A sentence for each way in which records and measures are not what the artefacts say.

    Raises AutophagyError for a run of which that cannot be told: of parts that are not at hand, say, or of data that
    have changed since. Damaged artefacts must have been told before: what stands on them is left out.
    """
    try:
        with readable(folder):
            notes, unread, stated = folder.notes(), folder.unread(), folder.measures()
            told = folder.records()
    except StoreError:
        yield "its files cannot be read"
        return
    with readable(folder), unasked():  # a store may be somebody else's, and name what it likes
        planned = plan(rebuild(notes))
    turns = {(turn.arm_name, turn.seed, turn.number): turn for turn in planned.turns}
    known = {place: found for place, turn in turns.items() if (found := record(turn, store)) is not None}
    own = [found for found in told if found.place in turns]
    if own and all(found.key != turns[found.place].done for found in own):
        raise StoreError("its data or the parts it is of have changed since")
    places = {found.place for found in own}
    if strange := len(told) - len(own):
        yield f"{strange:,} {'records are of turns' if strange > 1 else 'record is of a turn'} that it does not have"
    if more := len(own) - len(places):
        yield f"{more:,} {'records are' if more > 1 else 'record is'} in records.jsonl twice"
    wrong = [found for found in own if found.place in known and line(found) != line(known[found.place])]
    if bad := unread + len(wrong):
        lines = "lines of records.jsonl are" if bad > 1 else "line of records.jsonl is"
        yield f"{bad:,} {lines} not what its artefacts say"
    if (missing := len(known.keys() - places) - unread) > 0:
        yield f"{missing:,} of {len(known):,} records {'are' if missing > 1 else 'is'} missing from records.jsonl"
    if len(known) == len(planned.turns) and stated != measures(planned, store):
        yield "measures.json is not what its artefacts say"
