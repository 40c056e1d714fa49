"""No test fails because a machine is busy, or because others ran before it."""

from __future__ import annotations

import os
import sys

import pytest
from hypothesis import HealthCheck, settings

for library in ("OMP", "OPENBLAS", "MKL"):  # two workers on two cores: more threads wait for one another, at work
    os.environ.setdefault(f"{library}_NUM_THREADS", "1")

settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")


@pytest.fixture(autouse=True)
def _first_weights_are_the_same_in_every_order() -> None:
    """PyTorch's own generator starts anew, so that no test's networks depend on the tests before it."""
    if torch := sys.modules.get("torch"):
        torch.manual_seed(0)
