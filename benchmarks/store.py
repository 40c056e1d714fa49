"""Reading a long run back: 2,000 generations, from the artefacts and from the run's folder."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator

from autophagy import Experiment

from .timing import seconds


def lines() -> Iterator[str]:
    with tempfile.TemporaryDirectory() as folder:
        experiment = Experiment.of(
            {
                "generations": 1999,
                "base": {"source": "normal", "model": "gaussian", "real": 20, "metrics": ["moments"], "gallery": 0},
                "arms": {"synthetic": {"loop": "fully-synthetic"}},
            }
        )
        experiment.run(folder)
        took = seconds(lambda: experiment.run(folder))
        yield f"2,000 generations rebuilt from the artefacts, all hashes checked: {took:.2f} s (n = 1)"
        command = [sys.executable, "-m", "autophagy", "status", "--store", folder]
        took = seconds(lambda: subprocess.run(command, check=False, capture_output=True))
        yield f"autophagy status of them, a whole process: {took:.2f} s (n = 1)"
