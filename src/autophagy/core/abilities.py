"""Abilities of models, metrics and encoders, beside what all of them can: each asks for something of its own."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from .generation import Generation
    from .parts import Encoder, Model, Sampler
    from .pool import Pool
    from .seeds import Seed
    from .workspace import Workspace


class StartsPrograms(ABC):
    """An ability of models: they start programs of this machine, in runs that allow it (`Machine.allow_commands`)."""

    @abstractmethod
    def commands(self) -> tuple[str, ...]:
        """All that they may start, placeholders and all, for a person to read and then to allow."""


class DrawsByCondition:
    """An ability of models: they draw nothing that is not asked for by a class or caption, so that probes must."""


class NeedsSamples(ABC):
    """An ability of models: a fit has no answer below a number of samples."""

    @abstractmethod
    def fewest(self, columns: int) -> int:
        """How many vectors of so many coordinates it takes; a plan that gives it fewer is refused."""


class KnownSize(ABC):
    """An ability of models: what a fit takes on disk is known before there is one."""

    @abstractmethod
    def stored_bytes(self) -> int | None:
        """Of one fit, about; None where that cannot be said of these settings. Cheap: the plan asks for it."""


class Grounded(ABC):
    """An ability of models: what they learn from real data but once, such as a tokenizer, is the founder's for ever."""

    @abstractmethod
    def grounded(self, founder: Sampler) -> Model:
        """Returns the model that later generations are fitted with from scratch."""


class Validated(ABC):
    """An ability of models: a fit chooses by held-out real rows that no training set, reference or control takes.

    Rows, not what stands in them: a text that a data set has in two of its splits is not looked for.
    """

    @property
    @abstractmethod
    def validation_rows(self) -> int:
        """How many of these a fit is to be given; 0 if it chooses nothing."""

    @abstractmethod
    def fit_by(
        self, validation: Pool, train: Pool, *, start: Sampler | None, seed: Seed, workspace: Workspace
    ) -> Sampler:
        """Does what `Model.fit` does, and chooses by `validation`."""


class MeasuresEach(ABC):
    """An ability of metrics: beside numbers of a generation they have some of every single sample, which are kept."""

    @abstractmethod
    def measure_each(self, generation: Generation) -> tuple[Mapping[str, float], Mapping[str, np.ndarray]]:
        """Returns what `Metric.measure` does, and named numbers `(n,)` of the samples, NaN where one has none.

        The store keeps six digits of these.
        """


class ReadsTexts(ABC):
    """An ability of encoders: texts have features in the same space, where a cosine says how well they fit a sample."""

    @abstractmethod
    def of_texts(self) -> Encoder:
        """Returns the encoder of `(n,)` texts, with objections and content of its own."""


class Captions(ABC):
    """An ability of encoders: they say what a sample's caption should have said, a word for each question."""

    @abstractmethod
    def words(self) -> Mapping[str, tuple[str, ...]]:
        """What may be answered: `{"colour": ("red", …), "thing": ("seven", …)}`. Cheap: the plan asks for it."""

    @abstractmethod
    def answers(self, features: np.ndarray) -> Mapping[str, np.ndarray]:
        """Returns for each question `(n,)` indices into its words, from the features `encode` gave."""
