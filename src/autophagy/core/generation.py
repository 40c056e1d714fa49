"""One finished turn of the loop, as a metric sees it; and the record it leaves."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from .features import Features
from .known import Tokenised
from .parts import Encoder, Sampler, Source
from .pool import Pool


@dataclass(frozen=True)
class Generation:
    """What one generation left, beside real data to hold it against.

    Attributes:
        number: 0 for the founder.
        samples: what it drew, after curation (or a probe's samples, or real ones for the floor).
        real: the lineage's fixed real set, which the founder was trained on.
        reference: held-out real data that no generation trains on.
        control: other held-out real data, disjoint from `reference`.
        source: where the real data comes from.
        fresh: gives the real data that this generation was trained on beside `real`; a pool for each draw.
        sampler: the fitted model; only for metrics whose `reads` names it.
        founder: generation 0's fitted model; only for metrics whose `reads` names it.
        founder_samples: generation 0's samples; only for metrics whose `reads` names them.
        first: generation 1's fitted model, None for the founder; only for metrics whose `reads` names it.
        previous: the generation before's samples; only for metrics whose `reads` names it.
    """

    number: int
    samples: Pool
    real: Pool
    reference: Pool
    control: Pool
    source: Source
    fresh: Callable[[], Sequence[Pool]] = tuple
    sampler: Sampler | None = None
    founder: Sampler | None = None
    founder_samples: Pool | None = None
    first: Sampler | None = None
    previous: Pool | None = None
    features: Features = field(default_factory=Features)

    def texts(self, pool: Pool) -> np.ndarray:
        """The strings `(n,)` of a pool of text, which a source of token rows decodes."""
        if isinstance(self.source, Tokenised) and pool.samples.ndim == 2:
            return self.source.texts(pool.samples)
        return pool.samples

    def encode(self, encoder: Encoder, pool: Pool) -> np.ndarray:
        """Features `(n, d)` of a pool, worked out once for each pool and encoder; texts are read as strings."""
        return self.features.of(encoder, self.readable(pool), reference=self.readable(self.reference))

    def readable(self, pool: Pool) -> Pool:
        """The same pool, but that rows of tokens are the strings they stand for."""
        if not (isinstance(self.source, Tokenised) and pool.samples.ndim == 2):
            return pool
        what = "texts", self.source.vocabulary()
        return pool.edited(self.features.remembered(what, (pool,), lambda: self.texts(pool)))


@dataclass(frozen=True)
class Record:
    """A line of `records.jsonl`: all that analysis needs to know of one generation.

    Attributes:
        trained_on: samples by origin: "real", "generation 3", "generation 3 of <key>".
        reused: fresh real rows that this lineage had seen before (`exhausted = "reuse"`).
        removed: how many samples each curator took away.
        pools: keys of what it left: "samples", "drawn" where curators made another pool of it, and "probe NAME" for
            each probe; for the report "probe gallery", and "probe begun" where samples began from real ones.
        scores: "metric.value" → number; NaN and infinities are kept.
        each: keys of scores beside which numbers of every sample are kept, by metric.
        remarks: where the fit had to go on otherwise than its recipe has it, such as in smaller pieces.
    """

    arm: str
    seed: int
    generation: int
    status: Literal["finished", "diverged"]
    key: str
    trained_on: Mapping[str, int] = field(default_factory=dict)
    train_digest: str = ""
    reused: int = 0
    drawn: int = 0
    kept: int = 0
    removed: Mapping[str, int] = field(default_factory=dict)
    reason: str = ""
    pools: Mapping[str, str] = field(default_factory=dict)
    scores: Mapping[str, float] = field(default_factory=dict)
    each: Mapping[str, str] = field(default_factory=dict)
    remarks: Sequence[str] = field(default_factory=list)

    @property
    def place(self) -> tuple[str, int, int]:
        """Arm, seed and generation, of which a run has one record."""
        return self.arm, self.seed, self.generation


def remarked(records: Iterable[Record]) -> dict[str, list[Record]]:
    """Remarks of fits, each with the records that have it."""
    found: dict[str, list[Record]] = {}
    for record in records:
        for remark in record.remarks:
            found.setdefault(str(remark), []).append(record)
    return found
