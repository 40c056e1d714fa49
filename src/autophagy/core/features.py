"""Features of pools, each worked out once for as long as there is room."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from weakref import ref

import numpy as np

from .identity import part_key
from .parts import Encoder
from .pool import Pool


class Features:
    """A cache of encoded pools, oldest out first; holding one cannot change a result."""

    def __init__(self, megabytes: int = 512) -> None:
        self._room = megabytes * 2**20
        self._kept: OrderedDict[tuple[str, ...], np.ndarray] = OrderedDict()
        self._encoders: dict[tuple[str, str], Encoder] = {}
        self._digests: dict[int, tuple[ref[Pool], str]] = {}  # of pools that someone else holds

    def of(self, encoder: Encoder, pool: Pool, *, reference: Pool) -> np.ndarray:
        """Returns `(n, d)` features of `pool`; `reference` is what a fitted encoder fits itself on."""
        prepared = part_key(encoder), self._digest(reference)
        address = (*prepared, self._digest(pool))
        if address in self._kept:
            self._kept.move_to_end(address)
            return self._kept[address]
        if prepared not in self._encoders:
            self._encoders[prepared] = encoder.prepared(reference)
        features = self._encoders[prepared].encode(pool.samples)
        self._remember(address, features)
        return features

    def remembered(
        self, what: tuple[str | int, ...], pools: tuple[Pool, ...], make: Callable[[], np.ndarray]
    ) -> np.ndarray:
        """Returns `make()`, worked out once for each `what` and content of `pools`: radii, factors, sorted rows."""
        address = (*map(str, what), *map(self._digest, pools))
        if address not in self._kept:
            self._remember(address, make())
        self._kept.move_to_end(address)
        return self._kept[address]

    def _digest(self, pool: Pool) -> str:
        place, digests = id(pool), self._digests  # not `self`, which the watcher would keep
        known = digests.get(place)
        if known is None or known[0]() is not pool:
            digests[place] = known = (ref(pool, lambda _: digests.pop(place, None)), pool.digest())
        return known[1]

    def _remember(self, address: tuple[str, ...], features: np.ndarray) -> None:
        self._kept[address] = features
        while len(self._kept) > 1 and sum(f.nbytes for f in self._kept.values()) > self._room:
            self._kept.popitem(last=False)
