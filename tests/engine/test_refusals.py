"""What cannot run is refused before the first fit, in a sentence that says where, what, and what would do."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any

import pytest

from autophagy.core.errors import ConfigError, PlanError
from autophagy.core.mixture import FRESH, REAL, Mixture, drawn
from autophagy.core.parts import Loop, Model, Source
from autophagy.curators.dedupe import Dedupe
from autophagy.encoders.pca import Pca
from autophagy.encoders.pixels import Pixels
from autophagy.experiment.config import Arm, Experiment, Probe
from autophagy.experiment.plan import plan
from autophagy.experiment.run import run
from autophagy.loops.accumulate_subsample import AccumulateSubsample
from autophagy.loops.fixed_share import FixedShare
from autophagy.loops.fresh_data import FreshData
from autophagy.loops.fully_synthetic import FullySynthetic
from autophagy.loops.real_only import RealOnly
from autophagy.loops.synthetic_augmentation import SyntheticAugmentation
from autophagy.metrics.class_balance import ClassBalance
from autophagy.metrics.frechet import Frechet
from autophagy.metrics.precision_recall import PrecisionRecall
from autophagy.metrics.wasserstein import Wasserstein
from autophagy.models.diffusion import Diffusion
from autophagy.models.eigen_mixture import EigenMixture
from autophagy.models.flow import Flow
from autophagy.models.gaussian import Gaussian
from autophagy.models.kde import Kde
from autophagy.models.linear_regression import LinearRegression
from autophagy.models.vae import Vae
from autophagy.sources.coloured_digits import ColouredDigits
from autophagy.sources.mnist import Mnist
from autophagy.sources.normal import Normal
from autophagy.sources.subset import Subset
from autophagy.testing.fakes import Breaks, Logged, LoggedByClass, Mean, Numbered


@dataclass(frozen=True)
class Eats(Loop):
    """Whatever it is told to."""

    name = "eats"
    what: str = "drawn"
    offset: int = -1

    def mixture(self, generation: int) -> Mixture:
        draws = {
            "drawn": drawn(generation + self.offset).whole(),
            "founder's": drawn(0).whole(),
            "fresh-whole": FRESH.whole(),
            "fresh-share": FRESH.share(0.5),
            "fresh-group": FRESH.per_group(1),
            "real-group": REAL.per_group(1),
            "drawn-group": drawn(generation - 1).per_group(1),
            "too-many-of-each": REAL.per_group(6),
            "too-much": REAL.some(11),
            "less-than-none": REAL.some(-1),
            "more-than-all": REAL.share(1.5),
            "nothing": REAL.some(0),
            "drawn-too-many-of-each": drawn(generation - 1).per_group(6),
        }
        return Mixture((draws[self.what],))


class Half(Loop):
    name = "half"

    def mixture(self, generation: int) -> Mixture:
        return Mixture((REAL.some(0.5 * 5),))


class Bare(Loop):
    name = "bare"

    def mixture(self, generation: int) -> Any:
        return REAL.whole()


@dataclass(frozen=True)
class FoundedOnItself(FullySynthetic):
    name = "founded-on-itself"

    def founder(self) -> Mixture:
        return Mixture((drawn(0).whole(),))


@dataclass(frozen=True)
class Picky(Mean):
    """Objects to everything."""

    name = "picky"

    def objection(self, source: Source, model: Model) -> str | None:
        return f"metric 'picky' likes neither source '{source.name}' nor model '{model.name}'."


@dataclass(frozen=True)
class Unnamed(Numbered):
    """Images, as it says, without classes."""

    name = "unnamed"
    space = "images"


def arm(**settings: Any) -> Arm:
    found = {"source": Numbered(), "model": Logged(), "loop": FullySynthetic(), "real": 10, "gallery": 0, **settings}
    return Arm(**found)


REFUSED = {
    "this generation": (arm(loop=Eats(offset=0)), "generation 1: loop 'eats' asks for generation 1, which does not"),
    "a later one": (arm(loop=Eats(offset=3)), "asks for generation 4, which does not exist by then; it may look back"),
    "before the founder": (arm(loop=Eats(offset=-2)), "asks for generation -1"),
    "founder on itself": (arm(loop=FoundedOnItself()), "the founder trains on real data only"),
    "fresh without a number": (arm(loop=Eats("fresh-whole")), "fresh real data must be drawn by a plain number"),
    "fresh as a share": (arm(loop=Eats("fresh-share")), "fresh real data must be drawn by a plain number"),
    "fresh by group": (
        arm(loop=Eats("fresh-group"), source=Numbered(groups=2), model=LoggedByClass()),
        "fresh real data must be drawn by a plain number, as the fixed set is",
    ),
    "more of every group than it drew": (
        arm(loop=Eats("drawn-too-many-of-each"), source=Numbered(groups=2), model=LoggedByClass()),
        "generation 1: the loop draws 6 samples of every group of generation 0, of which one has 5",
    ),
    "half a sample": (arm(loop=Half()), "generation 1: loop 'half': size of a draw must be a whole number"),
    "no mixture": (arm(loop=Bare()), "generation 1: loop 'bare' returned Draw("),
    "groups of a source without": (arm(loop=Eats("real-group")), "source 'numbered' has none"),
    "groups of a model without": (
        arm(loop=Eats("drawn-group"), source=Numbered(groups=2)),
        "need a conditional model, but 'logged' is not",
    ),
    "per_group of a source without": (arm(real=None, per_group=2), "has no classes or captions; say real ="),
    "more than there is": (arm(real=101), "101 real samples are asked for, but source 'numbered' has 100 to train on"),
    "more of a class": (
        arm(source=Numbered(groups=3), real=None, per_group=34),
        "per_group = 34, but source 'numbered' has fewer in 2 of its 3 groups: '1' (33), '2' (33); lower per_group",
    ),
    "more than the fixed set": (arm(loop=Eats("too-much")), "the loop draws 11 samples of real, which has 10"),
    "more of each group than the fixed set": (
        arm(loop=Eats("too-many-of-each"), source=Numbered(groups=2)),
        "the loop draws 6 samples of every group of real, of which one has ",
    ),
    "fewer reference rows than an encoder needs": (
        arm(source=Normal(dim=60), reference=50, metrics=(Frechet(encoder=Pca()),)),
        "encoder 'pca' of metric 'frechet' is fitted on at least 51 reference rows, but there are 50; raise reference",
    ),
    "less than none": (arm(loop=Eats("less-than-none")), "loop 'eats' draws -1 of real; draw 0 or more"),
    "more than all": (arm(loop=Eats("more-than-all")), "loop 'eats' draws 1.5 of real; draw 0 or more, or a share"),
    "nothing at all": (arm(loop=Eats("nothing")), "generation 1: loop 'eats' gives it no sample to train on"),
    "fewer than a covariance needs": (
        arm(source=Normal(), model=Gaussian(unbiased=True), loop=FullySynthetic(size=1)),
        "generation 1: model 'gaussian' needs at least 2 samples, but the loop gives it 1; raise real or samples",
    ),
    "fewer than there are features": (
        arm(source=Normal(dim=5), model=LinearRegression(), real=3),
        "generation 0: model 'linear-regression' needs at least 4 samples, but the loop gives it 3; raise real",
    ),
    "more than was drawn": (arm(loop=FullySynthetic(size=11)), "draws 11 samples of generation 0, which has 10"),
    "more than a mixture": (arm(loop=FixedShare(synthetic=1.0, total=20)), "which has 10"),
    "fresh data that run dry": (
        arm(loop=FreshData(real=30)),
        "generation 4: 30 unseen real samples are needed, but source 'numbered' has 0 left; use fewer generations or",
    ),
    "fresh controls that run dry": (arm(loop=RealOnly(fresh=31)), "generation 3: 31 unseen real samples"),
    "a stream without a size": (arm(source=Normal(), real=None), "never ends, so say the size of the real set"),
    "both kinds of reference by group of a source without": (
        arm(reference_per_group=3),
        "reference_per_group = 3 needs classes or captions, but source 'numbered' has none; say reference =",
    ),
    "a reference too large": (arm(reference=21), "reference = 21, but source 'numbered' holds out 20"),
    "no held-out data to measure with": (arm(source=Numbered(heldout=0), metrics=(Mean(),)), "holds out no"),
    "another space": (
        arm(source=Normal(), metrics=(ClassBalance(),)),
        "'class-balance' takes images, but source 'normal' gives vectors",
    ),
    "a part that objects": (arm(metrics=(Picky(),)), "likes neither source 'numbered' nor model 'logged'"),
    "no pretrained weights": (arm(model=Breaks(), founder="pretrained"), "has no pretrained weights; say founder ="),
    "weights to go on from": (arm(model=Gaussian(), start="previous"), "cannot go on from earlier weights"),
    "a redraw of nothing": (arm(source=Mnist(), model=Vae(redraw=True)), 'say start = "previous" and leave bias out'),
    "a redraw with bias": (
        arm(source=Mnist(), model=Vae(redraw=True), start="previous", bias=0.5),
        "draws its training samples anew from the generation before, without bias",
    ),
    "a redraw past curators": (
        arm(source=Mnist(), model=Vae(redraw=True), start="previous", curators=(Dedupe(),)),
        "redraws past every curator; leave curators out",
    ),
    "a redraw of what others made": (
        arm(source=Mnist(), model=Vae(redraw=True), start="previous", loop=FullySynthetic(arm="b")),
        "but loop 'fully-synthetic' eats of arm 'b'; choose one of them",
    ),
    "a redraw of generations that are not the last": (
        arm(source=Mnist(), model=Vae(redraw=True), start="previous", loop=Eats("founder's")),
        "generation 2: model 'vae' redraws the samples of generation 1, but loop 'eats' eats none of them",
    ),
    "guidance away from nothing": (
        arm(source=Mnist(), model=Diffusion(unconditional=0.0), bias=0.5),
        "never learns images without one, which guidance (bias < 1) asks for",
    ),
    "guidance without classes": (
        arm(source=Unnamed(), model=Diffusion(), bias=0.5),
        "model 'diffusion' is guided by classes or captions, but source 'unnamed' has none; leave bias out",
    ),
    "guidance away from the only class": (
        arm(source=Subset(Mnist(), (3,)), model=Diffusion(), bias=0.5),
        "all images of source 'subset' are of one; leave bias out",
    ),
    "images to begin with": (arm(model=Breaks(), seeding=0.5), "cannot start from real samples; leave seeding out"),
    "conditions for a model without": (arm(probes={"p": Probe(conditions=(1,))}), "takes none"),
    "a probe of a class that is not there": (
        arm(source=Numbered(groups=3), model=LoggedByClass(), probes={"p": Probe(conditions=(1, 7))}),
        "probe 'p' asks for 7",
    ),
    "a probe of a class of a source without": (
        arm(model=LoggedByClass(), probes={"p": Probe(conditions=(1,))}),
        "probe 'p' names conditions, but source 'numbered' has neither classes nor captions",
    ),
    "a probe of a caption where there are classes": (
        arm(source=Numbered(groups=3), model=LoggedByClass(), probes={"p": Probe(conditions=("a dog",))}),
        "probe 'p' asks for 'a dog', but source 'numbered' has classes, such as 0.",
    ),
    "a probe of a class where there are captions": (
        arm(source=ColouredDigits(), model=EigenMixture(), probes={"p": Probe(conditions=(3,))}),
        "probe 'p' asks for 3, but source 'coloured-digits' has captions, such as 'a photo of a blue eight'.",
    ),
    "a probe of an unseen caption": (
        arm(source=ColouredDigits(), model=EigenMixture(), probes={"p": Probe(conditions=("a dog",))}),
        "probe 'p' asks for 'a dog', but model 'eigen-mixture' draws only what it has seen; source ",
    ),
    "a probe with the report's name": (arm(probes={"gallery": Probe()}), "a probe cannot be called 'gallery'"),
    "a probe with the report's other name": (arm(probes={"begun": Probe()}), "a probe cannot be called 'begun'"),
    "an arm that is not there": (
        arm(loop=FullySynthetic(arm="nobody")),
        "eats from arm 'nobody', but there is no such",
    ),
    "moments of a model without": (
        arm(source=Normal(), model=Kde(), metrics=(Wasserstein(of="model"),)),
        "needs a model whose moments are known",
    ),
    "fewer references than neighbours": (
        arm(source=Normal(), model=Gaussian(), reference=5, metrics=(PrecisionRecall(encoder=Pixels()),)),
        "needs at least 6 samples and reference rows, but there are 10 and 5",
    ),
    "an arm's own present": (arm(loop=SyntheticAugmentation(arm="a")), None),
    "a budget beyond what there is": (arm(loop=AccumulateSubsample(size=10**6)), None),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_does_not_fit_is_refused_in_the_plan(case: str) -> None:
    refused, words = REFUSED[case]
    experiment = Experiment({"a": refused}, generations=6)
    if words is None:
        assert len(plan(experiment).turns) == 7
        return
    with pytest.raises(PlanError) as caught:
        plan(experiment)
    assert words in str(caught.value)
    assert str(caught.value).startswith("arm 'a'") or case == "per_group of a source without"
    assert str(caught.value).endswith(".")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("maker", "words"),
    [
        ({"source": Numbered()}, "learns by classes, but the samples of arm 'b' have neither classes nor captions"),
        (
            {"source": Numbered(groups=3), "model": Logged()},
            "have neither classes nor captions; eat from an arm of the",
        ),
    ],
)
def test_a_model_by_class_cannot_eat_samples_without(maker: dict[str, Any], words: str) -> None:
    eater = arm(source=Numbered(groups=3), model=LoggedByClass(), loop=FullySynthetic(arm="b"))
    with pytest.raises(PlanError, match=words):
        plan(Experiment({"a": eater, "b": arm(**{"model": LoggedByClass(), **maker})}, generations=2))
    fed = arm(source=Numbered(groups=3), model=LoggedByClass())
    assert plan(Experiment({"a": eater, "b": fed}, generations=2)).turns


def test_arms_that_eat_in_a_circle_are_refused() -> None:
    @dataclass(frozen=True)
    class EatsNow(Loop):
        """What another arm makes at the same time."""

        name = "eats-now"
        of: str = "a"

        def mixture(self, generation: int) -> Mixture:
            return Mixture((drawn(generation, self.of).whole(),))

    with pytest.raises(PlanError, match="arms eat in a circle"):
        plan(Experiment({"a": arm(loop=EatsNow("b")), "b": arm(loop=EatsNow("a"))}, generations=3))
    one_way = plan(Experiment({"a": arm(loop=EatsNow("b")), "b": arm()}, generations=3))
    assert [t.number for t in one_way.turns if t.arm_name == "a"] == [0, 1, 2, 3]


def test_an_arm_that_eats_beyond_another_arms_end_is_refused() -> None:
    arms = {"a": arm(loop=FullySynthetic(arm="b")), "b": arm(generations=2)}
    with pytest.raises(PlanError, match="arm 'a', generation 4: arm 'b' ends at generation 2"):
        plan(Experiment(arms, generations=6))
    assert len(plan(Experiment({**arms, "b": arm(generations=5)}, generations=6)).turns) == 13


def test_nothing_is_fitted_before_the_plan_is_whole() -> None:
    Logged.fits.clear()
    with pytest.raises(PlanError):
        run(Experiment({"good": arm(), "bad": arm(real=101)}, generations=2))
    assert Logged.fits == []


def test_an_experiment_that_no_one_could_plan_is_refused_at_once() -> None:
    for settings in ({"generations": 10**12}, {"generations": 600_000, "seeds": (0, 1)}):
        with pytest.raises(ConfigError, match="turns are too many"):
            Experiment({"a": arm()}, **settings)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"real": 10, "per_group": 3}, "real and per_group cannot both be set"),
        ({"bias": 0.0}, "bias must be above 0 and at most 1, but is 0.0"),
        ({"bias": 1.5}, "bias must be"),
        ({"samples": 0}, "samples must be at least 1"),
        (
            {"start": "prevoius"},
            "start must be one of founder, previous, scratch, but is 'prevoius'. Did you mean 'previous'?",
        ),
        ({"refill": 3}, "refill must be one of"),
        ({"probes": {"a/b": Probe()}}, "probe name 'a/b' cannot be used"),
        ({"metrics": (Gaussian(),)}, "metrics[0] must be a metric"),
    ],
)
def test_settings_of_an_arm_are_checked(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        arm(**settings)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    "name", ["", ".", "..", "../x", "a/b", "a\\b", "\x1b[31m", "a\nb", "-x", " a", "x" * 65, "a\u202eb", "<b>"]
)
def test_names_that_could_escape_a_folder_a_page_or_a_terminal_are_refused(name: str) -> None:
    with pytest.raises(ConfigError, match="cannot be used"):
        Experiment({name: arm()})
    with pytest.raises(ConfigError, match="cannot be used"):
        Experiment({"a": arm()}, name=name)


@pytest.mark.parametrize("name", ["a", "share-25", "λ = 0.8", "n=1,000", "東京", "x" * 64, "v1.0"])
def test_names_of_many_kinds_are_allowed(name: str) -> None:
    assert Experiment({name: arm()}).arms


@pytest.mark.parametrize(
    "settings", [{"seeds": ()}, {"seeds": (1, 1)}, {"seeds": (-1,)}, {"generations": -1}, {"keep_models": "some"}]
)
def test_settings_of_an_experiment_are_checked(settings: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=next(iter(settings))):
        Experiment({"a": arm()}, **settings)


def test_an_experiment_needs_an_arm() -> None:
    with pytest.raises(ConfigError, match="arms must have at least one entry"):
        Experiment({})


@pytest.mark.parametrize(
    ("model", "package"), [(Vae(), "torch"), (Flow(), "zuko"), (Diffusion(backbone="diffusers"), "diffusers")]
)
def test_a_missing_package_is_told_before_anything_runs(
    model: Model, package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    experiment = Experiment({"a": arm(source=Mnist(), model=model)}, generations=1)
    assert plan(experiment).turns  # which reports and records of a finished run need, too
    with pytest.raises(PlanError, match=f"arm 'a': .* needs the package '{package}'; run: pip install 'autophagy"):
        run(experiment)


def test_an_arm_eats_of_its_own_kind_only() -> None:
    arms = {"a": arm(), "b": arm(source=Unnamed(), loop=FullySynthetic(arm="a"))}
    with pytest.raises(PlanError, match="arm 'b', generation 1: arm 'a' makes vectors, but this one trains on images"):
        plan(Experiment(arms, generations=1))
