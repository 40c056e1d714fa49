"""λ is the knob of every family: less of it means more precision and less recall, by as much as theory says."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from autophagy.core.parts import Sampler
from autophagy.core.seeds import Seed
from autophagy.kernels.balls import balls
from autophagy.kernels.neighbours import radii
from autophagy.models._flow import Chart, FittedFlow
from autophagy.models._stylegan2 import StyleSampler, shape_of
from autophagy.models._vae import FittedVae
from autophagy.models._wgan_gp import WassersteinSampler
from autophagy.networks.flow import Flow
from autophagy.networks.stylegan2 import Generator
from autophagy.networks.vae import Autoencoder

BIASES = (1.0, 0.7, 0.4)
N, D, K = 4000, 8, 2  # samples (their own recall varies by .013), numbers of each, the neighbour that a ball reaches to
STYLES = {
    "colours": 1, "size": [16, 16], "channel_base": 64, "channel_max": 8, "latent": D, "mapping_layers": 1,
    "precision": "float32",
}  # fmt: skip


class Codes(Autoencoder):
    """Pixels are its codes."""

    latent = D

    def decode(self, codes: Tensor) -> Tensor:
        return torch.logit(0.5 + codes.clamp(-4, 4) / 9).reshape(-1, 2, 2, 2)


class Styles(Generator):
    """w is z, and images are stripes of w."""

    def map(self, z: Tensor) -> Tensor:
        return z

    def draw(self, styles: Tensor, noise: Tensor) -> Tensor:
        return styles[:, 0].repeat_interleave(256 // D, 1).reshape(-1, 1, 16, 16) / 4.5


def flow() -> FittedFlow:
    chart = Chart(np.zeros(D), np.zeros((0, D)), np.ones(D), (D,))
    return FittedFlow(Flow(D, "coupling", 2, 8, 8), chart, {})  # at first only rotations


def wgan() -> WassersteinSampler:
    network = nn.Linear(D, D)
    with torch.no_grad():
        network.weight.copy_(torch.eye(D))
        network.bias.zero_()
    facts = {"latent": D, "precision": "float32", "middle": [0.0] * D, "spread": [1.0] * D}
    return WassersteinSampler(network, facts)


def vae() -> FittedVae:
    network = Codes()
    network.nothing = nn.Parameter(torch.zeros(1))  # which says on which device it is
    return FittedVae(network, {})


def stylegan2() -> StyleSampler:
    return StyleSampler(Styles(shape_of(STYLES)), STYLES)


def measured(own: np.ndarray, real: np.ndarray) -> tuple[float, float]:
    """Precision and recall of rows without ties."""
    looked = balls(own, real, radii(own, K), radii(real, K))
    return float(looked.precise.mean()), float(looked.recalled.mean())


def drawn(sampler: Sampler, bias: float, seed: str = "own") -> np.ndarray:
    found = sampler.sample(N, condition=None, bias=bias, seed=Seed((seed,)))
    rows = found.reshape(N, -1).astype(float)
    if found.dtype == np.uint8:
        rows += np.random.default_rng(1).uniform(-0.5, 0.5, rows.shape)
    return rows


@pytest.mark.parametrize(("make", "power"), [(flow, 1), (wgan, 1), (vae, 1), (stylegan2, 2)])
def test_a_network_that_is_a_gaussian_is_narrowed_to_lambda(make: Callable[[], Sampler], power: int) -> None:
    """It draws N(0, λΣ), by truncation N(0, λ²Σ): as precise, and of as little recall, as numpy's own such draws."""
    rng = np.random.default_rng(0)
    wide = drawn(make(), 1.0)
    scale, real = wide.std(), rng.normal(size=(N, D))
    precision, recall = [], []
    for bias in BIASES:
        rows = (drawn(make(), bias) - wide.mean(0)) / scale
        share = bias**power
        assert rows.var() == pytest.approx(share, rel=0.03)
        own = measured(rows[:, :: rows.shape[1] // D], real)
        assert own == pytest.approx(measured(share**0.5 * rng.normal(size=(N, D)), real), abs=0.05)
        precision.append(own[0])
        recall.append(own[1])
    assert (np.diff(precision) > 0).all()
    assert precision[-1] - precision[0] > 0.05
    assert (np.diff(recall) < -0.05).all()
