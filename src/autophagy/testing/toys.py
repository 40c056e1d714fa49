"""Small real data in every space, for trying parts on."""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, get_args

import numpy as np

from autophagy.core.declared import Read
from autophagy.core.generation import Generation
from autophagy.core.known import KnownModes, KnownMoments
from autophagy.core.parts import (
    ANY,
    Begin,
    Collection,
    Encoder,
    Encodes,
    GaussianSampler,
    LanguageModel,
    Model,
    Part,
    Sampler,
    Space,
    Split,
)
from autophagy.core.pool import REAL_DATA, Origin, Pool
from autophagy.core.seeds import Seed
from autophagy.core.workspace import Workspace

CLASSES = 4
DIM = 64
WORDS = ("the", "sea", "and", "a", "king", "of", "night", "who", "went", "to", "see", "his", "ship", "under", "stars")
LAW = (1 / np.arange(1, len(WORDS) + 1)) / (1 / np.arange(1, len(WORDS) + 1)).sum()


class Toy(Collection):
    """256 train and 96 held-out rows of a space, in four classes; not registered, not for experiments."""

    name = "toy"

    def __init__(self, space: Space) -> None:
        object.__setattr__(self, "space", space)

    def size(self, split: Split) -> int:
        return 256 if split == "train" else 96

    def conditions(self, split: Split) -> np.ndarray | None:
        return np.arange(self.size(split)) % CLASSES if self.space == "images" else None

    def load(self, split: Split) -> np.ndarray:
        return samples(self.space, self.size(split), Seed(("toy", split)))


class KnownToy(Toy, KnownMoments, KnownModes):
    """The vectors, of which the truth is known."""

    def moments(self) -> tuple[np.ndarray, np.ndarray]:
        modes = self.modes()
        return modes.mean(0), np.eye(DIM) + np.cov(modes.T, bias=True)

    def modes(self) -> np.ndarray:
        return 4 * np.eye(CLASSES, DIM)

    def spread(self) -> float:
        return 1.0


def samples(space: Space, n: int, seed: Seed, shape: tuple[int, int, int] = (1, 28, 28)) -> np.ndarray:
    """`(n, 64)` vectors around four centres, `(n, *shape)` images with a bar a class, `(n,)` symbols or texts."""
    rng, label = seed.numpy(), np.arange(n) % CLASSES
    if space == "text":
        return np.array([" ".join(rng.choice(WORDS, 12, p=LAW)) + "." for _ in range(n)])
    if space == "vectors":
        return rng.standard_normal((n, DIM)) + 4 * np.eye(CLASSES, DIM)[label]
    if space == "symbols":
        return rng.integers(0, 6, n)
    images = rng.integers(0, 80, (n, *shape))
    for row, at in enumerate(label):
        images[row, :, 6 * at + 2 : 6 * at + 7] += 150
    return images.astype(np.uint8)


def pool(space: Space, n: int = 128, *, generation: int = REAL_DATA, model: Model | None = None) -> Pool:
    """A pool of toy samples, with classes for images and prompts for texts; or as a model asks for."""
    made = samples(space, n, Seed(("toy pool", generation)), model.trial_shape if model else (1, 28, 28))
    made.flags.writeable = False
    condition = np.arange(n) % CLASSES if space == "images" else None
    if space == "text":
        condition = np.array([" ".join(text.split()[:4]) for text in made.tolist()])
    elif condition is not None and model is not None and model.captioned:
        condition = np.array([f"a bar at {at}" for at in range(CLASSES)])[condition]
    return Pool.born(made, Origin(f"toy {generation}", generation), condition=condition)


class Still(GaussianSampler):
    """A sampler that only knows its moments."""

    def sample(
        self, n: int, *, condition: np.ndarray | None, bias: float, seed: Seed, begin: Begin | None = None
    ) -> np.ndarray:
        return samples("vectors", n, seed)

    def moments(self) -> tuple[np.ndarray, np.ndarray]:
        return np.zeros(DIM), 0.5 * np.eye(DIM)

    def save(self, folder: Path) -> None:
        return None


class Placer(Encodes):
    """A sampler whose codes are the mean of every row of an image."""

    def sample(
        self, n: int, *, condition: np.ndarray | None, bias: float, seed: Seed, begin: Begin | None = None
    ) -> np.ndarray:
        return samples("images", n, seed)

    def encode_means(self, samples: np.ndarray) -> np.ndarray:
        return np.asarray(samples.mean((1, 3)), np.float32)

    def save(self, folder: Path) -> None:
        return None


class Speller(LanguageModel):
    """A sampler that finds long words surprising, three nats a letter and one a space."""

    def sample(
        self, n: int, *, condition: np.ndarray | None, bias: float, seed: Seed, begin: Begin | None = None
    ) -> np.ndarray:
        return samples("text", n, seed)

    def surprise(self, samples: np.ndarray, *, after: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
        texts = [str(text) for text in samples.tolist()]
        nats = [3.0 * len(text) - 2 * text.count(" ") for text in texts]
        return np.array(nats), np.array([len(text.split()) for text in texts], np.int64)

    def save(self, folder: Path) -> None:
        return None


def generation(space: Space, reads: Sequence[Read] = get_args(Read)) -> Generation:
    """A finished generation with what a metric asks for, or with everything."""
    whole = Generation(
        number=1,
        samples=pool(space, 120, generation=1),
        real=pool(space, 128),
        reference=pool(space, 96, generation=-2),
        control=pool(space, 80, generation=-3),
        source=KnownToy(space) if space == "vectors" else Toy(space),
        sampler=_sampler(space),
        founder=_sampler(space),
        founder_samples=pool(space, 120, generation=0),
        previous=pool(space, 120, generation=0),
    )
    unread: dict[str, Any] = {name: None for name in get_args(Read) if name not in reads}
    return dataclasses.replace(whole, **unread)


def _sampler(space: Space) -> Sampler:
    able: dict[Space, Sampler] = {"text": Speller(), "images": Placer()}
    return able.get(space, Still())


def workspace() -> Workspace:
    """A workspace in a new temporary folder, which goes when nobody holds it any more."""
    folder = cache(lambda: tempfile.TemporaryDirectory(prefix="autophagy-check-", ignore_cleanup_errors=True))
    return Workspace(lambda: Path(folder().name))


def spaces(part: Part) -> list[Space]:
    """The spaces this part works on, with the encoder it has, that there are toys for."""
    inner = [getattr(part, field.name) for field in dataclasses.fields(part)]
    both = [part, *(one for one in inner if isinstance(one, Encoder))]
    return [space for space in ANY if all(space in one.takes for one in both)]
