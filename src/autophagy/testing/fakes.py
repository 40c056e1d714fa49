"""Small parts whose every move can be foretold: for tests of an engine, and of your own parts beside them.

They carry no registration, so no experiment finds them by name; pass them as
objects: `Arm(source=Numbered(), model=Logged(), loop=…)`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np
from safetensors.numpy import load_file, save_file

from autophagy.core.errors import Diverged
from autophagy.core.generation import Generation
from autophagy.core.parts import Begin, Collection, Curator, Metric, Model, Pretrained, Sampler, Split
from autophagy.core.pool import Pool
from autophagy.core.seeds import Seed
from autophagy.core.settings import Count, Whole
from autophagy.core.workspace import Workspace

HELDOUT = 1_000_000  # the number of the first held-out sample
FILE = "chain.safetensors"


@dataclass(frozen=True)
class Numbered(Collection):
    """Sample i is the vector (i,), so a sample tells which row it was; its class is i modulo `groups`.

    Attributes:
        rows: of the train split.
        heldout: rows of the held-out split, which are numbered from 1,000,000.
        groups: classes, or 0 for none.
    """

    name = "numbered"
    space = "vectors"
    rows: Count = 100
    heldout: Whole = 20
    groups: Whole = 0

    def size(self, split: Split) -> int:
        return self.rows if split == "train" else self.heldout

    def load(self, split: Split) -> np.ndarray:
        return np.arange(self.size(split), dtype=np.float64)[:, None] + (HELDOUT if split == "heldout" else 0)

    def conditions(self, split: Split) -> np.ndarray | None:
        return np.arange(self.size(split)) % self.groups if self.groups else None


@dataclass(frozen=True)
class Fit:
    """What one call of `Logged.fit` was given."""

    seed: int
    generation: int
    train: Pool
    start: int | None  # how many fits lie behind the weights it began with; None from scratch


@dataclass(frozen=True)
class Logged(Pretrained):
    """Draws its training mean with unit noise, and writes down every fit in `fits`.

    Attributes:
        tag: makes two of them different models.
    """

    name = "logged"
    begins = True
    continues = True
    fits: ClassVar[list[Fit]] = []
    tag: int = 0

    def fit(self, train: Pool, *, start: Sampler | None, seed: Seed, workspace: Workspace) -> Sampler:
        behind = start.fits if isinstance(start, Chain) else None
        _, lineage, generation, *_ = seed.path
        self.fits.append(Fit(int(lineage), int(generation), train, behind))
        return Chain(train.samples.mean(0), 1 + (behind or 0))

    def load(self, folder: Path) -> Sampler:
        found = load_file(folder / FILE)
        return Chain(found["mean"], int(found["fits"][0]))

    def founder(self) -> Sampler:
        return Chain(np.array([-7.0]), 100)


@dataclass(frozen=True)
class LoggedByClass(Logged):
    """As `Logged`, with classes: ten times its class is added to every sample."""

    name = "logged-by-class"
    conditional = True


@dataclass(frozen=True)
class Chain(Sampler):
    """Knows how many fits, one started from the other, led to it."""

    mean: np.ndarray  # (d,)
    fits: int

    def sample(
        self, n: int, *, condition: np.ndarray | None, bias: float, seed: Seed, begin: Begin | None = None
    ) -> np.ndarray:
        noise = seed.numpy().standard_normal((n, len(self.mean)))
        centre, strength = (self.mean, 1.0) if begin is None else (begin.samples, begin.strength)
        shift = 0 if condition is None else 10 * np.asarray(condition, float)[:, None]
        return np.asarray(centre + shift + strength * np.sqrt(bias) * noise)

    def save(self, folder: Path) -> None:
        save_file({"mean": self.mean, "fits": np.array([self.fits])}, folder / FILE)


@dataclass(frozen=True)
class Breaks(Model):
    """Works until one generation of one lineage.

    Attributes:
        seed: of the lineage that breaks.
        generation: where it breaks.
        how: the fit diverges, raises an error of its own, or ends the program, or gives a model that draws NaN; or it
            breaks nothing and remarks that it went on otherwise.
    """

    name = "breaks"
    seed: Whole = 0
    generation: Whole = 3
    how: Literal["diverges", "raises", "exits", "draws-nan", "remarks"] = "diverges"
    mended: ClassVar[bool] = False  # set it to let a second run succeed

    def fit(self, train: Pool, *, start: Sampler | None, seed: Seed, workspace: Workspace) -> Sampler:
        is_here = seed.path[1:3] == (self.seed, self.generation) and not self.mended
        if is_here and self.how == "raises":
            raise ZeroDivisionError("the plugin's own mistake")
        if is_here and self.how == "exits":
            raise SystemExit(3)
        if is_here and self.how == "diverges":
            raise Diverged("the loss was nan at step 12.")
        if is_here and self.how == "remarks":
            workspace.remark("memory was full")
            workspace.remark("memory was full")
        breaks = is_here and self.how == "draws-nan"
        return Chain(train.samples.mean(0) * (np.nan if breaks else 1.0), 1)

    def load(self, folder: Path) -> Sampler:
        return Logged().load(folder)


@dataclass(frozen=True)
class Mean(Metric):
    """The mean of the samples; probes are measured too.

    Attributes:
        tag: makes two of them different metrics.
    """

    name = "mean"
    takes = ("vectors",)
    alone = True
    better: ClassVar = {"mean": "higher"}
    measured: ClassVar[list[int]] = []  # generations, in the order they were measured
    tag: int = 0

    def measure(self, generation: Generation) -> Mapping[str, float]:
        self.measured.append(generation.number)
        return {"mean": float(generation.samples.samples.mean())}


@dataclass(frozen=True)
class NotFinite(Metric):
    """Every number that is none."""

    name = "not-finite"

    def measure(self, generation: Generation) -> Mapping[str, float]:
        return {"nan": float("nan"), "up": float("inf"), "down": float("-inf"), "one": 1.0}


@dataclass(frozen=True)
class Step(Metric):
    """How far the mean moved since the generation before, and how many fits are behind the model."""

    name = "step"

    @property
    def reads(self) -> tuple[Literal["sampler", "previous"], ...]:
        return ("sampler", "previous")

    def measure(self, generation: Generation) -> Mapping[str, float]:
        before, sampler = generation.previous, generation.sampler
        moved = np.nan if before is None else float(generation.samples.samples.mean() - before.samples.mean())
        return {"moved": moved, "fits": sampler.fits if isinstance(sampler, Chain) else np.nan}


@dataclass(frozen=True)
class Raises(Metric):
    """Has a mistake in it."""

    name = "raises"

    def measure(self, generation: Generation) -> Mapping[str, float]:
        raise KeyError("nothing of that name")


@dataclass(frozen=True)
class Every(Curator):
    """Keeps one sample in `nth`, counted by row.

    Attributes:
        nth: 1 keeps all of them.
    """

    name = "every"
    nth: Count = 2

    def curate(self, fresh: Pool, *, real: Pool, founder: Pool, seed: Seed) -> Pool:
        return fresh.take(fresh.row % self.nth == 0)


@dataclass(frozen=True)
class Cheats(Curator):
    """Breaks a promise: repeats a sample, brings in real ones, lets nothing pass, swaps conditions, or cuts samples."""

    name = "cheats"
    how: Literal["repeats", "invents", "empties", "renames", "cuts"] = "repeats"

    def curate(self, fresh: Pool, *, real: Pool, founder: Pool, seed: Seed) -> Pool:
        if self.how == "repeats":
            return fresh.take(np.zeros(len(fresh), np.int64))
        if self.how == "cuts":
            return fresh.edited(fresh.samples[:, :0])
        if self.how == "renames":
            return replace(fresh, condition=None if fresh.condition is None else fresh.condition[::-1])
        return real if self.how == "invents" else fresh.take(np.zeros(len(fresh), bool))
