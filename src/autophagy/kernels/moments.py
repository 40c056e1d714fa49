"""Means and covariances in float64, streamed: any number of rows in constant memory, and shards joined in order.

Rows are taken in blocks of 1,024, counted from the first row of the stream, and
the blocks' moments are joined one after the other (Chan, Golub and LeVeque
1983). So the same rows give the same bytes, however they were cut into batches.
Moments of shards that are joined agree with those of one long stream to
rounding, and to the byte whenever the same shards are joined in the same order.
"""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce
from pathlib import Path

import numpy as np

from autophagy.core.errors import DataError

from .arrays import Array, to_numpy
from .products import add_gram, beside, mirrored, placed, stacked, wide

BLOCK = 1024  # rows whose moments are worked out at a time
WIDEST = 2**14  # features that a file may have: its covariance then fills 2 GiB
ROUNDING = 1e-6  # of the trace: what float32 leaves of an eigenvalue that is 0
UNKNOWN = -1  # the number of rows in a file whose writer did not know it


@dataclass(frozen=True)
class Moments:
    """The first two moments of rows.

    Attributes:
        mean: `(d,)` float64; NaN where there are no rows, or one holds a number that is not finite.
        covariance: `(d, d)` float64, divisor n − 1; NaN where there are fewer than two rows, likewise.
        n: how many rows; None where a file does not say.
    """

    mean: np.ndarray
    covariance: np.ndarray
    n: int | None

    def joined(self, other: Moments) -> Moments:
        """Returns the moments of these rows and those of `other` after them."""
        if self.n is None or other.n is None:
            raise ValueError("moments of an unknown number of rows cannot be joined; work them out from the rows.")
        if len(self.mean) != len(other.mean):
            raise ValueError(f"moments must be equally wide, but are {len(self.mean)} and {len(other.mean)} wide.")
        if not self.n or not other.n:
            return self if self.n else other
        n, gap = self.n + other.n, other.mean - self.mean
        scatter = _scatter(self) + _scatter(other) + np.outer(gap, gap) * (self.n * other.n / n)
        return Moments(self.mean + gap * (other.n / n), scatter / (n - 1), n)

    def save(self, path: Path) -> None:
        """Writes an .npz of `mu`, `sigma` and `n`, which pytorch-fid reads too."""
        with path.open("wb") as file:
            np.savez(file, mu=self.mean, sigma=self.covariance, n=np.int64(UNKNOWN if self.n is None else self.n))

    @classmethod
    def load(cls, path: Path) -> Moments:
        """Reads an .npz with `mu` and `sigma`, ours or pytorch-fid's. Raises DataError for anything else."""
        try:
            return _read(path)
        except (OSError, ValueError, KeyError, EOFError, MemoryError, zipfile.BadZipFile, zlib.error) as fault:
            raise DataError(
                f"{path} cannot be read as moments ({fault}); it should be an .npz of a finite mean 'mu' (d,) "
                f"and covariance 'sigma' (d, d), d at most {WIDEST:,}, as `pytorch-fid --save-stats` writes."
            ) from None


class Stream:
    """Takes in rows, in batches of any size, on any device; `moments()` at any time.

    >>> Stream().add(np.array([[0.0], [1.0]])).add(np.array([[5.0]])).moments().mean
    array([2.])
    """

    def __init__(self) -> None:
        self._sum = _Sum()
        self._waiting: list[Array] = []  # the beginning of the next block
        self._width = 0

    def add(self, batch: Array) -> Stream:
        """Takes `(r, d)` rows. A tensor's are summed on its device, that of the first batch."""
        self._width = batch.shape[1]
        while len(batch):
            room = BLOCK - sum(map(len, self._waiting))
            part, batch = placed(batch[:room]), batch[room:]
            if len(part) < room:  # the batch ends here, and its memory may be another's tomorrow
                self._waiting.append(wide(part) + 0.0)
            else:
                self._sum = self._sum.after(stacked([*self._waiting, part]))
                self._waiting = []
        return self

    def moments(self) -> Moments:
        """Returns the moments of all rows so far; the stream goes on as if nobody had asked."""
        found = self._sum.copy().after(stacked(self._waiting)) if self._waiting else self._sum
        if found.scatter is None or found.first is None or found.shift is None:
            return Moments(np.full(self._width, np.nan), np.full((self._width, self._width), np.nan), 0)
        with np.errstate(invalid="ignore"):  # one row: 0 / 0
            covariance = mirrored(to_numpy(found.scatter)) / np.float64(found.n - 1)
        return Moments(to_numpy(found.first + found.shift), covariance, found.n)


