"""How a block of distances is ordered, whatever it is made of: thresholds in, masks out.

Distances in sixteen bits are compared as integers, which costs a quarter of
what comparing float32 does. Each kind of number says which of its values are
at most, or at least, a given float64, so that rounding a threshold can make a
decision doubtful but never wrong.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from .tables import Table

if TYPE_CHECKING:
    import torch

HALF = 16  # bits of a bfloat16, the upper ones of a float32
INFINITE = 0x7F80  # the key of infinity; its complement is that of minus infinity


class Keys(Protocol):
    """The numbers of a table, in the order of the squared distances they stand for."""

    def floor(self, x: np.ndarray) -> Table:
        """Keys such that a number with a smaller key is less than `x`."""

    def ceil(self, x: np.ndarray) -> Table:
        """Keys such that a number of at most `x` has no larger key."""

    def above(self, keys: np.ndarray) -> np.ndarray:
        """Float64 numbers that those with these keys do not exceed."""

    def below(self, keys: np.ndarray) -> np.ndarray:
        """Float64 numbers that those with these keys are not less than."""


@dataclass(frozen=True)
class Floats:
    """Floating-point numbers, which are their own keys."""

    kind: type[np.floating]

    def floor(self, x: np.ndarray) -> np.ndarray:
        found: np.ndarray = x.astype(self.kind)
        np.nextafter(found, self.kind(-np.inf), out=found, where=found > x)
        return found

    def ceil(self, x: np.ndarray) -> np.ndarray:
        return -self.floor(-x)

    def above(self, keys: np.ndarray) -> np.ndarray:
        return keys.astype(np.float64)

    below = above


@dataclass(frozen=True)
class Elsewhere:
    """Floating-point numbers on an accelerator."""

    numbers: Floats
    device: torch.device

    def floor(self, x: np.ndarray) -> torch.Tensor:
        return self._sent(self.numbers.floor(x))

    def ceil(self, x: np.ndarray) -> torch.Tensor:
        return self._sent(self.numbers.ceil(x))

    def above(self, keys: np.ndarray) -> np.ndarray:
        return self.numbers.above(keys)

    below = above

    def _sent(self, x: np.ndarray) -> torch.Tensor:
        import torch

        return torch.from_numpy(x).to(self.device)


@dataclass(frozen=True)
class Wholes:
    """Whole numbers in int32."""

    def floor(self, x: np.ndarray) -> np.ndarray:
        found: np.ndarray = np.clip(np.floor(x), -1, np.iinfo(np.int32).max)
        return found.astype(np.int32)

    def ceil(self, x: np.ndarray) -> np.ndarray:
        return self.floor(np.ceil(x))

    def above(self, keys: np.ndarray) -> np.ndarray:
        return keys.astype(np.float64)

    below = above


@dataclass(frozen=True)
class Halves:
    """bfloat16, as int16 in the same order, less a number near which they tell distances apart best.

    A product is rounded to the nearest bfloat16. Rounding keeps the order, so a
    threshold that is one itself decides as the product before rounding would.
    """

    aim: float

    @staticmethod
    def of(bits: np.ndarray) -> np.ndarray:
        """Turns the bits of bfloat16 numbers `(r, c)` int16 into keys, in place: negative ones are in reverse."""
        bits ^= (bits >> 15) & 0x7FFF
        return bits

    def floor(self, x: np.ndarray) -> np.ndarray:
        return _keys(np.right_shift(_ordered(SINGLE.floor(x - self.aim)), HALF))

    def ceil(self, x: np.ndarray) -> np.ndarray:
        return _keys(-np.right_shift(-_ordered(SINGLE.ceil(x - self.aim)), HALF))

    def above(self, keys: np.ndarray) -> np.ndarray:
        return self._numbers(np.minimum(keys.astype(np.int64) + 1, INFINITE))  # beyond it, a table's own "no pair"

    def below(self, keys: np.ndarray) -> np.ndarray:
        return self._numbers(np.maximum(keys.astype(np.int64) - 1, ~INFINITE))

    def _numbers(self, keys: np.ndarray) -> np.ndarray:
        halves = np.where(keys < 0, keys ^ 0x7FFF, keys).astype(np.int16)
        found: np.ndarray = (halves.astype(np.int32) << HALF).view(np.float32) + np.float64(self.aim)
        return found


SINGLE = Floats(np.float32)


def _ordered(x: np.ndarray) -> np.ndarray:
    """Whole numbers in the order of the float32 numbers `x`, int64, with 0 for 0."""
    bits = x.view(np.int32).astype(np.int64)
    return np.where(bits < 0, -(bits & 0x7FFF_FFFF), bits)


def _keys(ordered: np.ndarray) -> np.ndarray:
    """Keys of such numbers in sixteen bits; −0 takes a place between 0 and the negative ones."""
    found: np.ndarray = ordered - (ordered < 0)
    return found.astype(np.int16)
