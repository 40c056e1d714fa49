"""A last step can go too far and its loss, which came before it, say nothing: then the draws tell."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from autophagy.core.catalog import build
from autophagy.core.errors import Diverged

SMALL: dict[str, dict[str, Any]] = {
    "vae": {"channels": 4, "latent": 2},
    "wgan-gp": {"width": 4, "latent": 8, "turns": 1},
    "stylegan2": {"channel_base": 128, "channel_max": 8, "latent": 8, "mapping_layers": 2},
    "diffusion": {"width": 16, "depth": 2, "sampling_steps": 2},
}
IMAGES = np.random.default_rng(0).integers(0, 256, (16, 1, 16, 16)).astype(np.uint8)


@pytest.mark.parametrize("by", [1e30, float("nan")])
@pytest.mark.parametrize(
    ("family", "samples"),
    [*((name, IMAGES) for name in SMALL), ("wgan-gp", IMAGES[:, 0, :2, 0].astype(float))],
    ids=[*SMALL, "wgan-gp of vectors"],
)
def test_draws_that_are_no_numbers_end_the_lineage(family: str, samples: np.ndarray, by: float, fit, draw) -> None:
    sampler = fit(build("model", {"use": family, "steps": 1, "batch": 16, **SMALL[family]}), samples)
    assert draw(sampler, 4).shape == (4, *samples.shape[1:])
    with torch.no_grad():
        for weights in sampler.network.parameters():
            weights.mul_(by).clamp_(-3e38, 3e38)
    with pytest.raises(Diverged, match="that it draws are not finite"):
        draw(sampler, 4)
