"""What cannot be simulated, told in one sentence before anything is drawn."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

from autophagy.core.errors import PlanError, listed
from autophagy.core.known import KnownDistribution
from autophagy.core.parts import Encoder, Stream
from autophagy.experiment.config import Arm
from autophagy.experiment.plan import Turn
from autophagy.experiment.reals import Rows
from autophagy.models.categorical import Categorical

from .families import MODELS, Family, family


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
    return found


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


def check_independence(turn: Turn, turns: dict[str, Turn]) -> None:
    """Raises PlanError where an arm mixes what other arms drew from shared random numbers, point by point."""
    if not turn.foreign:
        return
    eaten = [turns[e.key] for e in turn.eaten if e.rows is None]
    paired = [other.number for other in eaten if not other.is_apart]
    if len(set(paired)) < len(paired):
        raise PlanError(
            f"arm '{turn.arm_name}' eats, of one generation, from arms that share random numbers, sample by sample; "
            "simulate takes pools to be independent: use autophagy run."
        )


def check_real_sets(rows: Iterable[Rows]) -> None:
    """Raises PlanError for two real sets of which one is the beginning of the other, where one lineage sees both."""
    seen: dict[tuple[object, ...], int] = {}
    for r in rows:
        address = (r.source, r.after, r.offset)
        if seen.setdefault(address, r.size) != r.size:
            small, large = sorted((seen[address], r.size))
            raise PlanError(
                f"arms that eat from one another have real sets of {small} and {large} samples, of which one is a part "
                "of the other; simulate takes them to be independent: give both arms the same real."
            )


def check_size(turn: Turn, found: Family, total: int) -> None:
    """Raises PlanError for a training set that the family has no answer for."""
    if total < found.fewest():
        raise PlanError(
            f"arm '{turn.arm_name}', generation {turn.number}: model '{turn.arm.model.name}' needs at least "
            f"{found.fewest()} samples, but the loop gives it {total}; raise real or samples."
        )
