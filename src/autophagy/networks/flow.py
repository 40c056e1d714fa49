"""Normalizing flows out of zuko's transforms: steps as in Glow, on vectors.

A step scales and shifts every axis, turns the axes by a learned rotation, and lets one half of them move the other
(Kingma and Dhariwal 2018: actnorm, invertible 1 × 1 convolution, coupling). The couplings are affine, or monotonic
rational-quadratic splines on [−5, 5] (Durkan et al. 2019). A flow maps standardised data to N(0, I) noise.
"""

from __future__ import annotations

from functools import partial
from typing import Any, Literal

import torch
from torch import Tensor, nn
from zuko.flows import GeneralCouplingTransform
from zuko.lazy import LazyComposedTransform, LazyTransform, UnconditionalTransform
from zuko.transforms import DependentTransform, MonotonicAffineTransform, MonotonicRQSTransform, RotationTransform

Kind = Literal["coupling", "spline"]
LOG_2_PI = 1.8378770664093453
BOUND = 5.0  # standard deviations within which splines bend; beyond them they are straight


class Flow(nn.Module):
    """Steps from data `(n, d)`, of mean 0 and variance 1 on every axis, to noise `(n, d)`; at first only rotations."""

    def __init__(self, dimensions: int, kind: Kind, steps: int, hidden: int, bins: int) -> None:
        super().__init__()
        self.dimensions = dimensions
        layers: list[LazyTransform] = []
        for number in range(steps):
            layers += [_scaled(dimensions), _turned(dimensions), _coupled(dimensions, kind, number, hidden, bins)]
        self.steps = LazyComposedTransform(*layers)

    def log_prob(self, data: Tensor) -> Tensor:
        """Returns `(n,)` log densities of data, in nats."""
        noise, log_slopes = self.steps().call_and_ladj(data)
        density: Tensor = log_slopes - 0.5 * (noise.square() + LOG_2_PI).sum(-1)
        return density

    def forward(self, noise: Tensor) -> Tensor:
        """Returns the data `(n, d)` that noise is mapped from."""
        data: Tensor = self.steps().inv(noise)
        return data


def _scaled(dimensions: int) -> LazyTransform:
    shift, scale = torch.zeros(dimensions), torch.zeros(dimensions)
    return UnconditionalTransform(_affine, shift, scale)


def _affine(shift: Tensor, scale: Tensor) -> Any:
    return DependentTransform(MonotonicAffineTransform(shift, scale), 1)


def _turned(dimensions: int) -> LazyTransform:
    """A random rotation: of the exponential of a skew matrix, which spreads over all rotations at this size."""
    return UnconditionalTransform(RotationTransform, torch.randn(dimensions, dimensions))


def _coupled(dimensions: int, kind: Kind, number: int, hidden: int, bins: int) -> LazyTransform:
    mask = torch.arange(dimensions) % 2 == number % 2
    shapes: dict[Kind, Any] = {"coupling": [(), ()], "spline": [(bins,), (bins,), (bins - 1,)]}
    univariate = {"coupling": MonotonicAffineTransform, "spline": partial(MonotonicRQSTransform, bound=BOUND)}
    layer = GeneralCouplingTransform(
        dimensions, mask=mask, univariate=univariate[kind], shapes=shapes[kind], hidden_features=(hidden, hidden)
    )
    last = layer.hyper[-1]
    nn.init.zeros_(last.weight)  # so that a coupling begins as the identity
    nn.init.zeros_(last.bias)
    return layer
