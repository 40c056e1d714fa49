"""Claims about curators."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from autophagy.core.parts import Curator, Space
from autophagy.core.pool import Pool
from autophagy.core.seeds import Seed

from . import toys


def _curated(curator: Curator) -> Iterator[tuple[Space, Pool, Pool]]:
    for space in toys.spaces(curator):
        fresh = toys.pool(space, generation=3)
        yield space, fresh, _curate(curator, fresh, space)


def _curate(curator: Curator, fresh: Pool, space: Space) -> Pool:
    founder = toys.pool(space, generation=0)
    return curator.curate(fresh, real=toys.pool(space), founder=founder, seed=Seed(("curate",)))


def _invents_nothing(curator: Curator) -> str | None:
    for space, fresh, kept in _curated(curator):
        names = {(o, r) for o, r in zip(fresh.origin.tolist(), fresh.row.tolist(), strict=True)}
        left = list(zip(kept.origin.tolist(), kept.row.tolist(), strict=True))
        if kept.origins != fresh.origins or not names.issuperset(left):
            return f"it returned {space} that it was not given"
        if len(set(left)) < len(left):
            return f"it returned some {space} twice"
    return None


def _keeps_kind(curator: Curator) -> str | None:
    for _, fresh, kept in _curated(curator):
        was, now = fresh.samples, kept.samples
        if now.shape[1:] != was.shape[1:] or now.dtype.kind != was.dtype.kind:
            return f"of {was.dtype} of shape {was.shape[1:]} it made {now.dtype} of shape {now.shape[1:]}"
        if now.dtype.kind == "f" and not np.isfinite(now).all():
            return "some of its numbers are not finite"
    return None


def _is_reproducible(curator: Curator) -> str | None:
    for space, fresh, kept in _curated(curator):
        if _curate(curator, fresh, space).digest() != kept.digest():
            return "the same seed keeps other samples the second time"
    return None


def _leaves_data_alone(curator: Curator) -> str | None:
    for space in toys.spaces(curator):
        fresh = toys.pool(space, generation=3)
        before = fresh.digest()
        _curate(curator, fresh, space)
        if fresh.digest() != before:
            return f"it changed the {space} it was given instead of returning edited() ones"
    return None


def _keeps_conditions(curator: Curator) -> str | None:
    for _, fresh, kept in _curated(curator):
        if fresh.condition is not None and kept.condition is None:
            return "it lost the classes or captions"
        if fresh.condition is not None and kept.condition is not None:
            of_row = dict(zip(fresh.row.tolist(), fresh.condition.tolist(), strict=True))
            if not np.array_equal([of_row[r] for r in kept.row.tolist()], kept.condition):
                return "it mixed up the classes or captions"
    return None


CURATOR = (
    ("it only drops or edits", _invents_nothing),
    ("samples keep their shape and type", _keeps_kind),
    ("the same seed keeps the same samples", _is_reproducible),
    ("it leaves what it was given alone", _leaves_data_alone),
    ("classes and captions stay with their samples", _keeps_conditions),
)
