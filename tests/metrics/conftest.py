"""A finished generation out of bare arrays."""

import numpy as np
import pytest

from autophagy.core.catalog import build
from autophagy.core.features import Features
from autophagy.core.generation import Generation
from autophagy.core.pool import REAL_DATA, Origin, Pool


def pool(samples, name="real"):
    return Pool.born(np.asarray(samples), Origin(name, REAL_DATA))


def finished(samples, reference, *, real=None, control=None, source=None, sampler=None, features=None):
    reference = pool(reference)
    return Generation(
        1,
        pool(samples, "drawn"),
        real=reference if real is None else pool(real),
        reference=reference,
        control=reference if control is None else pool(control),
        source=source,
        sampler=sampler,
        features=features or Features(),
    )


@pytest.fixture(scope="session")
def finish():
    """finish(samples, reference, …) is a Generation."""
    return finished


@pytest.fixture(scope="session")
def measure():
    """measure("name", samples, reference, settings, …) is what the metric says of them."""

    def measured(name, samples, reference, settings=None, **others):
        metric = build("metric", {"use": name, **(settings or {})})
        return metric.measure(finished(samples, reference, **others))

    return measured
