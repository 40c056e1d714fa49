"""Models that may start programs while they are on trial."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path

from autophagy.core.abilities import StartsPrograms
from autophagy.core.parts import Model, Part, Sampler
from autophagy.core.pool import Pool
from autophagy.core.seeds import Seed
from autophagy.core.workspace import Machine, Workspace

ALLOWED = Machine(allow_commands=True)


def allowed(part: Part) -> Part:
    """The same part, or a model around it that lets it start its programs."""
    return Allowed(part) if isinstance(part, Model) and isinstance(part, StartsPrograms) else part


@dataclass(frozen=True)
class Allowed(Model, StartsPrograms):
    """Hands every fit and every sampler of another model the permission that workspaces of a trial do not have."""

    model: Model

    def __post_init__(self) -> None:
        for ability in ("name", "takes", "conditional", "begins", "continues", "biased", "captioned", "trial"):
            object.__setattr__(self, ability, getattr(self.model, ability))

    def commands(self) -> tuple[str, ...]:
        return self.model.commands() if isinstance(self.model, StartsPrograms) else ()

    def fit(self, train: Pool, *, start: Sampler | None, seed: Seed, workspace: Workspace) -> Sampler:
        return self.model.fit(train, start=start, seed=seed, workspace=dataclasses.replace(workspace, machine=ALLOWED))

    def load(self, folder: Path) -> Sampler:
        return self.model.load(folder).on(ALLOWED)
