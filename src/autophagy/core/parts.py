"""The parts of an experiment: what a plugin can be.

Every part is a frozen dataclass of its settings; what cannot change a result (device, workers, retention) is none.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, get_args

import numpy as np

from . import declared, settings
from .declared import Axis as Axis
from .declared import Direction as Direction
from .declared import Read as Read
from .errors import ConfigError

if TYPE_CHECKING:
    from .generation import Generation
    from .mixture import Mixture
    from .pool import Pool
    from .seeds import Seed
    from .workspace import Machine, Workspace

Space = Literal["vectors", "images", "symbols", "text"]
ANY: tuple[Space, ...] = get_args(Space)
Split = Literal["train", "heldout"]


@dataclass(frozen=True)
class Part(ABC):
    """Named by `register`; `version` rises when equal fields give new results."""

    name: ClassVar[str]
    version: ClassVar[int] = 1
    takes: ClassVar[tuple[Space, ...]] = ANY  # the spaces it works on

    def __post_init__(self) -> None:
        settings.check(self)

    def objection(self, source: Source, model: Model) -> str | None:
        """A sentence if this part cannot work on what `source` gives or `model` makes; asked for by the plan."""
        return None

    def content(self) -> str:
        """A digest of the bytes in files behind the fields, so that others there are another part; else "".

        In a key it stands for the fields that only say where those files lie (`identity.PLACE` in their metadata).
        """
        return ""

    def lacking(self) -> str | None:
        """A sentence if this machine lacks a package or program it needs; not asked where a run is only read."""
        return None


# ── real data ────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Source(Part):
    """Real data, in two splits that share no row and whose membership never changes."""

    space: ClassVar[Space]

    @abstractmethod
    def size(self, split: Split) -> int | None:
        """How many rows there are; None if they never end."""

    @abstractmethod
    def conditions(self, split: Split) -> np.ndarray | None:
        """`(n,)` class labels or captions of all rows, or None. Cheap: the plan asks for it."""

    def for_choosing(self) -> Source | None:
        """The source whose held-out rows are for fits that choose; None where the data have no split for that."""
        return None

    def all_groups(self) -> Sequence[int | str] | None:
        """Every class or caption that there should be, one without a row too; None if that is not known."""
        return None


@dataclass(frozen=True)
class Collection(Source):
    """A source with a finite number of rows."""

    @abstractmethod
    def load(self, split: Split) -> np.ndarray:
        """Returns all samples of a split, `(n, *shape)`, in an order that never changes."""


@dataclass(frozen=True)
class Stream(Source):
    """A source that makes rows on demand and never runs dry."""

    def size(self, split: Split) -> int | None:
        return None

    def conditions(self, split: Split) -> np.ndarray | None:
        return None

    @abstractmethod
    def draw(self, n: int, seed: Seed) -> np.ndarray:
        """Returns `(n, *shape)` independent samples."""


# ── models ───────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Begin:
    """Where image-to-image synthesis starts, and how far it may go.

    Attributes:
        samples: `(n, *shape)`, one for each sample that is drawn.
        strength: in (0, 1]; near 0 gives the samples back, 1 forgets them.
    """

    samples: np.ndarray
    strength: float


class Sampler(ABC):
    """A fitted model. It draws; it never learns again."""

    @abstractmethod
    def sample(
        self, n: int, *, condition: np.ndarray | None, bias: float, seed: Seed, begin: Begin | None = None
    ) -> np.ndarray:
        """Returns `(n, *shape)` samples.

        `condition` is `(n,)` labels or captions, or None. `bias` is λ in (0, 1]: quality bought with diversity, 1 for
        none. `begin` has real samples to start from (image-to-image), for models that can.
        """

    @abstractmethod
    def save(self, folder: Path) -> None:
        """Writes what `Model.load` needs into an empty folder; no pickle."""

    def on(self, machine: Machine) -> Sampler:
        """Returns a sampler that draws with what a machine has and allows; what asks for nothing returns itself."""
        return self


class GaussianSampler(Sampler):
    """An ability of samplers: the fitted distribution has these first two moments."""

    @abstractmethod
    def moments(self) -> tuple[np.ndarray, np.ndarray]:
        """Returns the mean `(d,)` and the covariance `(d, d)`."""


class Encodes(Sampler):
    """An ability of samplers: they find a sample's place in their latent space, as autoencoders do."""

    @abstractmethod
    def encode_means(self, samples: np.ndarray) -> np.ndarray:
        """Returns `(n, latent)` floats, the mean of each sample's code."""


