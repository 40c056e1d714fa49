"""Metric `self-bleu`: BLEU written out, and what makes it rise."""

from collections import Counter

import numpy as np
import pytest

from autophagy.core.catalog import build
from autophagy.metrics import self_bleu

TEXTS = [
    "the king went to sea in the ship",
    "the king went to see his ship in the night",
    "a ship under the stars of the night",
    "stars and night and sea and the king",
]


def bleu(text, others, order=4):
    """Papineni et al. 2002 for one sentence of words: clipped precisions and the nearest length; no smoothing."""
    words, refs = text.split(), [other.split() for other in others]

    def grams(units, n):
        return Counter(tuple(units[i : i + n]) for i in range(len(units) - n + 1))

    logs = []
    for n in range(1, order + 1):
        most = Counter()
        for ref in refs:
            most |= grams(ref, n)
        mine = grams(words, n)
        logs.append(np.log(sum((mine & most).values()) / sum(mine.values())))
    nearest = min((abs(len(ref) - len(words)), len(ref)) for ref in refs)[1]
    return 100 * np.exp(min(0, 1 - nearest / len(words)) + np.mean(logs))


def test_it_is_the_published_formula(measure):
    settings = {"order": 2, "tokenize": "none", "smoothing": "none"}
    found = measure("self-bleu", np.array(TEXTS), np.array(TEXTS[::-1]), settings)
    expected = np.mean([bleu(text, TEXTS[:i] + TEXTS[i + 1 :], 2) for i, text in enumerate(TEXTS)])
    assert 5 < expected < 95
    assert found["self_bleu"] == pytest.approx(expected)
    assert found["self_bleu_match"] == pytest.approx(1)


def test_one_text_said_again_and_again_scores_a_hundred(measure):
    found = measure("self-bleu", np.repeat(TEXTS[0], 5), np.array(TEXTS))
    assert found["self_bleu"] == pytest.approx(100)
    assert found["self_bleu_match"] < 1


def test_the_choice_is_the_same_in_whatever_order_and_of_as_many_on_both_sides(measure, finish):
    rng = np.random.default_rng(0)
    drawn = np.array([" ".join(rng.choice(list("abcdefgh"), 12)) for _ in range(30)])
    one, two = (measure("self-bleu", some, np.array(TEXTS * 5), {"limit": 7}) for some in (drawn, drawn[::-1]))
    assert one == two
    assert one != measure("self-bleu", drawn, np.array(TEXTS * 5), {"limit": 7, "seed": 1})
    metric = build("metric", {"use": "self-bleu", "limit": 7})
    assert metric.identity(finish(drawn, np.array(TEXTS)))["n"] == 4


def test_without_the_package_the_plan_says_what_to_install(monkeypatch):
    monkeypatch.setattr(self_bleu, "find_spec", lambda name: None)
    assert "pip install 'autophagy[text]'" in build("metric", "self-bleu").lacking()
