"""What parts return is looked at before anything is made of it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from autophagy.archive.store import MemoryStore
from autophagy.experiment.config import Arm, Experiment, Probe
from autophagy.experiment.run import run
from autophagy.experiment.turns import BEGUN
from autophagy.loops.fully_synthetic import FullySynthetic
from autophagy.loops.synthetic_augmentation import SyntheticAugmentation
from autophagy.models.eigen_mixture import EigenMixture, FittedEigenMixture
from autophagy.sources.digits import Digits
from autophagy.testing.fakes import Chain, Logged, Mean, Numbered


@pytest.mark.parametrize("of", [np.float64, np.int64])
def test_draws_that_are_no_bytes_are_not_mixed_with_images(of: type, monkeypatch: pytest.MonkeyPatch) -> None:
    """Floats from 0 to 1 among bytes up to 255 would be black images, and no error."""
    drawn = FittedEigenMixture.sample
    monkeypatch.setattr(FittedEigenMixture, "sample", lambda *a, **settings: drawn(*a, **settings).astype(of))
    probes = {"ones": Probe(conditions=(1,), each=2)}
    digits = Arm(Digits(), EigenMixture(), SyntheticAugmentation(), real=300, samples=60, gallery=10, probes=probes)
    store = MemoryStore()
    results = run(Experiment({"a": digits}, generations=1), store, on="serial")
    turn = results.plan.turns[0]
    assert not any(store.holds(key) for key in (turn.draw, *(key for name, key in turn.probes if name != BEGUN)))
    assert [failure.generation for failure in results.failures] == [0]
    assert f"model 'eigen-mixture' drew samples of type {of.__name__}, but the real ones are uint8" in str(
        results.failures[0]
    )


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (3.0, "metric 'mean' returned 3.0; it must return numbers by name"),
        (None, "metric 'mean' returned None; it must return numbers by name"),
        ({"gap": "3"}, "metric 'mean' returned '3' as 'gap', which is no number"),
        ({"gap": [1, 2]}, "metric 'mean' returned [1, 2] as 'gap', which is no number"),
        ({"gap": torch.zeros(2)}, "as 'gap', which is no number"),
        ({3: 1.0}, "metric 'mean' calls a value 3"),
    ],
)
def test_what_a_metric_returns_must_be_numbers_by_name(values: Any, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Mean, "measure", lambda *_: values)
    results = run(
        Experiment({"a": Arm(Numbered(), Logged(), FullySynthetic(), real=4, metrics=(Mean(),))}, generations=0),
        on="serial",
    )
    assert results.failures
    assert all(said in failure.error for failure in results.failures)


@pytest.mark.parametrize(
    "error", [MemoryError(), RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried")]
)
def test_a_full_memory_outside_of_fits_is_a_sentence(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any, **settings: Any) -> None:
        raise error

    monkeypatch.setattr(Chain, "sample", full)
    results = run(Experiment({"a": Arm(Numbered(), Logged(), FullySynthetic(), real=4)}, generations=0), on="serial")
    (failure,) = results.failures
    assert failure.error.startswith("memory ran out; use a smaller model, fewer processes or another machine (")
    assert type(error).__name__ in failure.error


def test_numbers_of_other_packages_are_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        Mean, "measure", lambda *_: {"a": torch.tensor(2.0), "b": np.float32(2), "c": np.array(2), "d": 2}
    )
    results = run(
        Experiment({"a": Arm(Numbered(), Logged(), FullySynthetic(), real=4, metrics=(Mean(),))}, generations=0),
        on="serial",
    )
    assert not results.failures
    assert set(results.records[0].scores.values()) == {2.0}
