"""n-grams and what is counted of them, against dictionaries and drawing at random."""

from collections import Counter

import numpy as np
import pytest

from autophagy.kernels.grams import grams, rarefied, repeated, zipf_slope

TEXTS = [[3, 1, 3, 1, 3], [], [7], [1, 3, 1, 3, 1, 3, 1, 3], [3, 1, 7, 3]]
FLAT, LENGTHS = np.array([u for t in TEXTS for u in t]), np.array([len(t) for t in TEXTS])


@pytest.mark.parametrize("n", [1, 2, 3, 4, 9])
def test_grams_are_counted_as_a_dictionary_does(n):
    expected = [(tuple(t[i : i + n]), row) for row, t in enumerate(TEXTS) for i in range(len(t) - n + 1)]
    numbers, owner = grams(FLAT, LENGTHS, n)
    assert owner.tolist() == [row for _, row in expected]
    assert len(set(zip(numbers.tolist(), (g for g, _ in expected), strict=True))) == len({g for g, _ in expected})
    assert sorted(np.bincount(numbers)) == sorted(Counter(g for g, _ in expected).values())


def test_repetition_is_of_each_text():
    found = repeated(*grams(FLAT, LENGTHS, 2), len(TEXTS))
    np.testing.assert_allclose(found, [1 - 2 / 4, np.nan, np.nan, 1 - 2 / 7, 0])


def test_rarefaction_is_the_mean_of_draws():
    counts, size = np.array([50, 9, 4, 1, 1, 0]), 12
    bag, rng = np.repeat(np.arange(6), counts), np.random.default_rng(0)
    drawn = np.array([len(set(rng.choice(bag, size, replace=False).tolist())) for _ in range(4000)])
    assert abs(drawn.mean() - rarefied(counts, size)) < 4 * drawn.std() / np.sqrt(4000)
    assert rarefied(counts, 65) == pytest.approx(5)
    assert rarefied(counts, 1) == pytest.approx(1)
    assert np.isnan(rarefied(counts, 66))


def test_a_law_of_zipf_has_its_slope():
    counts = 1e9 / np.arange(1, 501) ** 1.3
    assert zipf_slope(np.random.default_rng(0).permutation(counts), 1, 500) == pytest.approx(-1.3)
    assert zipf_slope(counts, 10, 10**6) == pytest.approx(-1.3)
    assert np.isnan(zipf_slope(counts[:1], 1, 9))
    by_library = np.polyfit(np.log(np.arange(3, 9)), np.log([9, 9, 7, 4, 2, 2]), 1)[0]
    assert zipf_slope(np.array([50, 11, 9, 9, 7, 4, 2, 2, 1]), 3, 8) == pytest.approx(by_library)
