"""How images are made noisy, how a network's answer becomes a clean image, and how noise is taken away step by step.

All is said in the coordinates x = x₀ + σ ε, where σ runs from 0 to `largest`; DDPM's own are x / √(1 + σ²). So the two
objectives differ in three functions of σ alone (Karras, Aittala, Aila and Laine 2022, table 1), and every way to draw
works with either: a draw needs nothing but a `Denoiser`, the expected clean image.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

Denoiser = Callable[[Tensor, float], Tensor]  # noisy images `(n, c, h, w)` and their σ → the expected clean images
Objective = Literal["ddpm", "edm"]
Schedule = Literal["linear", "cosine"]
Method = Literal["ancestral", "ddim", "heun", "multistep", "sde-multistep"]
Spacing = Literal["karras", "exponential"]

SPREAD = 0.5  # of the data, for EDM's scaling; images lie in −1..1
# of ln σ in EDM's training; with the paper's −1.2 and 1.2 a small network learns late how classes differ
MIDDLE, WIDTH = 0.0, 1.4
SMALLEST, LARGEST = 0.002, 80.0  # σ where EDM's draws end and begin
BEND = 7.0  # of the curve along which σ falls in few-step draws
LAST_BETA = 0.999


@dataclass(frozen=True)
class Noising:
    """An objective with its noise levels.

    Attributes:
        objective: "ddpm" has the network tell the noise, "edm" a mixture of noise and image that keeps its size.
        sigmas: `(levels,)` float32, rising: DDPM's own noise levels; for EDM the two ends between which it draws.
    """

    objective: Objective
    sigmas: Tensor

    @classmethod
    def of(cls, objective: Objective, schedule: Schedule, levels: int) -> Noising:
        return cls(objective, ddpm_sigmas(schedule, levels) if objective == "ddpm" else falling(2).flip(0))

    def sigmas_of(self, method: Method, steps: int, spacing: Spacing = "karras") -> list[float]:
        """The noise levels at which a draw in so many steps looks at the network; they fall."""
        if self.objective == "ddpm" and method == "ddim":
            rows = torch.linspace(len(self.sigmas) - 1, 0, steps + 1)[:-1] if steps < len(self.sigmas) else None
            chosen = self.sigmas.flip(0) if rows is None else self.sigmas[rows.round().long()]
        elif self.objective == "ddpm" and method == "ancestral" and steps == len(self.sigmas):
            chosen = self.sigmas.flip(0)  # DDPM as it was published
        else:
            chosen = falling(steps, float(self.sigmas[0]), float(self.sigmas[-1]), spacing)
        found: list[float] = chosen.tolist()
        return found

    def levels(self, uniform: Tensor) -> Tensor:
        """σ for training `(n,)`, from numbers `(n,)` in [0, 1)."""
        if self.objective == "ddpm":
            row = (uniform * len(self.sigmas)).long().clamp_max(len(self.sigmas) - 1)
            return self.sigmas.to(uniform.device)[row]
        normal = torch.erfinv((2 * uniform - 1).clamp(-1 + 1e-6, 1 - 1e-6)) * math.sqrt(2)
        return torch.exp(MIDDLE + WIDTH * normal)

    def scales(self, sigma: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """(skip, out, into): the clean image is skip · x + out · network(into · x)."""
        if self.objective == "ddpm":
            return torch.ones_like(sigma), -sigma, (1 + sigma**2).rsqrt()
        total = sigma**2 + SPREAD**2
        return SPREAD**2 / total, SPREAD * sigma * total.rsqrt(), total.rsqrt()

    def target(self, clean: Tensor, noisy: Tensor, sigma: Tensor) -> Tensor:
        """What the network should have said; for DDPM it is the noise itself."""
        skip, out, _ = self.scales(sigma)
        return (clean - skip * noisy) / out


def ddpm_sigmas(schedule: Schedule, levels: int) -> Tensor:
    """σ of steps 1 … T, from betas.

    "linear" is Ho et al. 2020's line from 1e-4 to 0.02, made for T = 1000 and scaled by 1000 / T for others, which
    from some hundred steps on ends at nearly the same noise (σ_T is 157 for T = 1000, 163 for 500, 221 for 100), and
    with fewer does not; "cosine" is Nichol and Dhariwal 2021's, equation 17.
    """
    step = torch.arange(levels + 1, dtype=torch.float64)
    if schedule == "linear":
        scale = 1000 / levels
        betas = torch.linspace(1e-4 * scale, 0.02 * scale, levels, dtype=torch.float64)
    else:
        kept = torch.cos((step / levels + 0.008) / 1.008 * math.pi / 2) ** 2
        betas = 1 - kept[1:] / kept[:-1]
    signal = torch.cumprod(1 - betas.clamp(max=LAST_BETA), 0)
    return ((1 - signal) / signal).sqrt().float()


def falling(steps: int, smallest: float = SMALLEST, largest: float = LARGEST, spacing: Spacing = "karras") -> Tensor:
    """σ `(steps,)` from largest to smallest: by Karras et al. 2022, equation 5, or evenly in ln σ."""
    if spacing == "exponential":
        return torch.linspace(math.log(largest), math.log(smallest), steps, dtype=torch.float64).exp().float()
    ends = largest ** (1 / BEND), smallest ** (1 / BEND)
    return torch.linspace(ends[0], ends[1], steps, dtype=torch.float64).pow(BEND).float()


def guided(conditional: Tensor, unconditional: Tensor, bias: float) -> Tensor:
    """(1 + w) · with the class − w · without it, where λ = 1 / (1 + w). Ho and Salimans 2022, equation 6.

    What they write for the noise holds for the clean image just so, since one is a linear function of the other.
    """
    weight = 1 / bias - 1
    return torch.lerp(unconditional, conditional, 1 + weight)


def ancestral(denoise: Denoiser, x: Tensor, sigmas: Iterable[float], noise: Callable[[], Tensor]) -> Tensor:
    """Draws every step from DDPM's posterior, given the expected clean image (Ho et al. 2020, equations 6 and 7).

    `x` has the noise of the first of `sigmas`, which fall; the last step leads to σ = 0.
    """
    for sigma, lower in _steps(sigmas):
        x = _posterior(x, denoise(x, sigma), sigma, lower, noise)
    return x


def sde_multistep(denoise: Denoiser, x: Tensor, sigmas: Iterable[float], noise: Callable[[], Tensor]) -> Tensor:
    """`ancestral` that also knows how the clean image changed since the step before, for one look a step.

    SDE-DPM-Solver++(2M) of Lu et al. 2022; the first step and the last, to σ = 0, are ancestral ones.
    """
    change = _Change()
    for sigma, lower in _steps(sigmas):
        x = _posterior(x, change.ahead(denoise(x, sigma), sigma, lower), sigma, lower, noise)
    return x


def _posterior(x: Tensor, clean: Tensor, sigma: float, lower: float, noise: Callable[[], Tensor]) -> Tensor:
    """A draw at the next noise level, given a clean image."""
    kept = (lower / sigma) ** 2
    middle = torch.lerp(clean, x, kept)
    return middle + lower * math.sqrt(1 - kept) * noise() if lower else middle


def ddim(denoise: Denoiser, x: Tensor, sigmas: Iterable[float]) -> Tensor:
    """Straight to the expected clean image, as far as the noise falls. Song, Meng and Ermon 2021, η = 0."""
    for sigma, lower in _steps(sigmas):
        x = torch.lerp(denoise(x, sigma), x, lower / sigma)
    return x


def heun(denoise: Denoiser, x: Tensor, sigmas: Iterable[float]) -> Tensor:
    """Every step twice, the second time with the mean of both its ends' slopes. Karras et al. 2022, algorithm 1."""
    for sigma, lower in _steps(sigmas):
        slope = (x - denoise(x, sigma)) / sigma
        ahead = x + (lower - sigma) * slope
        if lower:
            slope = (slope + (ahead - denoise(ahead, lower)) / lower) / 2
        x = x + (lower - sigma) * slope
    return x


