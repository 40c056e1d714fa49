"""Draws of a trained denoiser, with classifier-free guidance."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from autophagy.core.errors import ConfigError, DataError, Diverged
from autophagy.core.parts import Begin, Sampler
from autophagy.core.seeds import Seed
from autophagy.training import autocast, moved
from autophagy.training.machine import Precision

from ._diffusion_noise import NOISY_SAMPLERS, SAMPLERS, Method, Noising, guided
from ._trained import NetworkSampler, bytes_of

LABELS = ("label.weight", "class_embedding.weight")  # tables with a row for each class, ours and diffusers'


class FittedDiffusion(NetworkSampler):
    """Draws images by taking noise away; `facts` say their shape, the classes and how often each was trained on."""

    together = 64

    def __init__(
        self,
        network: nn.Module,
        facts: Mapping[str, Any],
        *,
        noising: Noising,
        method: Method,
        sigmas: list[float],
        precision: Precision,
        threads: int,
    ) -> None:
        super().__init__(network, facts, threads)
        self.noising, self.method, self.precision = noising, method, precision
        self.sigmas = sigmas

    def sample(
        self, n: int, *, condition: np.ndarray | None, bias: float, seed: Seed, begin: Begin | None = None
    ) -> np.ndarray:
        """Returns `(n, c, h, w)` uint8. Raises Diverged for a class that the training set had lost."""
        if bias < 1 and not self.classes:
            raise ConfigError(
                f"λ = {bias:g} asks for guidance towards a class, but this diffusion model was trained without "
                "classes or captions; use bias = 1 or a source that has them."
            )
        labels = self._labels(n, condition, seed.child("class"))
        return self._drawn(n, seed, partial(self._stretch, labels, bias))

    @property
    def classes(self) -> list[int | str]:
        known: list[int | str] = self.facts["classes"]
        return known

    def _labels(self, n: int, condition: np.ndarray | None, seed: Seed) -> np.ndarray:
        """Class numbers `(n,)`: of the classes asked for, or of any as often as it was trained on."""
        if condition is None:
            if not self.classes:
                return np.zeros(n, np.int64)
            ends = np.cumsum(self.facts["counts"])
            return np.asarray(np.searchsorted(ends, seed.numpy().random(n) * ends[-1], side="right"))
        known = {label: number for number, label in enumerate(self.classes)}
        wanted, member = np.unique(condition, return_inverse=True)
        for label in wanted.tolist():
            if label not in known:
                raise Diverged(died_out(label, self.classes))
        return np.array([known[label] for label in wanted.tolist()], np.int64)[member]

    def _stretch(self, labels: np.ndarray, bias: float, rows: slice, seed: Seed) -> Tensor:
        """Some rows, worked out among `together` of them whatever their number, so that their last bits don't move."""
        some = labels[rows]
        label = moved(np.pad(some, (0, self.together - len(some))), self.device)
        rng, shape = seed.numpy(), (self.together, *self.facts["shape"])

        def noise() -> Tensor:
            return moved(rng.standard_normal(shape, np.float32), self.device)

        def denoise(x: Tensor, sigma: float) -> Tensor:
            return self._clean(x, sigma, label, bias)

        x = noise() * self.sigmas[0]
        if self.method in NOISY_SAMPLERS:
            x = NOISY_SAMPLERS[self.method](denoise, x, self.sigmas, noise)
        else:
            x = SAMPLERS[self.method](denoise, x, self.sigmas)
        return bytes_of(x[: len(some)])

    def _clean(self, x: Tensor, sigma: float, label: Tensor, bias: float) -> Tensor:
        """The expected clean images; clipped, since images lie in −1 … 1 and guidance leads out of it."""
        if bias == 1:
            return self._answer(x, sigma, label).clamp(-1, 1)
        absent = torch.full_like(label, len(self.classes))
        both = self._answer(torch.cat([x, x]), sigma, torch.cat([label, absent]))
        told, untold = both.chunk(2)
        return guided(told, untold, bias).clamp(-1, 1)

    def _answer(self, x: Tensor, sigma: float, label: Tensor) -> Tensor:
        noise_level = torch.full((len(x),), sigma, device=x.device)
        skip, out, into = self.noising.scales(noise_level[:, None, None, None])
        with autocast(self.precision, x.device):
            answer: Tensor = self.network(x * into, noise_level.log() / 4, label)
        return skip * x + out * answer.float()


def handed_on(start: Sampler, network: nn.Module, classes: list[int | str]) -> None:
    """Gives a fresh network the weights of an earlier sampler; what it knew of a class stays with that class."""
    state = network.state_dict()
    earlier, known = (start.network.state_dict(), start.classes) if isinstance(start, FittedDiffusion) else ({}, [])
    given = {name: weights for name, weights in earlier.items() if not name.endswith(LABELS)}
    wanted = [name for name in state if not name.endswith(LABELS)]
    is_alike = sorted(given) == sorted(wanted) and bool(known) == bool(classes)
    if not is_alike or any(state[name].shape != given[name].shape for name in wanted):
        raise DataError(
            "model 'diffusion' can only start from one with the same backbone, width, depth and patch on images of the "
            'same shape, both with classes or both without; or say start = "scratch".'
        )
    place = {label: row for row, label in enumerate([*known, None])}
    kept = [(number, place[label]) for number, label in enumerate([*classes, None]) if label in place]
    for name in state.keys() - given.keys():
        for number, row in kept:
            state[name][number] = earlier[name][row]
    network.load_state_dict({**state, **given})


def died_out(label: int | str, classes: Iterable[int | str], limit: int = 12) -> str:
    names = list(map(str, classes))
    known = ", ".join(names[:limit]) + (" …" if len(names) > limit else "")
    return f"the class {label!r} has died out: it is to be drawn, but the training set had only {known or 'none'}."
