"""What to run: arms, seeds and generations. Nothing here runs anything."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Literal, Self

from autophagy.core import settings
from autophagy.core.errors import ConfigError, listed, nearest
from autophagy.core.parts import Curator, Loop, Metric, Model, Source
from autophagy.core.settings import Count, Share, Whole

NAME = re.compile(r"\w[\w .=+,-]{0,63}")
FOUNDER = re.compile(r".+, n=\d+( per group)?")  # names of a learning curve's arms
FOUNDERS_OWN = ("loop", "real", "per_group", "samples", "generations", "start", "exhausted")  # settings of theirs
LARGEST = 1_000_000  # turns of one experiment; beyond that a slip of the finger would fill the memory
Conditions = tuple[str, ...] | tuple[int, ...]


@dataclass(frozen=True)
class Probe:
    """Conditions that are sampled at every generation only to be measured, from the same seeds each time.

    Attributes:
        conditions: class labels or captions; empty for a model without conditions.
        each: samples of each condition.
    """

    conditions: Conditions = ()
    each: Count = 25

    def __post_init__(self) -> None:
        settings.check(self)

    @property
    def size(self) -> int:
        return self.each * max(1, len(self.conditions))


@dataclass(frozen=True)
class Arm:
    """One treatment: what a model is, what it eats, and what is measured of it.

    Attributes:
        source: where real data comes from.
        model: the family that is fitted anew each generation.
        loop: what each generation trains on.
        real: size of the fixed real set, drawn once for each seed; the whole train split if absent.
        per_group: instead of `real`, this many of every class or caption.
        samples: drawn by each generation, before curation; as many as the fixed real set if absent.
        generations: number of the last one (the founder is 0); the experiment's if absent.
        conditions: of what each generation draws: those of the fixed real set, as often as they come there ("real"),
            or each of them in turn ("even"). A small or uneven real set otherwise leaves its shares for ever.
        bias: λ in (0, 1]: quality bought with diversity, 1 for none.
        start: weights each fit begins with.
        founder: fit generation 0 on real data, or take the model's pretrained weights.
        seeding: strength of image-to-image synthesis from real images for generation 0's samples; plain if absent.
        curators: applied in order to what each generation drew.
        refill: what makes up for curated samples: nothing, drawing until enough pass, or repeating those that did.
        redraw_limit: give up "redraw" after so many times `samples` draws.
        exhausted: what happens when the source has no unseen rows left for fresh draws.
        reference: held-out real samples that metrics compare with; half of what is held out if absent.
        reference_per_group: instead of `reference`, up to this many of every class or caption; the plan names those
            that have fewer.
        metrics: measured of every generation.
        probes: further conditions to be sampled and measured, by name.
        gallery: samples for the report, from the same seeds in every generation; 0 for none.
    """

    source: Source
    model: Model
    loop: Loop
    real: Count | None = None
    per_group: Count | None = None
    samples: Count | None = None
    generations: Whole | None = None
    conditions: Literal["real", "even"] = "real"
    bias: Share = 1.0
    start: Literal["scratch", "previous", "founder"] = "scratch"
    founder: Literal["fit", "pretrained"] = "fit"
    seeding: Share | None = None
    curators: tuple[Curator, ...] = ()
    refill: Literal["shrink", "redraw", "repeat"] = "shrink"
    redraw_limit: Count = 10
    exhausted: Literal["refuse", "reuse"] = "refuse"
    reference: Count | None = None
    reference_per_group: Count | None = None
    metrics: tuple[Metric, ...] = ()
    probes: Mapping[str, Probe] = field(default_factory=dict)
    gallery: Whole = 20

    def __post_init__(self) -> None:
        settings.check(self)
        if self.real is not None and self.per_group is not None:
            raise ConfigError("real and per_group cannot both be set; keep one of them.")
        if self.reference is not None and self.reference_per_group is not None:
            raise ConfigError("reference and reference_per_group cannot both be set; keep one of them.")
        for name in self.probes:
            check_name("probe", name)
        for i, metric in enumerate(self.metrics):
            if metric in self.metrics[:i]:
                raise ConfigError(f"metrics[{i}] is the same '{metric.name}' as one before it; leave it out.")


@dataclass(frozen=True)
class Experiment:
    """Arms × seeds × generations.

    Attributes:
        arms: treatments by name. Names are for people: they enter no key and no random stream.
        seeds: one lineage of every arm for each; arms are paired by them.
        generations: number of the last generation.
        keep_models: which fitted models stay in the store: "last" keeps each lineage's founder and last.
        keep_samples: likewise for samples; records and scores always stay.
        name: of its run folder.
        recipe: digest of the file it was read from; empty where there is none.
    """

    arms: Mapping[str, Arm]
    seeds: tuple[Whole, ...] = (0,)
    generations: Whole = 10
    keep_models: Literal["last", "all", "none"] = "last"
    keep_samples: Literal["last", "all", "none"] = "all"
    name: str = "experiment"
    recipe: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        settings.check(self)
        check_name("experiment", self.name)
        for name in self.arms:
            check_name("arm", name)
        if not self.arms:
            raise ConfigError('arms must have at least one entry, e.g. [arms.replace] with loop = "fully-synthetic".')
        if not self.seeds or len(set(self.seeds)) < len(self.seeds):
            raise ConfigError(
                f"seeds must be different whole numbers, one or more, but are {settings.shown(list(self.seeds))}."
            )
        turns = sum(self.last_generation(arm) + 1 for arm in self.arms) * len(self.seeds)
        if turns > LARGEST:
            raise ConfigError(
                f"generations × seeds × arms: {turns} turns are too many, at most {LARGEST} can be planned; "
                "use fewer generations or seeds."
            )

    def last_generation(self, arm: str) -> int:
        own = self.arms[arm].generations
        return self.generations if own is None else own

    def only(self, names: Iterable[str]) -> Self:
        """The same with these arms, those that they eat from, and the learning curves of all that fit them.

        Raises ConfigError for a name that none has.
        """
        wanted, found = list(names), set[str]()
        while wanted:
            name = wanted.pop()
            if name not in self.arms:
                raise ConfigError(
                    f"there is no arm '{name}'.{nearest(name, self.arms)} There are: {listed(self.arms)}."
                )
            if name not in found:
                found.add(name)
                wanted += self._eaten_by(name)
        kept = [self.arms[name] for name in found]
        founders = {name for name, arm in self.arms.items() if any(_is_founder(name, arm, other) for other in kept)}
        return replace(self, arms={name: arm for name, arm in self.arms.items() if name in found | founders})

    def _eaten_by(self, name: str) -> list[str]:
        """The other arms whose samples an arm is trained on."""
        loop, last = self.arms[name].loop, self.last_generation(name)
        mixtures = (loop.founder(), *(loop.mixture(number) for number in range(1, last + 1)))
        return [draw.pool.arm for mixture in mixtures for draw in mixture.draws if draw.pool.arm]


def _is_founder(name: str, arm: Arm, of: Arm) -> bool:
    """Whether an arm is a point of the learning curve that another has."""
    if arm.generations != 0 or not FOUNDER.fullmatch(name):
        return False
    shared = [each.name for each in fields(arm) if each.name not in FOUNDERS_OWN]
    return all(getattr(arm, each) == getattr(of, each) for each in shared)


def check_name(what: str, name: str) -> None:
    """Names may stand in file names, tables and pages, so they are plain."""
    if not NAME.fullmatch(name):
        raise ConfigError(
            f"{what} name {settings.shown(name)} cannot be used: start with a letter or digit and go on with "
            "letters, digits, spaces and any of _ . = + , - (64 at most)."
        )
