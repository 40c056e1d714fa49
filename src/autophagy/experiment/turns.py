"""What a plan is made of: one generation of one arm under one seed, and the keys that it reads and writes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from autophagy.core.identity import key, part_key
from autophagy.core.mixture import Draw, Mixture
from autophagy.core.parts import Metric
from autophagy.core.seeds import Seed

from . import reals
from .config import Arm
from .reals import Rows

GALLERY = "gallery"
BEGUN = "begun"  # the real samples that generation 0 began from: as many as the gallery shows
SHOWN = (GALLERY, BEGUN)  # for the report alone: never measured, always kept


@dataclass(frozen=True, slots=True)
class Eaten:
    """Where one draw of a mixture comes from: real rows, or the key of what a generation left."""

    rows: Rows | None
    key: str
    available: int  # samples in that pool; an upper bound where curation shrinks it
    reused: int = 0  # fresh rows this lineage has seen before
    by: ArmKeys | None = None  # of the lineage that drew them; None for real rows


@dataclass(frozen=True, slots=True)
class ArmKeys:
    """What is the same in every turn of a lineage."""

    model: str
    curators: tuple[str, ...]
    fixed: Rows
    reference: Rows
    control: Rows
    validation: Rows | None  # that fits choose by
    conditions: str | None  # the key of the real set whose conditions draws have; None if they have none
    evenly: bool  # whether every condition of that set comes as often


class Measurement(NamedTuple):
    """One metric of one set of samples: the generation's own, or a probe's."""

    metric: Metric
    probe: str | None
    of: str  # the key of the samples
    key: str


@dataclass(frozen=True, slots=True)
class Turn:
    """One generation of one arm under one seed: all that a worker needs to run it.

    `eaten`, `start` and `ground` name what it reads; `fit`, `draw`, `kept`, `probes`
    and `done` are the keys it writes. `founder` is the draw of generation 0, `founder_kept` what
    curators left of it, `founder_fit` its model, `first_fit` the model of generation 1, which generation 0 does
    not know.
    `remade` names what was deleted since, though a later turn needs it again.
    """

    arm_name: str
    arm: Arm
    seed: int
    number: int
    keys: ArmKeys
    mixture: Mixture
    eaten: tuple[Eaten, ...]
    start: str | None
    ground: str | None  # the founder's fit, for models that are `Grounded` in it
    fit: str
    draw: str
    kept: str
    done: str
    founder: str
    founder_kept: str
    founder_fit: str
    first_fit: str | None
    previous: str | None
    probes: tuple[tuple[str, str], ...]
    foreign: tuple[str, ...]  # draws of other arms among `eaten`
    is_apart: bool  # has eaten from another arm, so it must not share that arm's random numbers
    remade: tuple[str, ...] = ()

    @property
    def seeds(self) -> Seed:
        """Streams that arms share, so that differences between them are paired."""
        return Seed(("lineage", self.seed, self.number, *((self.fit,) if self.is_apart else ())))

    @property
    def samples(self) -> int:
        return sample_count(self.arm, self.keys.fixed)

    @property
    def read(self) -> dict[str, str | None]:
        """The keys of what metrics may read beside samples and real data; None for what is not there yet."""
        return {
            "sampler": self.fit,
            "previous": self.previous,
            "founder": self.founder_fit,
            "founder_samples": self.founder_kept,
            "first": self.first_fit,
        }

    def opened(self, metrics: Iterable[Metric]) -> Iterator[str]:
        """The keys of earlier turns that these metrics read."""
        names = {name for metric in metrics for name in metric.reads}
        own = (None, self.fit, self.kept)
        return (key for name, key in self.read.items() if name in names and key not in own)

    def measures(self) -> Iterator[Measurement]:
        for metric in self.arm.metrics:
            basis = (part_key(metric), self.keys.fixed.key, self.keys.reference.key, self.keys.control.key)
            extra = [self.read[name] for name in metric.reads]
            for name, of in self._measured(metric):
                yield Measurement(metric, name, of, key("measure", *basis, of, *extra))

    def measured(self) -> set[str]:
        """The keys of all samples that some metric is of."""
        return {of for metric in self.arm.metrics for _, of in self._measured(metric)}

    def _measured(self, metric: Metric) -> Iterator[tuple[str | None, str]]:
        yield None, self.kept
        if metric.alone:
            yield from ((name, of) for name, of in self.probes if name not in SHOWN)


@dataclass(frozen=True, slots=True)
class Floor:
    """A metric of held-out real data against the reference: what a perfect model would score."""

    arm_name: str
    arm: Arm
    keys: ArmKeys
    metric: Metric
    key: str


def sample_count(arm: Arm, fixed: Rows) -> int:
    """How many samples a generation draws: as many as there are real ones, if an arm says nothing else."""
    return reals.count(fixed) if arm.samples is None else arm.samples


def most_passed(arm: Arm, drawn: int) -> int:
    """At most how many of so many draws pass an arm's curators, as far as these know beforehand."""
    for curator in arm.curators:
        drawn = min(drawn, curator.most(drawn))
    return drawn


def most_kept(arm: Arm, samples: int) -> int:
    """At most how many samples a generation leaves."""
    return most_passed(arm, samples) if arm.refill == "shrink" else samples


def group_counts(draw: Draw, eaten: Eaten, keys: ArmKeys) -> tuple[int, ...]:
    """How many samples of every condition a draw by condition has to take from; nothing for any other draw."""
    if draw.per_group is None and not draw.stratified:
        return ()
    if eaten.rows is not None:
        return reals.of_each(eaten.rows, eaten.available)
    by = eaten.by or keys
    return reals.of_each(by.fixed, eaten.available, evenly=by.evenly)


def taken_count(draw: Draw, eaten: Eaten, keys: ArmKeys) -> int:
    """How many samples a draw takes, as far as the plan can know."""
    return min(eaten.available, draw.count(eaten.available, group_counts(draw, eaten, keys)))
