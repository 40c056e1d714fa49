"""λ as N(0, λI) in latent space, where the answer is known: a linear decoder and a flow that is a Gaussian."""

import numpy as np
import pytest
import torch

from autophagy.core.catalog import build
from autophagy.core.features import Features
from autophagy.core.generation import Generation
from autophagy.core.parts import Sampler
from autophagy.core.pool import REAL_DATA, Origin, Pool
from autophagy.core.seeds import Seed
from autophagy.models import _flow, _vae

D = 8  # in the plane balls around points reach as far into the tails as samples do, and precision is 1 for any λ
CENTRE, SCALE = np.linspace(-300, 300, D), np.logspace(-2, 2, D)
SLOPE = 0.2  # of the linear decoder's logits, so 255 · SLOPE / 4 grey levels for each unit of z
LATENT = 4
PIXELS = (1, 2, 2)


def gaussian_flow() -> _flow.FittedFlow:
    """A flow as it begins: rotations, so that it draws N(CENTRE, λ diag(SCALE²))."""
    facts = {"kind": "coupling", "shape": [D], "dimensions": D, "couplings": 3, "hidden": 4, "bins": 4}
    chart = _flow.Chart(CENTRE, np.zeros((0, D)), SCALE, (D,))
    return _flow.FittedFlow(_flow.network_of(facts, Seed(("flow",))), chart, facts)


def linear_vae() -> _vae.FittedVae:
    """A decoder whose pixel i has the mean σ(SLOPE · zᵢ): nearly normal, with variance ∝ λ."""
    facts = {"network": "mlp", "shape": list(PIXELS), "latent": LATENT, "channels": 1, "hidden": 2 * LATENT}
    network, eye = _vae.network_of(facts, Seed(("linear",))), torch.eye(LATENT)
    state = network.state_dict()
    state["decoder.0.weight"] = torch.cat([eye, -eye])  # relu(z) − relu(−z) = z
    state["decoder.2.weight"] = SLOPE * torch.cat([eye, -eye], 1)
    state["decoder.0.bias"], state["decoder.2.bias"] = torch.zeros(2 * LATENT), torch.zeros(LATENT)
    network.load_state_dict(state)
    return _vae.FittedVae(network, facts)


def drawn(sampler: Sampler, n: int, bias: float, name: str = "own") -> np.ndarray:
    rows = sampler.sample(n, condition=None, bias=bias, seed=Seed(("draw", name)))
    return rows.reshape(n, -1).astype(float)


@pytest.mark.parametrize("bias", [1.0, 0.75, 0.1])
class TestVariance:
    def test_a_gaussian_flows_variance_is_lambda_times_its_own(self, bias) -> None:
        x = (drawn(gaussian_flow(), 20_000, bias) - CENTRE) / SCALE
        assert x.mean(0) == pytest.approx(np.zeros(D), abs=4.5 * np.sqrt(bias / 20_000))
        assert np.cov(x.T) == pytest.approx(bias * np.eye(D), abs=bias * 5 / np.sqrt(10_000))

    def test_a_linear_decoders_variance_goes_with_lambda(self, bias) -> None:
        x = drawn(linear_vae(), 20_000, bias)
        expected = bias * (255 * SLOPE / 4) ** 2
        assert x.mean(0) == pytest.approx(127.5 * np.ones(LATENT), abs=1)
        assert x.var(0) == pytest.approx(expected * np.ones(LATENT), rel=0.06)  # 1 % of noise; σ bends by 3 % at λ = 1


@pytest.mark.parametrize(("make", "unit"), [(gaussian_flow, SCALE), (linear_vae, 1)])
def test_a_smaller_lambda_gives_precision_and_takes_recall(make, unit) -> None:
    sampler = make()
    real = _pool(drawn(sampler, 800, 1.0, "real") / unit)
    metric = build("metric", {"use": "precision-recall", "encoder": "pixels"})
    found = []
    for bias in (1.0, 0.5, 0.1):
        own = _pool(drawn(sampler, 800, bias) / unit)
        generation = Generation(1, own, real, real, real, build("source", "normal"), features=Features())
        found.append(metric.measure(generation))
    precision, recall = ([values[name] for values in found] for name in ("precision", "recall"))
    assert precision[0] < precision[1] < precision[2]
    assert recall[0] > recall[1] > recall[2]


def _pool(samples: np.ndarray) -> Pool:
    return Pool.born(samples, Origin("drawn", REAL_DATA))
