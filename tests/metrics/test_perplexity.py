"""Metric `perplexity`: sums of logarithms, each text's kept, of the right model."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from datasets import load_dataset
from pyarrow.parquet import read_table
from typer.testing import CliRunner

from autophagy import Experiment as PublicExperiment
from autophagy.cli.app import app
from autophagy.core.errors import DataError, PlanError
from autophagy.core.parts import LanguageModel
from autophagy.experiment.config import Arm, Experiment
from autophagy.experiment.plan import plan
from autophagy.experiment.run import run
from autophagy.kernels.rows import some
from autophagy.loops.fully_synthetic import FullySynthetic
from autophagy.metrics.perplexity import CURVE, Perplexity
from autophagy.models.gaussian import Gaussian
from autophagy.models.n_gram import NGram
from autophagy.sources.normal import Normal
from autophagy.testing import toys


class Told(LanguageModel):
    """Says of text k what it was told."""

    def __init__(self, nats: list[float], tokens: list[int], keeps_prompt: bool = False) -> None:
        self.nats, self.tokens, self.keeps = np.array(nats), np.array(tokens), keeps_prompt

    @property
    def keeps_prompt(self) -> bool:
        return self.keeps

    def sample(self, n, *, condition, bias, seed, begin=None):
        raise AssertionError

    def surprise(self, samples, *, after=None):
        self.read, self.after = samples, after
        return self.nats[: len(samples)], self.tokens[: len(samples)]

    def save(self, folder: Path) -> None:
        raise AssertionError


class Prompted(Normal):
    def conditions(self, split):
        return np.array(["a prompt"])


def measured(nats: list[float], tokens: list[int], **settings):
    generation = toys.generation("text")
    few = np.arange(len(nats))
    generation = replace(
        generation, samples=generation.samples.take(few), reference=generation.reference.take(few),
        sampler=Told(nats, tokens), founder=Told([2 * each for each in nats], tokens), first=None,
    )  # fmt: skip
    return Perplexity(**settings).measure(generation)


def test_real_texts_count_token_by_token() -> None:
    found = measured([10.0, 2.0, 6.0], [5, 1, 4])
    assert found["heldout"] == pytest.approx(np.exp(18 / 10))
    assert found["heldout_tokens"] == 10
    off = np.array([10 - 9.0, 2 - 1.8, 6 - 7.2])
    assert found["heldout_se"] == pytest.approx(np.exp(1.8) * np.sqrt((off**2).sum()) / 10)


def test_prompts_are_followed_only_where_that_is_asked_for() -> None:
    generation = toys.generation("text")
    texts = generation.samples.samples
    prompts = generation.samples.condition
    rests = [text[len(prompt) :] for text, prompt in zip(texts, prompts, strict=True)]
    for keeps in (False, True):  # a model whose texts follow their prompts, and one whose texts hold them
        samples = generation.samples if keeps else generation.samples.edited(np.array(rests))
        for asked in (True, False):
            own = Told([1.0] * len(texts), [1] * len(texts), keeps)
            Perplexity(readers=("own",), after_prompts=asked).measure(replace(generation, samples=samples, sampler=own))
            assert own.read.tolist() == (rests if asked else samples.samples.tolist())
            assert own.after is None if not asked else own.after.tolist() == prompts.tolist()


def test_a_text_that_repeats_its_prompt_follows_it_all_the_same() -> None:
    samples = toys.generation("text").samples
    repeated = samples.edited(samples.condition)
    own = Told([1.0] * len(samples), [1] * len(samples))
    generation = replace(toys.generation("text"), samples=repeated, sampler=own)
    Perplexity(readers=("own",), after_prompts=True).measure(generation)
    assert own.after.tolist() == own.read.tolist() == samples.condition.tolist()


def test_prompts_of_a_source_without_any_are_refused() -> None:
    metric = Perplexity(after_prompts=True)
    assert "has no prompts; leave after_prompts out" in str(metric.objection(Normal(), NGram()))
    assert metric.objection(Prompted(), NGram()) is None


def test_every_text_has_a_number_of_its_own() -> None:
    generation = toys.generation("text")
    n = len(generation.samples)
    nats, tokens = [2.0 * k for k in range(1, n + 1)], [2] * (n - 1) + [0]
    nats[0] = np.inf
    whole = replace(generation, sampler=Told(nats, tokens), founder=Told([1.0] * n, tokens), first=None)
    values, each = Perplexity(readers=("founder", "own", "first")).measure_each(whole)
    assert values["founder_median"] == pytest.approx(np.exp(0.5))
    assert values["own_tokens"] == 2 * (n - 1)
    assert np.isnan(values["first_median"])
    plain = Perplexity(readers=("founder", "own", "first")).measure(whole)
    np.testing.assert_equal(dict(plain), dict(values))
    np.testing.assert_allclose(each["own"], [np.inf, *np.exp(np.arange(2, n)), np.nan])
    np.testing.assert_allclose(each["founder"], [np.exp(0.5)] * (n - 1) + [np.nan])
    assert np.isnan(each["first"]).all()
    assert len(each["first"]) == n


def test_texts_that_are_not_read_have_no_number() -> None:
    whole = replace(toys.generation("text"), sampler=Told([1.0, 2.0, 3.0], [1, 1, 1]))
    own = Perplexity(readers=("own",), limit=3).measure_each(whole)[1]["own"]
    read = whole.samples.samples[np.isfinite(own)]
    assert read.tolist() == some(whole.samples.samples, 3).tolist()
    np.testing.assert_allclose(own[np.isfinite(own)], np.exp([1, 2, 3]))


def test_numbers_of_texts_come_with_them_out_of_a_store(tmp_path: Path) -> None:
    arm = {"source": {"use": "shakespeare", "length": 8, "prompt": 0.5}, "model": "n-gram", "loop": "fully-synthetic"}
    arm |= {"real": 40, "metrics": [{"use": "perplexity", "limit": 30}]}
    found = PublicExperiment.of({"generations": 1, "arms": {"a": arm}}, name="words").run(tmp_path)
    each = found.each("a", 0, 1)
    assert set(each) == {"perplexity[limit=30].founder", "perplexity[limit=30].own"}
    own = each["perplexity[limit=30].own"]
    read = ~np.isnan(own)
    assert read.sum() == 30
    samples, sampler = found.samples("a", 0, 1), found.sampler("a", 0, 1)
    nats, tokens = sampler.surprise(samples.samples)
    np.testing.assert_allclose(own[read], np.exp(nats / tokens)[read], rtol=1e-5)
    for kind in ("jsonl", "parquet"):
        result = CliRunner().invoke(
            app, ["samples", "a", "--out", str(tmp_path / kind), "--store", str(tmp_path), "--format", kind]
        )
        assert result.exit_code == 0, result.output
    table = load_dataset("json", data_files=str(tmp_path / "jsonl" / "samples.jsonl"), split="train")
    for column, values in each.items():
        wanted = [None if np.isnan(value) else value for value in values.tolist()]
        assert read_table(tmp_path / "parquet" / "samples.parquet")[column].to_pylist() == wanted
        assert table[column][:] == [None if value == np.inf else value for value in wanted]


def test_drawn_texts_count_one_by_one() -> None:
    found = measured([10.0, 3.0, 6.0, 0.0], [5, 1, 4, 0])  # rates 2, 3 and 1.5, and a text without a token
    assert found["own_median"] == pytest.approx(np.exp(2.0))
    assert found["own_mean_log"] == pytest.approx(6.5 / 3)
    assert found["founder_median"] == pytest.approx(np.exp(4.0))
    assert found["own_q01"] == pytest.approx(np.exp(1.5))
    assert found["own_q99"] == pytest.approx(np.exp(3.0))
    assert found["own_tokens"] == 10


def test_the_curve_is_what_a_histogram_is_drawn_from() -> None:
    nats = np.random.default_rng(0).gamma(4.0, 1.0, 90)
    found = measured(nats.tolist(), [1] * 90)
    curve = [found[f"own_{name}"] for name in CURVE]
    assert len(curve) == 103
    assert (curve[0], curve[-1]) == (np.exp(nats.min()), np.exp(nats.max()))  # both ends
    np.testing.assert_allclose(np.log(curve), np.quantile(nats, list(CURVE.values())), atol=0.8)
    assert curve == sorted(curve)
    assert "own_q50" not in measured([1.0], [1], curve=False)


def test_what_cannot_be_is_infinite_and_not_missing() -> None:
    found = measured([np.inf, 3.0, 6.0], [5, 1, 4])
    assert found["heldout"] == np.inf
    assert found["own_q99"] == np.inf
    assert found["own_median"] == pytest.approx(np.exp(3.0))


def test_very_unlikely_texts_do_not_overflow() -> None:
    found = measured([3000.0, 1.0], [10, 1])
    assert found["own_q99"] == pytest.approx(np.exp(300.0))


def test_where_there_is_no_reader_there_is_no_number() -> None:
    found = measured([1.0], [1], readers=("first", "own"))
    assert np.isnan(found["first_median"])
    assert np.isfinite(found["own_median"])
    assert "founder_median" not in found


def test_another_kind_of_model_is_refused() -> None:
    generation = replace(toys.generation("text"), sampler=toys.Still())
    with pytest.raises(DataError, match="knows how likely"):
        Perplexity().measure(generation)
    said = Perplexity().objection(toys.Toy("text"), Gaussian())
    assert said is not None
    assert "such as 'causal-lm'" in said
    assert Perplexity().objection(toys.Toy("text"), NGram()) is None


def test_generation_1_reads_later_ones_and_is_kept_for_it(tmp_path: Path) -> None:
    """In a run the first generation's own number is the first's, and the founder has none."""
    arm = Arm(
        source=toys.Toy("text"), model=NGram(smoothing="add-k", length=8), loop=FullySynthetic(), samples=60, gallery=0,
        metrics=(Perplexity(readers=("founder", "first", "own"), curve=False),),
    )  # fmt: skip
    planned = plan(Experiment({"text": arm}, generations=3, keep_models="none"))
    firsts = [turn.read["first"] for turn in planned.turns]
    assert firsts == [None, *[planned.turns[1].fit] * 3]
    results = run(planned, tmp_path, on="serial")
    assert not results.failures
    assert not any(results.store.holds(turn.fit) for turn in planned.turns)  # nor longer than they are read
    scores = [{name.split(".")[-1]: value for name, value in record.scores.items()} for record in results.records]
    assert np.isnan(scores[0]["first_median"])
    assert scores[1]["first_median"] == scores[1]["own_median"]
    assert scores[3]["first_median"] != scores[3]["own_median"]
    assert scores[0]["founder_median"] == scores[0]["own_median"]


def test_the_plan_says_who_cannot_be_measured() -> None:
    arm = Arm(source=Normal(), model=Gaussian(), loop=FullySynthetic(), real=10, metrics=(Perplexity(),))
    with pytest.raises(PlanError):
        plan(Experiment({"a": arm}))
