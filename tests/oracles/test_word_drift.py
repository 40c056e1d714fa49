"""Words drift as alleles do: the loop of unigrams, through the engine, is Wright and Fisher's model exactly."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import pytest
from scipy.stats import binom

from autophagy import Experiment, Run, register
from autophagy.core.known import KnownDistribution
from autophagy.core.parts import Stream
from autophagy.core.seeds import Seed
from autophagy.experiment.forecasts import forecasts

BOUND = 4.0
WORDS = np.array(["the", "sea", "king", "gull"])
CHANCES = np.array([0.45, 0.3, 0.15, 0.1])
TEXTS, LENGTH = 3, 4
TOKENS = TEXTS * LENGTH
SEEDS, LAST = 2000, 5


@register("unigram-words")
@dataclass(frozen=True)
class UnigramWords(Stream, KnownDistribution):
    """Texts of independent words."""

    space = "text"
    length: int = LENGTH

    def draw(self, n: int, seed: Seed) -> np.ndarray:
        return np.array([" ".join(row) for row in seed.numpy().choice(WORDS, (n, self.length), p=CHANCES)])

    def distribution(self) -> np.ndarray:
        return CHANCES


@cache
def drift() -> Run:
    """The fully synthetic loop of 3 texts of 4 words, under many seeds."""
    arm = {
        "source": "unigram-words",
        "model": {"use": "n-gram", "order": 1, "length": LENGTH},
        "loop": "fully-synthetic",
        "real": TEXTS,
        "gallery": 0,
    }
    settings = {"seeds": list(range(SEEDS)), "generations": LAST, "keep_models": "none"}
    return Experiment.of({**settings, "arms": {"arm": arm}}).run()


@cache
def shares() -> np.ndarray:
    """`(seeds, 1 + generations, words)`: what every fit would find in what each generation drew."""
    run = drift()
    found = np.zeros((SEEDS, LAST + 1, len(WORDS)))
    for seed in range(SEEDS):
        for generation in range(LAST + 1):
            words = np.array(" ".join(run.samples("arm", seed, generation).samples.tolist()).split())
            assert len(words) == TOKENS
            found[seed, generation] = (words[:, None] == WORDS).mean(0)
    return found


def agree(values: np.ndarray, truth: Any) -> None:
    error = values.std(0, ddof=1) / np.sqrt(len(values))
    z = (values.mean(0) - truth) / error
    assert np.abs(z).max() < BOUND, f"z = {np.round(z, 2).tolist()}"


def test_diversity_falls_by_one_over_the_words_a_fit() -> None:
    """E[1 − Σp²] after t multinomial draws of N words is (1 − 1/N)^t (1 − Σp0²); the real set is the first of them."""
    gini = 1 - (shares() ** 2).sum(2)
    agree(gini, (1 - 1 / TOKENS) ** np.arange(2, LAST + 3) * (1 - (CHANCES**2).sum()))


def test_the_forecast_is_that_very_number() -> None:
    found = forecasts(drift().plan)["arm"]
    assert found.is_exact, found.reason
    np.testing.assert_allclose(found.kept_variance, (1 - 1 / TOKENS) ** np.arange(1, LAST + 2), rtol=1e-12)
    np.testing.assert_allclose(found.sample_variance, (1 - 1 / TOKENS) ** np.arange(2, LAST + 3), rtol=1e-12)


@pytest.mark.parametrize("word", range(len(WORDS)))
def test_words_die_out_and_are_fixed_as_often_as_alleles(word: int) -> None:
    """The exact chain of counts 0 … N: binomial transitions from a known frequency."""
    counts = np.arange(TOKENS + 1)
    step = binom.pmf(counts, TOKENS, counts[:, None] / TOKENS)  # (from, to)
    law, found = binom.pmf(counts, TOKENS, CHANCES[word]), shares()[:, :, word]
    for generation in range(LAST + 1):
        law = law @ step
        agree((found[:, generation] == 0).astype(float), law[0])
        agree(found[:, generation], CHANCES[word])  # a martingale, so that it is fixed as often as it was frequent
        if law[-1] * SEEDS > 10:
            agree((found[:, generation] == 1).astype(float), law[-1])


def test_a_word_once_lost_never_returns() -> None:
    found = shares()
    assert not (found[:, 1:][found[:, :-1] == 0]).any()


def test_words_that_depend_on_one_another_make_the_forecast_a_guide() -> None:
    from autophagy.testing.toys import Toy

    arm = {"source": Toy("text"), "model": {"use": "n-gram", "order": 1, "length": 12}, "loop": "fully-synthetic"}
    found = forecasts(Experiment.of({"arms": {"arm": arm}}).plan())["arm"]
    assert not found.is_exact
    assert "12 that know nothing of one another" in found.reason
