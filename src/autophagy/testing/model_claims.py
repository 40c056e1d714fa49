"""Claims about models."""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from autophagy.core.abilities import StartsPrograms, Validated
from autophagy.core.parts import Encodes, GaussianSampler, LanguageModel, Model, Sampler, Space
from autophagy.core.pool import Pool
from autophagy.core.seeds import Seed

from . import toys
from .data_claims import same

ABILITIES: dict[str, type[Any]] = {"has_moments": GaussianSampler, "encodes": Encodes, "speaks": LanguageModel}


@dataclasses.dataclass(frozen=True)
class _Trial:
    """A fit that several claims look at."""

    train: Pool
    before: str  # the digest of `train` before the fit
    sampler: Sampler


@lru_cache(maxsize=4)
def _trial(model: Model, space: Space) -> _Trial:
    train = toys.pool(space, model=model)
    train = train if model.conditional else train.unconditional()
    return _Trial(train, train.digest(), _fit(model, train))


def _fits(model: Model) -> Iterator[tuple[Space, Pool, Sampler]]:
    for space in toys.spaces(model):
        trial = _trial(_small(model), space)
        yield space, trial.train, trial.sampler


def _small(model: Model) -> Model:
    """The model with its settings for a trial, where it has its defaults."""
    defaults = {field.name: field.default for field in dataclasses.fields(model)}
    return dataclasses.replace(
        model, **{name: value for name, value in model.trial.items() if getattr(model, name) == defaults[name]}
    )


def _fit(model: Model, train: Pool, start: Sampler | None = None) -> Sampler:
    seed = Seed(("fit",))
    if isinstance(model, Validated) and model.validation_rows:
        return model.fit_by(train, train, start=start, seed=seed, workspace=toys.workspace())
    return model.fit(train, start=start, seed=seed, workspace=toys.workspace())


def _draw(sampler: Sampler, train: Pool, n: int = 32, seed: int = 0, bias: float = 1.0) -> np.ndarray:
    condition = None if train.condition is None else train.condition[:n]
    drawn = sampler.sample(n, condition=condition, bias=bias, seed=Seed(("draw", seed)), begin=None)
    if not isinstance(drawn, np.ndarray):
        raise TypeError(f"sample() returned a {type(drawn).__name__}; it must be a NumPy array")
    return drawn


def _fits_alike(model: Model) -> str | None:
    for space, train, first in _fits(model):
        if not same(_draw(first, train), _draw(_fit(_small(model), train), train)):
            return f"two fits on the same {space} with one seed draw different samples"
    return None


def _draws_alike(model: Model) -> str | None:
    for _, train, sampler in _fits(model):
        if not same(_draw(sampler, train), _draw(sampler, train)):
            return "the same seed draws other samples the second time"
        if same(_draw(sampler, train), _draw(sampler, train, seed=1)):
            return "another seed draws the same samples"
    return None


def _leaves_data_alone(model: Model) -> str | None:
    for space in toys.spaces(model):
        trial = _trial(_small(model), space)  # a write to read-only arrays raises
        if trial.train.digest() != trial.before:
            return f"fit() changed the {space} it was given"
    return None


def _survives_the_store(model: Model) -> str | None:
    for _, train, sampler in _fits(model):
        with tempfile.TemporaryDirectory() as folder:
            sampler.save(Path(folder))
            names = [path.name for path in Path(folder).rglob("*") if path.suffix in (".pkl", ".pickle", ".pt", ".pth")]
            if not isinstance(model, StartsPrograms):  # what another program keeps is never read by us
                names += [path.name for path in Path(folder).rglob("*.npy") if _is_pickled(path)]
                if names:
                    return f"save() wrote {names[0]}, which could run code when it is read; use safetensors"
            if not same(_draw(sampler, train), _draw(model.load(Path(folder)), train)):
                return "load() of what save() wrote draws other samples"
    return None


def _draws_what_it_ate(model: Model) -> str | None:
    for space, train, sampler in _fits(model):
        drawn = _draw(sampler, train, n=7)
        if drawn.shape != (7, *train.samples.shape[1:]):
            return f"asked for 7 {space} of shape {train.samples.shape[1:]}, it drew an array of shape {drawn.shape}"
        if space == "images" and drawn.dtype != np.uint8:
            return f"images must be uint8, but it drew {drawn.dtype}"
        if drawn.dtype.kind != train.samples.dtype.kind or (drawn.dtype.kind == "f" and drawn.dtype.itemsize < 4):
            return f"from {space} of type {train.samples.dtype} it drew {drawn.dtype}"
        if drawn.dtype.kind == "f" and not np.isfinite(drawn).all():
            return "some of the numbers that it draws are not finite"
    return None


def _is_pickled(path: Path) -> bool:
    try:
        np.load(path, allow_pickle=False)
    except ValueError:
        return True
    return False


def _has_its_abilities(model: Model) -> str | None:
    """What the class says of its samplers, tried."""
    for space, train, sampler in _fits(model):
        for says, ability in ABILITIES.items():
            if getattr(model, says) and not isinstance(sampler, ability):
                return f"it says {says} = True, but its sampler is no {ability.__name__}"
        if isinstance(sampler, Encodes) and len(sampler.encode_means(train.samples[:5])) != 5:
            return f"encode_means() of 5 {space} gave another number of codes"
        if isinstance(sampler, GaussianSampler):
            mean, covariance = sampler.moments()
            if covariance.shape != (len(mean), len(mean)):
                return f"moments() gave a mean of shape {mean.shape} and a covariance of {covariance.shape}"
    return None


def _goes_on(model: Model) -> str | None:
    small = _small(model)
    for _, train, sampler in _fits(model) if model.continues else ():
        _fit(small, train, start=sampler)
    return None


def _minds_bias(model: Model) -> str | None:
    """Half of λ must not widen anything; families without a knob may leave it the same."""
    for space, train, sampler in _fits(model):
        wide, narrow = (_width(space, _draw(sampler, train, n=128, bias=bias)) for bias in (1.0, 0.25))
        if narrow > 1.05 * wide:
            return "a smaller λ draws samples that vary more"
    return None


def _width(space: Space, samples: np.ndarray) -> float:
    """Total variance, or the number of different words in texts."""
    if space == "text":
        return float(len(set(" ".join(samples.tolist()).split())))
    return float(samples.astype(float).var(0).sum())


MODEL = (
    ("samples have the shape and type of the training data", _draws_what_it_ate),
    ("two fits with one seed are the same", _fits_alike),
    ("a seed decides what is drawn", _draws_alike),
    ("fit() leaves its data alone", _leaves_data_alone),
    ("a saved sampler draws the same samples after loading", _survives_the_store),
    ("its samplers can do what it says of them", _has_its_abilities),
    ("a fit can go on from an earlier one, where it says so", _goes_on),
    ("a smaller λ does not widen the samples", _minds_bias),
)
