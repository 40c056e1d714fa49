"""Forecasts: the share of its variance that every arm should keep, before anything runs.

The block recursion of `theory` is exact for Gaussians, frequencies and kernel
densities in loops that do not look at values. For other families it says what
a Gaussian would keep under the same loop: a guide, and labelled as one.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from dataclasses import replace

from autophagy.archive.run_folder import Forecast
from autophagy.core.errors import PlanError
from autophagy.core.known import KnownDistribution, KnownMoments
from autophagy.core.parts import LinearFamily, Model, Source
from autophagy.theory.recursion import Step, forecast, lineage

from . import reals
from .plan import Plan
from .sharing import shared
from .turns import Turn, taken_count

UNSEEN = 0.005  # of a variance, which a sampler may add or take away without a word


def forecasts(plan: Plan) -> dict[str, Forecast]:
    """A forecast for every arm, by generation, for any one seed: they are all alike."""
    seed = plan.experiment.seeds[0]
    turns = {turn.kept: turn for turn in plan.turns if turn.seed == seed}  # arms that share a history share its steps
    steps = [_step(turn) for turn in turns.values()]
    real: dict[Hashable, int] = {
        e.key: reals.count(e.rows) for turn in turns.values() for e in turn.eaten if e.rows is not None
    }
    return {arm: _of_arm(plan.lineages[arm, seed], turns, steps, real) for arm in plan.experiment.arms}


def _of_arm(own: list[Turn], turns: dict[str, Turn], steps: list[Step], real: Mapping[Hashable, int]) -> Forecast:
    arm = own[0].arm
    if arm.founder == "pretrained":
        return Forecast(
            reason=f"what the pretrained founder was trained on is not known{_alone(arm.model, ', and its')}"
        )
    needed = _ancestry(own, steps)
    ancestors = [turns[str(step.block)] for step in needed]
    if any(turn.arm.founder == "pretrained" for turn in ancestors):
        return Forecast(reason="it eats from an arm whose founder is pretrained")
    if other := next((turn for turn in ancestors if _law(turn) != _law(own[0])), None):
        return Forecast(reason=f"it eats from arm '{other.arm_name}', which has another source or family of models")
    culled = (curator for turn in ancestors for curator in turn.arm.curators if curator.selects)
    if (first := next(culled, None)) is not None:
        return Forecast(
            reason=f"how much variance is left by curator '{first.name}', which keeps the best, is not known"
        )
    if arm.source.space == "text" and arm.model.linear_family() is None:
        return Forecast(reason=f"theory says nothing of texts by model '{arm.model.name}'")
    reason = next(_doubts(own, turns, ancestors), "")
    family = arm.model.linear_family() or LinearFamily()
    needed, real = [_scaled(step, family.points) for step in needed], {k: n * family.points for k, n in real.items()}
    if family.added and not isinstance(arm.source, KnownMoments):
        return Forecast(reason=f"the variance of source '{arm.source.name}' is not known beforehand")
    try:
        found = forecast(needed, real=real, family=family, real_variance=_variance(own[0]))
    except PlanError as problem:
        return Forecast(reason=str(problem))
    index = {str(step.block): i for i, step in enumerate(needed)}
    rows = [index[turn.kept] for turn in own]
    return Forecast(
        kept_variance=tuple(found.kept_variance[i] for i in rows),
        sample_variance=tuple(found.drawn_variance[i] * (1 - 1 / (own[0].samples * family.points)) for i in rows),
        effective_sample_size=tuple(found.effective_sample_size[i] / family.points for i in rows),
        is_exact=not reason,
        reason=reason,
    )


def _ancestry(own: list[Turn], steps: list[Step]) -> list[Step]:
    """The steps of a lineage and of everything it eats, in order."""
    wanted = {step.block for turn in _tips(own) for step in lineage(steps, turn.kept)}
    return [step for step in steps if step.block in wanted]


def _tips(own: list[Turn]) -> Iterator[Turn]:
    """Turns that no later turn of the lineage eats; the ancestors of these are everybody's."""
    eaten = {e.key for turn in own for e in turn.eaten}
    return (turn for turn in own if turn.kept not in eaten)


