"""n-grams of numbered units: how many kinds there are, how often each comes, and what is said twice."""

from __future__ import annotations

import numpy as np


def grams(ids: np.ndarray, lengths: np.ndarray, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns a number for each n-gram `(g,)` int64, equal for equal ones, and the text it is in `(g,)`.

    `ids` `(m,)` are the units of texts end to end, `lengths` `(t,)` how many belong to each. No gram crosses from one
    text to the next. Numbers are 0, 1, … without gaps.
    """
    owner = np.repeat(np.arange(len(lengths)), lengths)
    left = np.repeat(np.cumsum(lengths), lengths) - np.arange(len(ids))  # units from here to the text's end
    units = np.unique(ids, return_inverse=True)[1].astype(np.int64)
    starts, numbers = np.arange(len(ids)), units
    for more in range(1, n):
        keeps = left[starts] > more
        starts, numbers = starts[keeps], numbers[keeps]
        numbers = np.unique(numbers * (len(units) + 1) + units[starts + more], return_inverse=True)[1]
    return numbers, owner[starts]


def rarefied(counts: np.ndarray, size: int) -> float:
    """Returns the expected number of kinds in a draw of `size` without replacement (Hurlbert 1971, eq. 17).

    `counts` `(k,)` is how often each kind comes. Σ 1 − C(N − c, size)/C(N, size); NaN if there are fewer than `size`.
    """
    from scipy.special import gammaln

    total = int(counts.sum())
    if size > total or not size:
        return float("nan")
    times, kinds = np.unique(counts[counts > 0], return_counts=True)
    left = total - times  # of all other kinds
    with np.errstate(invalid="ignore"):
        missed = gammaln(left + 1) - gammaln(left - size + 1) - gammaln(total + 1) + gammaln(total - size + 1)
    chance = np.where(left >= size, np.exp(np.where(left >= size, missed, 0.0)), 0.0)
    return float((kinds * (1 - chance)).sum())


def zipf_slope(counts: np.ndarray, low: int, high: int) -> float:
    """Returns the slope of ln frequency on ln rank by least squares, over ranks low … high (1 the commonest).

    Fewer ranks where there are fewer kinds; NaN with fewer than two.
    """
    frequencies = np.sort(counts[counts > 0])[::-1][low - 1 : high]
    if len(frequencies) < 2:
        return float("nan")
    ranks = np.log(np.arange(low, low + len(frequencies)))
    ranks -= ranks.mean()
    return float(ranks @ np.log(frequencies) / (ranks @ ranks))


def repeated(numbers: np.ndarray, owner: np.ndarray, texts: int) -> np.ndarray:
    """Returns `(texts,)`: 1 − kinds / grams of each text, NaN for one without grams."""
    pairs = np.unique(owner * (int(numbers.max(initial=0)) + 1) + numbers)
    kinds = np.bincount(pairs // (int(numbers.max(initial=0)) + 1), minlength=texts)
    total = np.bincount(owner, minlength=texts)
    return np.where(total > 0, 1 - kinds / np.maximum(total, 1), np.nan)