class Density(Sampler):
    """An ability of samplers: they know how likely a sample is."""

    @abstractmethod
    def log_prob(self, samples: np.ndarray) -> np.ndarray:
        """Returns `(n,)` log densities in nats."""


class LanguageModel(Sampler):
    """An ability of samplers: they know how likely a text is, token by token."""

    @property
    def keeps_prompt(self) -> bool:
        """Whether what it draws begins with the prompt."""
        return False

    @abstractmethod
    def surprise(self, samples: np.ndarray, *, after: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Returns of each text `(n,)` or row of tokens `(n, length)` its negative log-likelihood, `(n,)` float64 in
        nats, and the number of tokens that this is a sum over, `(n,)` int64; a text's first token is among them if
        the model has a sign for the beginning. With prompts `after` `(n,)` that of each text as what follows its own.
        """


@dataclass(frozen=True)
class LinearFamily:
    """How a family moves second moments, for the block recursion (see `theory`).

    A fit on N samples gives covariance `(S − V) · divisor(N)`; a draw has that
    times `λ` if the family takes its bias there, plus `λ · added` on every axis.
    Each sample stands for `points` of the N: a text of so many words that are
    drawn on their own.
    """

    is_unbiased: bool = False
    takes_bias: bool = True
    added: float = 0.0
    points: int = 1


@dataclass(frozen=True)
class Model(Part):
    """A family with its settings. It holds no weights."""

    conditional: ClassVar[bool] = False  # learns p(sample | condition)
    begins: ClassVar[bool] = False  # its sampler can start from real samples
    continues: ClassVar[bool] = False  # a fit can start from an earlier sampler's weights
    has_moments: ClassVar[bool] = False  # its samplers are GaussianSamplers
    biased: ClassVar[bool] = True  # its sampler has a knob for λ
    encodes: ClassVar[bool] = False  # its samplers are Encodes
    speaks: ClassVar[bool] = False  # its samplers are LanguageModels
    captioned: ClassVar[bool] = False  # its conditions are texts, not classes
    only_seen: ClassVar[bool] = False  # it draws for no other conditions than those it was trained on
    uses_device: ClassVar[bool] = False  # its fits compute where `Machine.device` says
    spreads: ClassVar[bool] = False  # a fit can be spread over several devices (`Machine.devices`)
    trial: ClassVar[Mapping[str, Any]] = {}  # settings with which conformance checks take seconds, not hours

    @abstractmethod
    def fit(self, train: Pool, *, start: Sampler | None, seed: Seed, workspace: Workspace) -> Sampler:
        """Learns from `train`, beginning at `start`'s weights if given. Raises Diverged if no finite answer exists."""

    @abstractmethod
    def load(self, folder: Path) -> Sampler: ...

    @property
    def trial_shape(self) -> tuple[int, int, int]:
        """Of the images that conformance checks try it with."""
        return 1, 28, 28

    def memory(self) -> int:
        """Bytes that a process with a fit of this takes, about; 0 where that is little. Cheap."""
        return 0

    @property
    def redraws(self) -> bool:
        """Whether a fit draws from `start` again and again, past all curators, in place of the newest samples."""
        return False

    def misuse(self, source: Source, *, start: str, bias: float) -> str | None:
        """What this family could not do in an arm with such a source, start and λ; asked for by the plan."""
        return None

    def unbegun(self, strength: float) -> str | None:
        """What keeps its sampler from starting from real samples at such a strength; asked for by the plan."""
        return None

    def drawn_share(self) -> float:
        """How many times a Gaussian's variance its draws have, were all that it learnt right; 1 where nobody knows."""
        return 1.0

    def narrowed(self, bias: float) -> float:
        """How many times the variance, of a Gaussian that it learnt, its draws have at λ."""
        return bias

    def linear_family(self) -> LinearFamily | None:
        """How the forecast should treat this family; None if theory does not cover it."""
        return None


@dataclass(frozen=True)
class Pretrained(Model):
    """A model that can also be had already trained: `founder = "pretrained"`."""

    @abstractmethod
    def founder(self) -> Sampler: ...


# ── the loop's other parts ───────────────────────────────────────────────────


@dataclass(frozen=True)
class Loop(Part):
    """What each generation trains on: a pure function of its number."""

    @abstractmethod
    def mixture(self, generation: int) -> Mixture:
        """Returns draws from earlier pools, for generation 1, 2, …"""

    def founder(self) -> Mixture:
        """What generation 0 trains on: the whole fixed real set."""
        from .mixture import REAL, Mixture

        return Mixture((REAL.whole(),))


@dataclass(frozen=True)
class Curator(Part):
    """Drops or edits fresh samples before they join the pools."""

    selects: ClassVar[bool] = False  # by how good a sample is: theory does not say what variance that leaves

    @abstractmethod
    def curate(self, fresh: Pool, *, real: Pool, founder: Pool, seed: Seed) -> Pool:
        """Returns `fresh.take(…)` or `fresh.edited(…)`. `founder` is what generation 0 drew, before curation."""

    def most(self, n: int) -> int:
        """At most how many of `n` samples it leaves; the plan tells and refuses by it."""
        return n


@dataclass(frozen=True)
class Encoder(Part):
    """Features of samples."""

    @property
    def fewest(self) -> int:
        """Reference rows below which it cannot be fitted; the plan refuses fewer."""
        return 0

    def prepared(self, reference: Pool) -> Encoder:
        """Returns an encoder ready to work; one that must be fitted fits itself on held-out real data here."""
        return self

    @abstractmethod
    def encode(self, samples: np.ndarray) -> np.ndarray:
        """Returns `(n, d)` floats: 32 bits, or the samples' own 64 where a collapse would vanish in rounding."""


@dataclass(frozen=True)
class Classifier(Encoder):
    """An ability of encoders that come trained, without `prepared`: they also say which class a sample belongs to."""

    classes: ClassVar[tuple[int, ...]]

    @abstractmethod
    def decide(self, features: np.ndarray) -> np.ndarray:
        """Returns `(n,)` int64, the most likely of `classes`, from the features `encode` gave."""

    def classify(self, samples: np.ndarray) -> np.ndarray:
        """Returns `(n,)` int64, the most likely of `classes`, of samples."""
        return self.decide(self.encode(samples))


@dataclass(frozen=True)
class SpatialEncoder(Encoder):
    """An ability of encoders: they also say what is where in an image."""

    @abstractmethod
    def maps(self, samples: np.ndarray) -> np.ndarray:
        """Returns `(n, c, h, w)` float32: c features at each of h · w positions; an image's depend on it alone."""

    @staticmethod
    def of(encoder: Encoder, who: str) -> SpatialEncoder:
        """The encoder, or a ConfigError that says who needs it to have maps."""
        if isinstance(encoder, SpatialEncoder):
            return encoder
        raise ConfigError(
            f"encoder must have maps, for {who} compares positions, but '{encoder.name}' has one row of features for "
            'each image; choose encoder = { use = "alexnet", layer = "relu1" } or encoder = "inception-maps".'
        )


@dataclass(frozen=True)
class Metric(Part):
    """Reads one finished generation; changes nothing."""

    alone: ClassVar[bool] = False  # needs no real data to compare with, so probes are measured too
    axis: ClassVar[Axis] = "distance"
    axes: ClassVar[Mapping[str, Axis]] = {}  # of values that speak of another axis than the rest
    better: ClassVar[Mapping[str, Direction]] = {}  # which way is good, for each value it returns

    def __post_init__(self) -> None:
        super().__post_init__()
        declared.check(axis=self.axis, axes=self.axes, better=self.better, reads=self.reads)

    @property
    def reads(self) -> tuple[Read, ...]:
        """What it needs beyond samples and real data."""
        return ()

    @property
    def fewest(self) -> int:
        """Samples and reference rows below which there is nothing to measure; the plan refuses fewer."""
        return 1

    def most_rows(self, n: int, m: int) -> int:
        """The most rows it reads of `n` samples or of `m` reference rows, always the same; 0 if it draws other ones."""
        return min(max(n, m), limit) if isinstance(limit := getattr(self, "limit", None), int) else max(n, m)

    @abstractmethod
    def measure(self, generation: Generation) -> Mapping[str, float]:
        """Returns named numbers; NaN where one has no value."""

    def identity(self, generation: Generation) -> Mapping[str, str | int | float]:
        """What the numbers stand on: encoder, reference, sample sizes."""
        return {"n": len(generation.samples), "n_reference": len(generation.reference)}


KINDS: dict[str, type[Part]] = {
    "source": Source,
    "model": Model,
    "loop": Loop,
    "curator": Curator,
    "encoder": Encoder,
    "metric": Metric,
}
