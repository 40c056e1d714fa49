"""A plan says what theory expects of every arm, and says why where theory does not reach."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from autophagy.archive.run_folder import Forecast
from autophagy.core.labels import metric_label, part_label
from autophagy.core.mixture import Mixture, drawn
from autophagy.core.parts import Loop, Model
from autophagy.curators.quality import Quality
from autophagy.experiment.config import Arm, Experiment
from autophagy.experiment.forecasts import forecasts
from autophagy.experiment.notes import notes
from autophagy.experiment.plan import plan
from autophagy.loops.accumulate_subsample import AccumulateSubsample
from autophagy.loops.fixed_share import FixedShare
from autophagy.loops.fresh_data import FreshData
from autophagy.loops.fully_synthetic import FullySynthetic
from autophagy.loops.phases import Phases
from autophagy.loops.real_only import RealOnly
from autophagy.metrics.precision_recall import PrecisionRecall
from autophagy.models.categorical import Categorical as Frequencies
from autophagy.models.gaussian import Gaussian
from autophagy.models.gaussian_mixture import GaussianMixture
from autophagy.models.kde import Kde
from autophagy.models.stylegan2 import StyleGan2
from autophagy.models.vae import Vae
from autophagy.sources.categorical import Categorical
from autophagy.sources.mnist import Mnist
from autophagy.sources.normal import Normal
from autophagy.testing.fakes import Every, Logged, LoggedByClass, Mean, Numbered


class Both(Loop):
    name = "both"

    def mixture(self, generation: int) -> Mixture:
        return Mixture((drawn(generation - 1).whole(), drawn(generation - 1, "other").whole()))


def arm(**settings: Any) -> Arm:
    found = {"source": Normal(), "model": Gaussian(), "loop": FullySynthetic(), "real": 10, "gallery": 0, **settings}
    return Arm(**found)


def told(arms: dict[str, Arm], generations: int = 3) -> dict[str, Forecast]:
    return forecasts(plan(Experiment(arms, generations=generations, seeds=(3, 4))))


def test_a_fully_synthetic_loop_loses_its_share_every_generation() -> None:
    found = told({"a": arm()})["a"]
    assert found.is_exact
    assert found.reason == ""
    assert np.allclose(found.kept_variance, [0.9 ** (t + 1) for t in range(4)])  # E[Σ] = (1 − 1/n)^t Σ0, founder t = 1
    assert np.allclose(found.sample_variance, [0.9 ** (t + 2) for t in range(4)])  # its 10 samples lose a tenth more


def test_rows_that_have_an_end_make_a_guide_of_it() -> None:
    found = told({"a": arm(source=Numbered(rows=20))})["a"]
    assert not found.is_exact
    assert found.reason.startswith("a guide: the rows of source 'numbered' have an end")


def test_what_a_budget_spreads_over_many_generations_adds_up_to_it() -> None:
    experiment = Experiment({"a": arm(loop=AccumulateSubsample(size=10))}, generations=30, seeds=(0,))
    (of_arm,) = notes(plan(experiment)).arms
    eaten = of_arm.mixtures[-1]
    assert len(eaten) == 31
    assert sum(pool.count for pool in eaten) == 10


def test_a_control_loses_nothing_more() -> None:
    found = told({"a": arm(loop=RealOnly())})["a"]
    assert np.allclose(found.kept_variance, 0.9)
    assert np.allclose(found.effective_sample_size, 10)


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"source": Numbered(), "model": Logged()}, "what a Gaussian would keep; model 'logged' is another family"),
        ({"curators": (Every(),)}, "curators look at values"),
        (
            {
                "source": Numbered(groups=2), "model": LoggedByClass(), "real": None, "per_group": 5,
                "loop": FixedShare(by_group=True),
            },
            "another family",
        ),
        ({"source": Numbered(rows=25), "loop": FreshData(real=10), "exhausted": "reuse"}, "reused real rows"),
        ({"source": Numbered(), "model": Kde(bandwidth=0.5)}, "the variance of source 'numbered' is not known"),
        ({"model": GaussianMixture(), "bias": 0.5}, "λ bends the distribution of 'gaussian-mixture'"),
        ({"source": Categorical(), "model": Frequencies(), "bias": 0.5}, "λ bends the distribution of 'categorical'"),
    ],
)  # fmt: skip
def test_where_theory_is_only_a_guide_it_says_why(settings: dict[str, Any], reason: str) -> None:
    found = told({"a": arm(**settings)})["a"]
    assert not found.is_exact
    assert reason in found.reason


@pytest.mark.parametrize("refill", ["shrink", "redraw", "repeat"])
def test_what_keeps_the_best_has_no_forecast(refill: Any) -> None:
    """A half by Mahalanobis distance leaves next to nothing in five generations; a forecast without it says 90 %."""
    culled = arm(curators=(Quality(score="mahalanobis", share=0.5),), refill=refill)
    eater = arm(loop=FullySynthetic(arm="culled"))
    found = told({"culled": culled, "eater": eater, "plain": arm()})
    for name in ("culled", "eater"):
        assert found[name].kept_variance == ()
        assert "curator 'quality', which keeps the best" in found[name].reason
    assert found["plain"].is_exact


def test_what_a_sampler_alone_takes_away_is_foretold(monkeypatch: pytest.MonkeyPatch) -> None:
    def kept(share: float, loop: Any) -> tuple[tuple[float, ...], str]:
        monkeypatch.setattr(Logged, "drawn_share", lambda self: share)
        found = told({"a": arm(source=Numbered(), model=Logged(), loop=loop)})["a"]
        return found.kept_variance, found.reason

    plain, reason = kept(1.0, FullySynthetic())
    assert reason.endswith("is another family")
    narrow, reason = kept(0.74, FullySynthetic())
    assert np.allclose(narrow, [share * 0.74**t for t, share in enumerate(plain)])
    assert reason.endswith("is another family, whose sampler alone leaves 74% of a variance")
    assert kept(0.74, RealOnly())[0] == kept(1.0, RealOnly())[0]
    wide, reason = kept(1.34, FullySynthetic())
    assert wide == plain
    assert reason.endswith("leaves 134% of a variance, which is not followed")


def test_truncation_shortens_styles_so_that_a_variance_has_its_square() -> None:
    def kept(model: Model, bias: float) -> np.ndarray:
        return np.array(told({"a": arm(source=Mnist(), model=model, real=100, bias=bias)})["a"].kept_variance)

    g = np.arange(len(kept(StyleGan2(), 1.0)))
    assert np.allclose(kept(StyleGan2(), 0.7), kept(StyleGan2(), 1.0) * 0.49**g)
    assert np.allclose(kept(Vae(), 0.7), kept(Vae(), 1.0) * 0.7**g)


def test_a_pretrained_founder_leaves_theory_nothing_to_say() -> None:
    arms = {
        "a": arm(source=Numbered(), model=Logged(), founder="pretrained"),
        "b": arm(source=Numbered(), model=Gaussian(), loop=FullySynthetic(arm="a")),
    }
    found = told(arms)
    assert found["a"].kept_variance == found["b"].kept_variance == ()
    assert "what the pretrained founder was trained on" in found["a"].reason
    assert "eats from an arm whose founder is pretrained" in found["b"].reason


def test_halves_drawn_with_the_same_numbers_are_said() -> None:
    """An arm on its own diet until generation 1, which then mixes its output with another arm's of that generation."""
    mixed = Phases(loops=(FullySynthetic(), Both()), generations=(1,))
    found = told({"other": arm(loop=RealOnly()), "a": arm(loop=mixed)}, generations=2)["a"]
    assert not found.is_exact
    assert "share random numbers" in found.reason


