"""Planning 100,000 turns: every key, every check, every forecast."""

from __future__ import annotations

from collections.abc import Iterator

from autophagy import Experiment
from autophagy.experiment.notes import notes

from .timing import seconds

SETTINGS = {
    "base": {"source": "normal", "model": "gaussian", "real": 100, "metrics": ["moments"]},
    "arms": {
        "synthetic": {"loop": "fully-synthetic"},
        "fresh": {"loop": {"use": "fresh-data", "real": 50}},
        "healed": {"loop": [{"use": "fully-synthetic", "generations": 500}, "real-only"]},
        "half": {"loop": {"use": "fixed-share", "synthetic": 0.5}},
    },
}


def lines() -> Iterator[str]:
    experiment = Experiment.of({**SETTINGS, "seeds": list(range(50)), "generations": 499})
    plans = []
    took = seconds(lambda: plans.append(experiment.plan()))
    told = seconds(lambda: notes(plans[0]))
    yield f"{len(plans[0].turns):,} turns, four loops: {took:.1f} s, forecasts and notes {told:.1f} s more (n = 1)"
    long = Experiment.of({**SETTINGS, "arms": {"accumulate": {"loop": "accumulate"}}, "generations": 1000})
    yield f"1,001 turns that each read all before them: {seconds(long.plan):.1f} s (n = 1)"
