"""The Fréchet distance to a set of which only statistics are left."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from autophagy.core.catalog import build
from autophagy.core.errors import ConfigError, DataError
from autophagy.core.parts import Metric
from autophagy.core.seeds import Seed
from autophagy.kernels.frechet import of_moments
from autophagy.kernels.moments import Moments, moments

from .comparison import BLOCKS, Measured, parts
from .encode import must_be_fitted
from .encoding import Encoded, Encoding
from .given import Statistics
from .intervals import jackknifed
from .scores import Score
from .subjects import Recipe

METRIC, VALUE = "frechet", "distance"


def check_metrics(wanted: Sequence[Recipe] | None) -> None:
    """Raises ConfigError for metrics, and settings, that need rows where there are moments only."""
    if wanted is not None and not wanted:
        raise ConfigError("no metric was asked for; name some, or none for all that apply.")
    usual = build("metric", METRIC)
    for metric in [METRIC] if wanted is None else wanted:
        found = metric if isinstance(metric, Metric) else build("metric", metric, "metric")
        if found.name != METRIC or (wanted is not None and len(wanted) > 1):
            raise ConfigError(
                f"statistics hold a mean and a covariance, which only metric '{METRIC}' can be had of; name no other."
            )
        if found != usual:
            raise ConfigError(
                f"of statistics there is the plain distance and nothing that settings of '{METRIC}' change; "
                "leave them out."
            )


def check_encoder(encoding: Encoding) -> None:
    """Raises ConfigError for an encoder that would have to learn from the side that has rows."""
    if must_be_fitted(encoding) and not encoding.fitted_on:
        raise ConfigError(
            f"encoder '{encoding.encoder.name}' is fitted on real images, which statistics are none of; choose one "
            "that comes fitted, or give the images on both sides."
        )


def check_widths(sides: Sequence[Statistics]) -> None:
    """Raises DataError if two statistics are of different features."""
    widths = {side.width for side in sides}
    if len(widths) > 1:
        raise DataError(
            f"{sides[0].label} are statistics of {sides[0].width:,} features, but {sides[1].label} of "
            f"{sides[1].width:,}; both must come from the same encoder."
        )


def distance(real: Encoded | Statistics, fake: Encoded | Statistics, seed: Seed, *, intervals: bool) -> Score:
    """‖μ − μ_r‖² + tr(S + S_r − 2(S S_r)^½), divisor n − 1 for rows; a jackknife where one side has rows."""
    sides = real, fake
    value = of_moments(*(_moments(side) for side in sides))
    rows = [len(side) for side in sides if isinstance(side, Encoded)]
    can_leave_out = intervals and min(rows, default=0) >= 2 * BLOCKS
    left = [_without(sides, block, seed) for block in range(BLOCKS)] if can_leave_out else []
    n_real, n_fake = (len(side) if isinstance(side, Encoded) else side.moments.n for side in sides)
    interval = jackknifed({VALUE: value}, left).get(VALUE)
    return Score(
        METRIC, METRIC, VALUE, value, interval, n_real, n_fake, None, "lower", "distance", True, {"blocks": BLOCKS}
    )  # fmt: skip


def _without(sides: Sequence[Encoded | Statistics], block: int, seed: Seed) -> Measured:
    """The distance without one block of the rows."""
    return Measured({VALUE: of_moments(*(_moments(_left(side, block, seed)) for side in sides))}, {})


def _left(side: Encoded | Statistics, block: int, seed: Seed) -> Encoded | Statistics:
    if isinstance(side, Statistics):
        return side
    return side.take(np.flatnonzero(parts(np.zeros(len(side)), seed.child("blocks")) != block))


def _moments(side: Encoded | Statistics) -> Moments:
    return side.moments if isinstance(side, Statistics) else moments(side.features)
