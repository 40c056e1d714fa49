"""The longest copied stretch, against looking for every stretch by hand."""

import numpy as np
import pytest

from autophagy.kernels.copies import longest_copied


def by_hand(sources, asked):
    known = {tuple(t[i:j]) for t in sources for i in range(len(t)) for j in range(i + 1, len(t) + 1)}
    return [
        max((j - i for i in range(len(t)) for j in range(i + 1, len(t) + 1) if tuple(t[i:j]) in known), default=0)
        for t in asked
    ]


def ours(sources, asked):
    texts = [*sources, *asked]
    flat = np.array([unit for text in texts for unit in text], np.int64)
    return longest_copied(flat, np.array([len(t) for t in texts], np.int64), len(sources)).tolist()


@pytest.mark.parametrize("kinds", [1, 2, 3, 20])
def test_it_is_what_looking_for_every_stretch_finds(kinds):
    rng = np.random.default_rng(kinds)
    for _ in range(60):
        texts = [rng.integers(0, kinds, rng.integers(0, 14)).tolist() for _ in range(rng.integers(1, 9))]
        cut = int(rng.integers(0, len(texts)))
        assert ours(texts[:cut], texts[cut:]) == by_hand(texts[:cut], texts[cut:])


def test_no_stretch_crosses_from_one_text_to_the_next():
    assert ours([[1, 2], [3, 4]], [[1, 2, 3, 4], [2, 3]]) == [2, 1]


def test_what_samples_share_with_each_other_does_not_count():
    assert ours([[9, 1]], [[5, 6, 7], [5, 6, 7], [1, 5]]) == [0, 0, 1]


def test_a_long_text_is_searched_in_linear_memory():
    rng = np.random.default_rng(0)
    book = rng.integers(0, 5000, 100_000)
    asked = [book[500:700].tolist(), rng.integers(5000, 9000, 200).tolist(), [*book[7:40].tolist(), *[9999] * 60]]
    assert ours([book.tolist()], asked) == [200, 0, 33]
