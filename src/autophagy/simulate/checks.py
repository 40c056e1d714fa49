"""What cannot be simulated, told in one sentence before anything is drawn."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

from autophagy.core.errors import PlanError, listed
from autophagy.core.known import KnownDistribution
from autophagy.core.parts import Encoder, Stream
from autophagy.experiment.config import Arm
from autophagy.experiment.sharing import shared
from autophagy.experiment.turns import Turn
from autophagy.models.categorical import Categorical
from autophagy.sources.normal import Normal

from .families import MODELS, Family, RegressionFamily, VectorFamily, family

ROUNDED = 1e-14  # of the data's variance: a label noise below is what rounding left
MOST_SYMBOLS = 10**9  # numpy's hypergeometric numbers end there


def checked_family(name: str, arm: Arm) -> Family:
    """The closed form of an arm; raises PlanError if it has none."""
    model, source = arm.model, arm.source
    if type(model) not in MODELS:
        raise PlanError(
            f"arm '{name}': model '{model.name}' has no closed form; simulate knows "
            f"{listed(known.name for known in MODELS)}: choose one of these, or draw samples with autophagy run."
        )
    if not isinstance(source, Stream):
        raise PlanError(
            f"arm '{name}': source '{source.name}' has {source.size('train')} rows, but simulate needs independent "
            "real data without end, such as 'normal' or 'categorical'; use one of these, or autophagy run."
        )
    found = family(model, source)
    if found is None:
        needs = "probability of each symbol" if isinstance(model, Categorical) else "mean and covariance"
        raise PlanError(f"arm '{name}': simulate needs a source whose true {needs} is known; '{source.name}' is none.")
    _check_arm(name, arm)
    if isinstance(found, VectorFamily) and not found.truth.total > 0:
        raise PlanError(f"arm '{name}': source '{source.name}' has no variance of which a share could be told.")
    if isinstance(found, RegressionFamily) and not found.truth.noise > ROUNDED * found.truth.total:
        raise PlanError(f"arm '{name}': source '{source.name}' has no noise in its last column, the label's.")
    return found


def check_normal(arm: Arm) -> None:
    """Raises PlanError where real data alone would not teach as normal ones do, which learning curves are made of."""
    if not isinstance(arm.source, Normal):
        raise PlanError(
            f"source '{arm.source.name}': a sweep's effective sample sizes are read off a learning curve of normal "
            'data; use source = "normal", or simulate the experiment without [sweep].'
        )


def _check_arm(name: str, arm: Arm) -> None:
    model, source = arm.model, arm.source
    if arm.curators:
        raise PlanError(
            f"arm '{name}': curator '{arm.curators[0].name}' looks at single samples, of which simulate draws none; "
            "leave curators out, or use autophagy run."
        )
    for metric in arm.metrics:
        if any(isinstance(getattr(metric, field.name), Encoder) for field in dataclasses.fields(metric)):
            raise PlanError(
                f"arm '{name}': metric '{metric.name}' looks at samples through an encoder, of which simulate draws "
                "none; leave it out, or use autophagy run."
            )
    if isinstance(model, Categorical) and isinstance(source, KnownDistribution):
        symbols = len(source.distribution())
        if model.alphabet is not None and model.alphabet < symbols:
            raise PlanError(
                f"arm '{name}': model 'categorical' has alphabet = {model.alphabet}, but source '{source.name}' "
                f"has {symbols} symbols; say alphabet = {symbols} or more."
            )


def check_independence(name: str, own: Sequence[Turn], turns: Mapping[str, Turn]) -> None:
    """Raises PlanError where a turn and all that it eats share random numbers, point by point, or real rows."""
    twice = shared(own, turns)
    if twice.draws:
        raise PlanError(
            f"arm '{name}' eats, of one generation, from arms that share random numbers, sample by sample; simulate "
            "takes pools to be independent: use autophagy run."
        )
    if twice.rows is None:
        return
    one, other = twice.rows
    if one.source != other.source:
        raise PlanError(
            f"arm '{name}' eats from arms whose sources draw from the same random numbers; simulate takes real sets to "
            "be independent: use autophagy run."
        )
    small, large = sorted((one.size, other.size))
    raise PlanError(
        f"arms that eat from one another have real sets of {small} and {large} samples, drawn from the same random "
        "numbers; simulate takes them to be independent: give both arms the same real."
    )


def check_size(turn: Turn, found: Family, divided: int) -> None:
    """Raises PlanError for parts that nobody could draw; `divided` is the size of the largest block that has one."""
    if found.reads == "counts" and divided >= MOST_SYMBOLS:
        raise PlanError(
            f"arm '{turn.arm_name}', generation {turn.number}: a part of {divided:,} symbols cannot be drawn, only of "
            f"fewer than {MOST_SYMBOLS:,}; lower real or samples."
        )
