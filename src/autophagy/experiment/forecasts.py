"""Forecasts: what theory expects of every arm, before anything runs. (Filled in below.)"""

from __future__ import annotations

from autophagy.archive.run_folder import Forecast

from .plan import Plan


def forecasts(plan: Plan) -> dict[str, Forecast]:
    return {name: Forecast() for name in plan.experiment.arms}