def test_what_an_arm_eats_of_a_biased_one_was_drawn_with_that_bias() -> None:
    arms = {"a": arm(bias=0.5), "b": arm(loop=FullySynthetic(arm="a"))}
    found = told(arms)
    assert found["b"].is_exact
    assert np.allclose(
        found["b"].kept_variance, [0.9 ** (t + 1) * 0.5**t for t in range(len(found["b"].kept_variance))]
    )
    assert np.allclose(found["a"].kept_variance, found["b"].kept_variance)


def test_eating_another_kind_of_arm_is_said() -> None:
    for other in (arm(model=Gaussian(unbiased=True)), arm(source=Normal(dim=3))):
        found = told({"a": other, "b": arm(loop=FullySynthetic(arm="a"))})["b"]
        assert found.kept_variance == ()
        assert found.reason == "it eats from arm 'a', which has another source or family of models"


def test_notes_say_what_every_generation_eats() -> None:
    arms = {"a": arm(loop=AccumulateSubsample(size=12)), "b": arm(loop=FullySynthetic(arm="a"))}
    found = notes(plan(Experiment(arms, generations=2)))
    eaten = {a.name: [[(e.origin, e.count) for e in mixture] for mixture in a.mixtures] for a in found.arms}
    assert eaten["a"] == [
        [("real", 10)],
        [("real", 6), ("generation 0", 6)],
        [("real", 4), ("generation 0", 4), ("generation 1", 4)],
    ]
    assert eaten["b"] == [[("real", 10)], [("generation 0 of arm 'a'", 10)], [("generation 1 of arm 'a'", 10)]]
    assert (found.turns, found.distinct_fits, found.seeds) == (6, 5, (0,))
    assert found.experiment["arms"]["a"]["model"] == {"use": "gaussian", "version": 1, "unbiased": False}


def test_labels_say_what_differs_from_the_defaults_and_which_encoder_it_was() -> None:
    assert metric_label(Mean()) == "mean"
    assert metric_label(Mean(tag=2), "other") == "mean[tag=2]@other"
    assert metric_label(PrecisionRecall(k=3)).startswith("precision-recall[")
    assert "k=3" in metric_label(PrecisionRecall(k=3))
    assert part_label(Normal(dim=3, mean=(1.0, 0.5, 0.0))) == "normal(dim=3, mean=[1, 0.5, 0])"
    assert part_label(RealOnly()) == "real-only"