def multistep(denoise: Denoiser, x: Tensor, sigmas: Iterable[float]) -> Tensor:
    """DDIM that also knows how the clean image changed since the step before: second order for one look a step.

    DPM-Solver++(2M) of Lu et al. 2022, algorithm 2; the last step, to σ = 0, is of first order.
    """
    change = _Change()
    for sigma, lower in _steps(sigmas):
        x = torch.lerp(change.ahead(denoise(x, sigma), sigma, lower), x, lower / sigma)
    return x


class _Change:
    """How the clean image changes from step to step, as a straight line in ln σ."""

    def __init__(self) -> None:
        self._before: tuple[Tensor, float] | None = None  # the last clean image, and how far ln σ fell since

    def ahead(self, clean: Tensor, sigma: float, lower: float) -> Tensor:
        """The clean image of the middle of a step; of its beginning where there is nothing before it or no end."""
        before, fall = self._before, math.log(sigma / lower) if lower else 0.0
        self._before = clean, fall
        if before is None or not lower:
            return clean
        return torch.lerp(before[0], clean, 1 + fall / (2 * before[1]))


def _steps(sigmas: Iterable[float]) -> list[tuple[float, float]]:
    """Each σ with the one after it; 0 after the last."""
    values = [float(sigma) for sigma in sigmas]
    return list(zip(values, [*values[1:], 0.0], strict=True))


SAMPLERS: dict[Method, Callable[[Denoiser, Tensor, Iterable[float]], Tensor]] = {
    "ddim": ddim,
    "heun": heun,
    "multistep": multistep,
}
NOISY_SAMPLERS: dict[Method, Callable[[Denoiser, Tensor, Iterable[float], Callable[[], Tensor]], Tensor]] = {
    "ancestral": ancestral,
    "sde-multistep": sde_multistep,
}


def kept_variance(method: Method, sigmas: list[float], spread: float = SPREAD) -> float:
    """The share of N(0, spread²)'s variance that draws have whose denoiser is right: the sampler's own doing.

    Exact: such a draw is a linear function of its random numbers, of which `x` carries the coefficients.
    """
    each = torch.eye(len(sigmas) + 1, dtype=torch.float64)  # one random number a row: the beginning, then every step's
    numbers = iter(each[1:])

    def denoise(x: Tensor, sigma: float) -> Tensor:
        return x * (spread**2 / (spread**2 + sigma**2))

    begun = each[0] * sigmas[0]
    if method in NOISY_SAMPLERS:
        found = NOISY_SAMPLERS[method](denoise, begun, sigmas, lambda: next(numbers))
    else:
        found = SAMPLERS[method](denoise, begun, sigmas)
    return float(found.square().sum()) / spread**2