def moments(rows: Array) -> Moments:
    """Returns the moments of `(n, d)` rows; a memory-mapped array is read block by block."""
    return Stream().add(rows).moments()


def joined(shards: Iterable[Moments]) -> Moments:
    """Returns the moments of all shards' rows, joined from first to last."""
    return reduce(Moments.joined, shards)


@dataclass(frozen=True)
class _Sum:
    """Moments of whole blocks.

    Attributes:
        n: rows.
        first: `(d,)`, the first row, which all are held against, so that constant features lose no digit.
        shift: `(d,)`, mean of rows − first.
        scatter: `(d, d)`, lower triangle of Σ (x − mean)(x − mean)ᵀ; memory that `after` takes over.
    """

    n: int = 0
    first: Array | None = None
    shift: Array | None = None
    scatter: Array | None = None

    def after(self, block: Array) -> _Sum:
        """Returns the sum with the rows `(r, d)` of one more block."""
        first = wide(block[0]) + 0.0 if self.first is None else self.first  # a copy
        with np.errstate(invalid="ignore", over="ignore"):  # what is not finite shows in the result
            gap = beside(block, first) - first
            shift = gap.mean(0)
            gap -= shift
            scatter = add_gram(self.scatter, gap)
            if self.shift is None:
                return _Sum(len(gap), first, shift, scatter)
            n, step = self.n + len(gap), shift - self.shift
            scatter = add_gram(scatter, step[None] * (self.n * len(gap) / n) ** 0.5)
            return _Sum(n, first, self.shift + step * (len(gap) / n), scatter)

    def copy(self) -> _Sum:
        return _Sum(self.n, self.first, self.shift, None if self.scatter is None else self.scatter + 0.0)


def _scatter(of: Moments) -> np.ndarray:
    """Σ (x − mean)(x − mean)ᵀ, which is 0 for one row."""
    return np.zeros_like(of.covariance) if of.n == 1 else of.covariance * ((of.n or 0) - 1)


def _read(path: Path) -> Moments:
    with zipfile.ZipFile(path) as file:
        mean = _array(file, "mu", 1, WIDEST)
        covariance = _array(file, "sigma", 2, len(mean))
        n = int(_array(file, "n", 0, 1)) if "n.npy" in file.namelist() else UNKNOWN
    if covariance.shape != (len(mean), len(mean)):
        raise ValueError(f"'sigma' is {covariance.shape} beside a 'mu' of {len(mean)}")
    _check_possible(covariance, n)
    return Moments(mean, covariance, None if n == UNKNOWN else n)


def _check_possible(covariance: np.ndarray, n: int) -> None:
    """Raises ValueError for what no rows have, beyond rounding."""
    if n < 2 and n != UNKNOWN:
        raise ValueError(f"'n' is {n}, but a covariance is of at least 2 rows")
    largest = float(np.abs(covariance).max(initial=0))
    if not largest:
        return
    scaled = covariance / largest
    if not np.allclose(scaled, scaled.T, rtol=ROUNDING, atol=ROUNDING):
        raise ValueError("'sigma' is not symmetric, so it is no covariance")
    scaled.flat[:: len(scaled) + 1] += ROUNDING * max(float(scaled.trace()), 0.0)
    try:
        np.linalg.cholesky(scaled)  # a tenth of the work of the eigenvalues
    except np.linalg.LinAlgError:
        raise ValueError("'sigma' has a negative eigenvalue, so it is no covariance") from None


def _array(file: zipfile.ZipFile, name: str, axes: int, longest: int) -> np.ndarray:
    """Returns an array of finite numbers; its header is read before anything is made room for."""
    with file.open(f"{name}.npy") as member:
        version = np.lib.format.read_magic(member)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, _, kind = read(member)
    if len(shape) != axes or max(shape, default=0) > longest or kind.kind not in "fiu":
        raise ValueError(f"'{name}' is {kind} of shape {shape}")
    with file.open(f"{name}.npy") as member:
        found = np.asarray(np.lib.format.read_array(member, allow_pickle=False), np.float64)
    if not np.isfinite(found).all():
        raise ValueError(f"'{name}' holds numbers that are not finite")
    return found
