"""A fit of the U-Net: draw latents from their posteriors, add noise, ask the network, step.

The loss is that of diffusers' `train_text_to_image.py`; the frozen networks are not asked in any step.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from autophagy.core.seeds import Seed
from autophagy.training import Batches, Player, Task, autocast, moved
from autophagy.training.machine import Precision


@dataclass(frozen=True)
class Chance:
    """All that is random in one step, from that step's seed alone.

    Attributes:
        is_mirrored: `(b,)` whether a row's mirror image is taken.
        posterior: `(b, c, h, w)` float32, standard normal: where in its posterior a latent lies.
        noise: `(b, c, h, w)` float32, standard normal.
        level: `(b,)` int64, noise levels.
    """

    is_mirrored: np.ndarray
    posterior: np.ndarray
    noise: np.ndarray
    level: np.ndarray

    @classmethod
    def of(cls, seed: Seed, shape: tuple[int, ...], levels: int) -> Chance:
        """Of a batch of latents of that shape, `(b, c, h, w)`."""
        rng = seed.numpy()
        return cls(
            is_mirrored=rng.random(shape[0]) < 0.5,
            posterior=rng.standard_normal(shape, np.float32),
            noise=rng.standard_normal(shape, np.float32),
            level=rng.integers(0, levels, shape[0]),
        )


@dataclass
class Retraining(Task):
    """Moves the U-Net's weights, or its adapters'.

    Attributes:
        player: what is trained, its optimiser and its average.
        unet: what is asked; holds what is trained.
        posteriors: `(n, 1 or 2, 2, c, h, w)` float32, see `_latent_cache`.
        states: `(k, tokens, width)` float32, of captions.
        caption: `(n,)` the number of each row's caption.
        batches: of rows.
        forward: the noise levels, diffusers' DDPMScheduler.
        scaling: of latents, after they are drawn.
        snr_gamma: of Min-SNR weighting (Hang et al. 2023); None for none.
        precision: of products.
    """

    player: Player
    unet: Any
    posteriors: np.ndarray
    states: np.ndarray
    caption: np.ndarray
    batches: Batches
    forward: Any
    scaling: float
    snr_gamma: float | None
    precision: Precision

    def state(self) -> Mapping[str, Player]:
        return {"unet": self.player}

    def step(self, number: int, seed: Seed) -> Mapping[str, Tensor]:
        device, rows = self.unet.device, self.batches.rows(number)
        chance = Chance.of(seed, (len(rows), *self.posteriors.shape[3:]), self.forward.config.num_train_timesteps)
        noise, level = moved(chance.noise, device), moved(chance.level, device)
        clean = self._latents(rows, chance, device)
        noisy, target = self.forward.add_noise(clean, noise, level), self._target(clean, noise, level)
        states, weight = moved(self.states[self.caption[rows]], device), self._weight(level)

        def loss(some: slice) -> Tensor:
            with autocast(self.precision, device):
                answer = self.unet(noisy[some], level[some], states[some], return_dict=False)[0]
            error: Tensor = (answer.float() - target[some]).square().mean((1, 2, 3))  # (b,)
            return (error if weight is None else error * weight[some]).mean()

        return {"loss": self.player.descend(len(rows), loss)}

    def _latents(self, rows: np.ndarray, chance: Chance, device: torch.device) -> Tensor:
        """`(b, c, h, w)`, drawn from the posteriors of these rows and scaled."""
        flip = chance.is_mirrored.astype(np.int64) if self.posteriors.shape[1] == 2 else 0
        mean, std = moved(self.posteriors[rows, flip], device).unbind(1)
        drawn: Tensor = (mean + std * moved(chance.posterior, device)) * self.scaling
        return drawn

    def _target(self, clean: Tensor, noise: Tensor, level: Tensor) -> Tensor:
        prediction = self.forward.config.prediction_type
        if prediction == "sample":
            return clean
        found: Tensor = self.forward.get_velocity(clean, noise, level) if prediction == "v_prediction" else noise
        return found

    def _weight(self, level: Tensor) -> Tensor | None:
        """`(b,)`: min(SNR, γ) as it reads for what is predicted (Hang et al. 2023, section 3.4)."""
        if self.snr_gamma is None:
            return None
        kept: Tensor = self.forward.alphas_cumprod.to(level.device)[level]
        snr = kept / (1 - kept)
        weight = snr.clamp(max=self.snr_gamma)
        prediction = self.forward.config.prediction_type
        return weight if prediction == "sample" else weight / (snr + (prediction == "v_prediction"))
