"""A fit of latent diffusion spread over several devices: what its processes are handed, and what they hand back."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np

from autophagy.core.parts import Sampler
from autophagy.core.seeds import Seed
from autophagy.core.workspace import Workspace
from autophagy.training import Team, threads
from autophagy.training.ranks import on_ranks

if TYPE_CHECKING:
    from ._latent_sampler import LatentSampler
    from .latent_diffusion import LatentDiffusion

IMAGES, START, RESULT, MEETING = "images.npy", "start", "result", "meeting"


def retrained(
    model: LatentDiffusion,
    samples: np.ndarray,
    captions: np.ndarray,
    start: LatentSampler | None,
    seed: Seed,
    workspace: Workspace,
) -> Sampler:
    """Learns as `model.retrained` does, in processes of the fit's own; see `on_ranks` for what it raises."""
    with TemporaryDirectory(prefix=".ranks-", dir=workspace.folder()) as name:  # another run may be at the same fit
        folder = Path(name)
        np.save(folder / IMAGES, samples)
        if start is not None:
            (folder / START).mkdir()
            start.save(folder / START)
        on_ranks(_Share(model, folder, captions, seed), workspace, folder / MEETING)
        return model.load(folder / RESULT)


@dataclass(frozen=True)
class _Share:
    """The work of one process."""

    model: LatentDiffusion
    folder: Path
    captions: np.ndarray
    seed: Seed

    def __call__(self, team: Team, workspace: Workspace) -> None:
        images = np.load(self.folder / IMAGES, mmap_mode="r", allow_pickle=False)
        start = self.model.own(self.model.load(self.folder / START)) if (self.folder / START).exists() else None
        with threads(self.model.threads):
            sampler = self.model.retrained(images, self.captions, start, self.seed, workspace, team)
        if team.rank == 0:
            (self.folder / RESULT).mkdir(parents=True)
            sampler.save(self.folder / RESULT)