def _step(turn: Turn) -> Step:
    taken = tuple((e.key, taken_count(d, e, turn.keys)) for d, e in zip(turn.mixture.draws, turn.eaten, strict=True))
    share = min(1.0, turn.arm.model.drawn_share())  # samples have bounds, and draws that widen meet them
    return Step(turn.kept, turn.samples, taken, turn.mixture.budget, turn.arm.model.narrowed(turn.arm.bias) * share)


def _law(turn: Turn) -> tuple[Source, LinearFamily | None]:
    """What one recursion can follow through arms that eat of one another."""
    return turn.arm.source, turn.arm.model.linear_family()


def _scaled(step: Step, points: int) -> Step:
    """The same step with every sample as so many points."""
    taken = tuple((block, count * points) for block, count in step.taken)
    budget = None if step.budget is None else step.budget * points
    return replace(step, size=step.size * points, taken=taken, budget=budget)


def _doubts(own: list[Turn], turns: dict[str, Turn], ancestors: list[Turn]) -> Iterator[str]:
    """Reasons why the recursion is a guide rather than exact, the weightiest first."""
    last = own[-1]
    model = last.arm.model
    if model.linear_family() is None:
        unfollowed = ", which is not followed" if model.drawn_share() > 1 + UNSEEN else ""
        alone = _alone(model, ", whose")
        yield f"a guide: what a Gaussian would keep; model '{model.name}' is another family{alone}{unfollowed}"
    if any(turn.arm.curators for turn in ancestors):
        yield "a guide: curators look at values, which the recursion does not"
    if any(draw.per_group is not None or draw.stratified for turn in ancestors for draw in turn.mixture.draws):
        yield "a guide: draws by group are treated as plain ones"
    if any(turn.eaten and any(e.reused for e in turn.eaten) for turn in ancestors):
        yield "a guide: reused real rows are treated as new ones"
    family = model.linear_family()
    if family is not None and family.points > 1 and not isinstance(last.arm.source, KnownDistribution):
        yield f"a guide: the words of a real text are treated as {family.points} that know nothing of one another"
    is_biased = any(turn.arm.bias < 1 for turn in ancestors)
    if is_biased and family is not None and not (family.takes_bias or family.added):
        yield f"a guide: λ bends the distribution of '{model.name}' in a way that the recursion does not follow"
    if reason := _finite(ancestors):
        yield reason
    twice = shared(own, turns)
    if twice.draws:
        yield "a guide: it eats, of one generation, from arms that share random numbers"
    if twice.rows:
        yield "a guide: it eats from arms whose real sets share rows with its own, or random numbers"
    if any(turn.start for turn in ancestors):
        yield "a guide: fits that go on from earlier weights are treated as new ones"


def _finite(ancestors: list[Turn]) -> str | None:
    """Rows that are drawn without replacement have less to do with chance than independent ones."""
    for turn in ancestors:
        if turn.arm.source.size("train") is not None and turn.arm.model.linear_family() is not None:
            return f"a guide: the rows of source '{turn.arm.source.name}' have an end, but are treated as independent"
    return None


def _alone(model: Model, whose: str) -> str:
    """What the sampler alone does in every generation, as the end of a sentence; empty if next to nothing."""
    share = model.drawn_share()
    return f"{whose} sampler alone leaves {share:.0%} of a variance" if abs(share - 1) > UNSEEN else ""


def _variance(founder: Turn) -> float:
    """The real data's variance, averaged over axes; only kernel families need it."""
    source = founder.arm.source
    if not isinstance(source, KnownMoments):
        return 1.0
    covariance = source.moments()[1]
    return float(covariance.trace()) / len(covariance)
