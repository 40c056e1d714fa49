"""Model `tiny-gpt`: its tokens come from the founder's data, and stay."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from autophagy.core.errors import ConfigError, Damaged
from autophagy.core.pool import REAL_DATA, Origin, Pool
from autophagy.core.seeds import Seed
from autophagy.experiment.config import Arm, Experiment
from autophagy.experiment.plan import plan
from autophagy.experiment.run import run
from autophagy.loops.fully_synthetic import FullySynthetic
from autophagy.metrics.perplexity import Perplexity
from autophagy.models.tiny_gpt import TinyGPT
from autophagy.testing import toys

SMALL = TinyGPT(hidden=32, depth=2, block=32, length=12, vocabulary=300, epochs=6, learning_rate=3e-3)


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def fitted(model: Any, samples: np.ndarray | None = None, seed: int = 0) -> Any:
    pool = toys.pool("text", 64)
    pool = pool if samples is None else Pool.born(samples, Origin("real", REAL_DATA))
    return model.fit(pool, start=None, seed=Seed(("fit", seed)), workspace=toys.workspace())


def test_commonest_pairs_of_the_founders_texts_are_tokens() -> None:
    words = fitted(replace(SMALL, steps=1)).base.words
    own, plain = (len(row) for row in words.encode(["the sea and a king", "Quartz vexes Jim"]))
    assert own < 8 < plain
    assert words.size == 300
    other = fitted(replace(SMALL, steps=1), np.array(["Quartz vexes Jim. Jim vexes quartz."] * 8)).base.words
    assert other.digest != words.digest
    assert len(other.encode(["Quartz vexes Jim"])[0]) < plain


def test_any_text_can_be_said() -> None:
    words = fitted(replace(SMALL, steps=1)).base.words
    texts = ["", "żółw 龜 🐢\n\ttwo  spaces", "the sea"]
    assert words.decode(words.encode(texts)).tolist() == texts


def test_it_learns() -> None:
    sampler = fitted(replace(SMALL, epochs=20))
    losses = sampler.facts["losses"]["loss"]
    assert losses[-1] < 0.6 * losses[0]
    nats, tokens = sampler.surprise(np.array(["the sea the", "xq zzj kkw"]))
    assert nats[0] / tokens[0] < nats[1] / tokens[1]


def test_first_weights_follow_from_the_seed() -> None:
    one, same, other = (fitted(replace(SMALL, steps=2), seed=seed) for seed in (0, 0, 1))
    assert one.facts["losses"] == same.facts["losses"]
    assert one.facts["losses"] != other.facts["losses"]


@pytest.mark.parametrize("start", ["scratch", "previous"])
def test_later_generations_have_the_founders_tokens(tmp_path: Path, start: Any) -> None:
    """Though they are fitted on nothing but texts of their own kind."""
    arm = Arm(
        source=toys.Toy("text"), model=replace(SMALL, steps=8), loop=FullySynthetic(), samples=48, real=64, gallery=0,
        start=start, metrics=(Perplexity(curve=False),),
    )  # fmt: skip
    planned = plan(Experiment({"a": arm}, generations=2, keep_models="all"))
    assert [turn.ground for turn in planned.turns] == [
        None,
        *[planned.turns[0].fit if start == "scratch" else None] * 2,
    ]
    results = run(planned, tmp_path, on="serial")
    assert not results.failures
    samplers = [results.store.sampler(turn.fit, arm.model) for turn in planned.turns]
    assert len({sampler.base.words.digest for sampler in samplers}) == 1  # type: ignore[attr-defined]
    own = fitted(arm.model, results.store.pool(planned.turns[1].kept).samples).base.words.digest
    assert own != samplers[0].base.words.digest  # type: ignore[attr-defined]
    found = [value for r in results.records for name, value in r.scores.items() if name.endswith("founder_median")]
    assert np.isfinite(found).tolist() == [True] * 3


def test_another_founder_makes_another_fit() -> None:
    """A generation's key has the founder in it, whose tokens it has, even where it eats real data only."""
    from autophagy.loops.real_only import RealOnly

    def first(real: int) -> str:
        arm = Arm(source=toys.Toy("text"), model=SMALL, loop=RealOnly(), real=real, samples=10, gallery=0)
        return plan(Experiment({"a": arm}, generations=1)).turns[1].fit

    assert first(60) != first(50)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"hidden": 30}, "hidden must be a multiple"),
        ({"draws": "tokens"}, "its own"),
        ({"train": "lora"}, 'train must be "full"'),
        ({"vocabulary": 100}, "at least 257"),
    ],
)
def test_settings_that_cannot_be_are_told(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        TinyGPT(**settings)


def test_samples_longer_than_its_context_are_refused_in_the_plan() -> None:
    said = replace(SMALL, length=32).objection(toys.Toy("text"), SMALL)
    assert said is not None
    assert "context of 32 tokens" in said


def test_a_tokenizer_that_is_none_is_damage(tmp_path: Path) -> None:
    fitted(replace(SMALL, steps=1)).save(tmp_path)
    (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(Damaged, match=r"tokenizer\.json"):
        SMALL.load(tmp_path)
