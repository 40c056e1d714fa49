"""What a durable store adds to the demo's own work: the same turns in memory and on disk."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

from autophagy import Experiment

from .timing import paired

RUNS = 5


def lines() -> Iterator[str]:
    experiment = Experiment.read("demo", changes=["seeds=[0]", "generations=2"])
    turns = len(experiment.plan().turns)
    with tempfile.TemporaryDirectory() as folder:
        stores = iter(Path(folder) / str(i) for i in range(RUNS + 1))
        durable, memory, _ = paired(lambda: experiment.run(next(stores)), experiment.run, runs=RUNS)
    yield f"{turns} turns of the demo, serial: {durable:.2f} s durable, {memory:.2f} s in memory (n = {RUNS})"
    share = (durable - memory) / durable
    yield f"  so the store costs {(durable - memory) / turns * 1e3:.1f} ms a turn, {share:.1%} of the run"
