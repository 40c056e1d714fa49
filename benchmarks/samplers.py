"""What a sampler alone does to a spread: no clock, but the width of what it draws from an exact Gaussian.

The network is taken to be right: its answer is the true mean of N(0, s²) given a noisy number. What is left of s after
a draw is then the sampler's own doing, and in a loop it comes once a generation.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from autophagy.checkpoints.place import folder_of
from autophagy.models import _latent_schedulers as latent
from autophagy.models._diffusion_noise import Noising, kept_variance

SPREADS = (0.3, 0.5, 1.0)  # of images in −1 … 1; of latents, which are scaled to a deviation of about 1
OURS = (
    ("multistep", 10, "karras"), ("multistep", 10, "exponential"), ("multistep", 20, "karras"),
    ("multistep", 20, "exponential"), ("multistep", 40, "karras"), ("sde-multistep", 20, "karras"),
    ("sde-multistep", 20, "exponential"), ("heun", 10, "karras"), ("ddim", 20, "karras"), ("ancestral", 20, "karras"),
    ("ancestral", 500, "karras"),
)  # fmt: skip
THEIRS: tuple[tuple[latent.Name, int, latent.Spacing, str], ...] = (
    ("dpm-solver++", 10, "checkpoint", "epsilon"), ("dpm-solver++", 10, "exponential", "epsilon"),
    ("dpm-solver++", 20, "checkpoint", "epsilon"), ("dpm-solver++", 20, "karras", "epsilon"),
    ("dpm-solver++", 20, "exponential", "epsilon"), ("dpm-solver++", 50, "checkpoint", "epsilon"),
    ("unipc", 10, "checkpoint", "epsilon"), ("unipc", 20, "checkpoint", "epsilon"),
    ("unipc", 20, "exponential", "epsilon"), ("ddim", 10, "checkpoint", "epsilon"),
    ("ddim", 50, "checkpoint", "epsilon"), ("euler", 20, "checkpoint", "epsilon"),
    ("euler", 20, "exponential", "epsilon"), ("euler-ancestral", 20, "checkpoint", "epsilon"),
    ("ddpm", 50, "checkpoint", "epsilon"), ("pndm", 10, "checkpoint", "epsilon"),
    ("pndm", 20, "checkpoint", "epsilon"), ("pndm", 50, "checkpoint", "epsilon"),
    ("pndm", 10, "checkpoint", "v_prediction"), ("pndm", 20, "checkpoint", "v_prediction"),
    ("pndm", 50, "checkpoint", "v_prediction"),
)  # fmt: skip


def lines() -> Iterator[str]:
    yield f"share of a standard deviation that a draw keeps; deviations {SPREADS}"
    for objective in ("edm", "ddpm"):
        noising = Noising.of(objective, "linear", 500)
        for method, steps, spacing in OURS:
            sigmas = noising.sigmas_of(method, steps, spacing)
            kept = (kept_variance(method, sigmas, spread) ** 0.5 for spread in SPREADS)
            yield f"{objective}, {method} in {steps}, {spacing}: {_told(kept)}"
    place = folder_of("tiny-sd", "tiny-sd", None, ("*",)) / "scheduler" / "scheduler_config.json"
    settings = json.loads(place.read_text())
    for name, steps, spacing, prediction in THEIRS:
        told = {**latent.spaced(settings, spacing), "prediction_type": prediction}
        kept = (latent.kept_variance(name, told, steps, spread) ** 0.5 for spread in SPREADS)
        yield f"latent-diffusion, {prediction}, {name} in {steps}, {spacing}: {_told(kept)}"


def _told(kept: Iterator[float]) -> str:
    return ", ".join(f"{share:.1%}" for share in kept)
