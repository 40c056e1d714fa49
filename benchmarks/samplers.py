"""What a sampler alone does to a spread: no clock, but the width of what it draws from an exact Gaussian.

The network is taken to be right: its answer is the true mean of N(0, s²) given a noisy number. What is left of s after
a draw is then the sampler's own doing, and in a loop it comes once a generation.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

import torch

from autophagy.checkpoints.place import folder_of
from autophagy.models._diffusion_noise import Noising, kept_variance
from autophagy.models._latent_schedulers import made

SPREADS = (0.3, 0.5, 1.0)  # of images in −1 … 1; of latents, which are scaled to a deviation of about 1
N = 200_000
OURS = (
    ("multistep", 10, "karras"), ("multistep", 10, "exponential"), ("multistep", 20, "karras"),
    ("multistep", 20, "exponential"), ("multistep", 40, "karras"), ("sde-multistep", 20, "karras"),
    ("sde-multistep", 20, "exponential"), ("heun", 10, "karras"), ("ddim", 20, "karras"), ("ancestral", 20, "karras"),
    ("ancestral", 500, "karras"),
)  # fmt: skip
THEIRS = (
    ("dpm-solver++", 10), ("dpm-solver++", 20), ("dpm-solver++", 50), ("unipc", 10), ("ddim", 10), ("ddim", 50),
    ("euler", 20), ("euler-ancestral", 20), ("ddpm", 50), ("pndm", 10), ("pndm", 20), ("pndm", 50),
)  # fmt: skip


def lines() -> Iterator[str]:
    yield f"share of a standard deviation that a draw keeps: ours exact, diffusers' of {N:,}; deviations {SPREADS}"
    for objective in ("edm", "ddpm"):
        noising = Noising.of(objective, "linear", 500)
        for method, steps, spacing in OURS:
            sigmas = noising.sigmas_of(method, steps, spacing)
            kept = (kept_variance(method, sigmas, spread) ** 0.5 for spread in SPREADS)
            yield f"{objective}, {method} in {steps}, {spacing}: {_told(kept)}"
    place = folder_of("tiny-sd", "tiny-sd", None, ("*",)) / "scheduler" / "scheduler_config.json"
    settings = {**json.loads(place.read_text()), "prediction_type": "epsilon"}
    for name, steps in THEIRS:
        yield f"diffusers, {name} in {steps}: {_told(_theirs(settings, name, steps, s) for s in SPREADS)}"


def _told(kept: Iterator[float]) -> str:
    return ", ".join(f"{share:.1%}" for share in kept)


def _theirs(settings: dict[str, object], name: str, steps: int, spread: float) -> float:
    random = torch.Generator().manual_seed(0)
    scheduler = made(name, settings)
    scheduler.set_timesteps(steps)
    shares = scheduler.alphas_cumprod.double()
    x = torch.randn(N // 64, 1, 8, 8, dtype=torch.float64, generator=random) * scheduler.init_noise_sigma
    for step in scheduler.timesteps:
        share = shares[int(step)]
        seen = scheduler.scale_model_input(x, step)
        wrong = seen * (1 - share).sqrt() / (share * spread**2 + 1 - share)  # the noise in it, on average
        told = {"generator": random} if "ancestral" in name or name == "ddpm" else {}
        x = scheduler.step(wrong, step, x, **told).prev_sample.double()
    return float(x.std()) / spread
