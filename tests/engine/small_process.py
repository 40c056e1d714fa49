"""A program that runs one small experiment in a folder, to be killed at any time: python small_process.py STORE ON."""

from __future__ import annotations

import sys
from pathlib import Path

from autophagy.experiment.read import experiment
from autophagy.experiment.run import run

SETTINGS = {
    "seeds": [0, 1],
    "generations": 12,
    "keep_models": "last",
    "keep_samples": "last",
    "base": {
        "source": {"use": "normal", "dim": 2},
        "model": "gaussian",
        "real": 50,
        "metrics": ["moments", "wasserstein"],
        "gallery": 3,
    },
    "arms": {"replace": {"loop": "fully-synthetic"}, "augment": {"loop": "synthetic-augmentation"}},
}

if __name__ == "__main__":
    results = run(experiment(SETTINGS, name="small"), Path(sys.argv[1]), on=sys.argv[2])
    sys.exit(len(results.failures))
