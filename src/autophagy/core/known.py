"""What a source may know of its data, as abilities beside `Source`: moments, probabilities, modes, a tokenizer."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np


class KnownMoments(ABC):
    """An ability of sources: the true mean and covariance of the data are known."""

    @abstractmethod
    def moments(self) -> tuple[np.ndarray, np.ndarray]:
        """Returns the mean `(d,)` and the covariance `(d, d)`."""


class KnownDistribution(ABC):
    """An ability of sources of symbols: the true probability of each is known."""

    @abstractmethod
    def distribution(self) -> np.ndarray:
        """Returns `(k,)` probabilities of the symbols 0 … k − 1, summing to 1."""


class Tokenised(ABC):
    """An ability of sources of text: samples are rows of tokens `(n, length)`, not strings `(n,)`."""

    @property
    @abstractmethod
    def width(self) -> int:
        """Tokens in a row."""

    @abstractmethod
    def vocabulary(self) -> str:
        """A digest of the tokenizer's tokens and their numbers, so that a model with others can be refused."""

    @abstractmethod
    def texts(self, rows: np.ndarray) -> np.ndarray:
        """Returns the strings `(n,)` that rows of tokens `(n, length)` stand for."""


class KnownModes(ABC):
    """An ability of sources: the data lie around known centres, so lost modes can be counted."""

    @abstractmethod
    def modes(self) -> np.ndarray:
        """Returns the centres, `(k, d)`."""

    @abstractmethod
    def spread(self) -> float:
        """Returns the standard deviation around a centre, along the widest axis of the widest mode."""
