"""Metrics built for a comparison of two sets, and whether they have anything to say of one."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from autophagy.core.catalog import build, find, known_names
from autophagy.core.errors import AutophagyError, ConfigError
from autophagy.core.parts import Encoder, Metric, Model, Part, Read, Sampler, Source, Space, Split
from autophagy.core.pool import Pool
from autophagy.core.seeds import Seed
from autophagy.core.settings import hints, shown
from autophagy.core.workspace import Workspace

AXES = ("distance", "quality", "diversity", "task")  # in the order they are shown
NEEDS: Mapping[Read, str] = {
    "sampler": "the fitted model",
    "previous": "the generation before",
    "founder": "the founder's model",
    "founder_samples": "generation 0's samples",
    "first": "generation 1's model",
}

Recipe = str | Mapping[str, Any] | Metric


@dataclass(frozen=True)
class GivenImages(Source):
    """Images somebody has."""

    name: ClassVar[str] = "given images"
    space: ClassVar[Space] = "images"

    def size(self, split: Split) -> int | None:
        return None

    def conditions(self, split: Split) -> np.ndarray | None:
        return None


@dataclass(frozen=True)
class GivenVectors(GivenImages):
    """Rows of numbers somebody has."""

    name: ClassVar[str] = "given vectors"
    space: ClassVar[Space] = "vectors"


@dataclass(frozen=True)
class Unknown(Model):
    """Whatever made the samples; it is not here."""

    name: ClassVar[str] = "unknown"

    def fit(self, train: Pool, *, start: Sampler | None, seed: Seed, workspace: Workspace) -> Sampler:
        raise ConfigError("there is no model here to fit.")

    def load(self, folder: Path) -> Sampler:
        raise ConfigError("there is no model here to load.")


@dataclass(frozen=True)
class Chosen:
    """Metrics that will be measured, and why others are not."""

    metrics: tuple[Metric, ...]
    left_out: Mapping[str, str]


def recipes(asked: Recipe | Iterable[Recipe] | None) -> list[Recipe] | None:
    """The metrics asked for, where one alone is a list of one. Raises ConfigError for what is none."""
    if asked is None:
        return None
    is_one = isinstance(asked, (str, Mapping, Metric))
    found: list[Any] = list(asked) if isinstance(asked, Iterable) and not is_one else [asked]
    for one in found:
        if not isinstance(one, (str, Mapping, Metric)):
            raise ConfigError(f'metrics are names, tables with use = "name", or metrics, but one is {shown(one)}.')
    return found


def choose(wanted: Sequence[Recipe] | None, encoder: Encoder, source: Source) -> Chosen:
    """Builds the metrics asked for, or all there are; those that read features read `encoder`'s.

    Raises ConfigError if one that was asked for says nothing of two sets.
    """
    recipes: Sequence[Recipe] = known_names("metric") if wanted is None else wanted
    if not recipes:
        raise ConfigError("no metric was asked for; name some, or none for all that apply.")
    found: list[Metric] = []
    left_out: dict[str, str] = {}
    for recipe in recipes:
        kind = _kind(recipe)
        try:
            metric = _fit(recipe, kind, encoder, source)
        except AutophagyError as problem:
            metric = said(problem)
            if wanted is not None:
                raise (ConfigError(f"{metric}.") if isinstance(problem, ConfigError) else problem) from None
        if isinstance(metric, str) and wanted is not None:
            raise ConfigError(f"metric '{kind.name}' says nothing of two sets: it {metric}; leave it out.")
        if isinstance(metric, Metric) and wanted is None and needs_pixels(metric):
            metric = "needs all pixels at once; name it with --metrics to have it"
        if isinstance(metric, Metric):
            found.append(metric)
        else:
            left_out[kind.name] = metric
    return Chosen(tuple(sorted(found, key=lambda m: (AXES.index(m.axis), m.name))), left_out)


def needs_pixels(metric: Metric) -> bool:
    """Whether it looks at the images themselves: it takes nothing else, and has no encoder to be given."""
    return "vectors" not in metric.takes and not _encoders(type(metric))


def said(why: object) -> str:
    """A reason as part of a sentence: settings of a file are options here."""
    with_one = re.sub(
        r'\bencoder = \{ ?use = "([\w-]+)", (\w+) = "?([^"} ]+)"? ?\}', r"--encoder \1 --set \1.\2=\3", str(why)
    )
    return re.sub(r'\bencoder = "([\w-]+)"', r"--encoder \1", with_one).removesuffix(".")


def _fit(recipe: Recipe, kind: type[Part], encoder: Encoder, source: Source) -> Metric | str:
    """The metric, or what it would need that two sets do not have. Raises ConfigError for other settings."""
    takes: tuple[str, ...] = getattr(kind, "takes", ())
    if source.space not in takes:
        return f"needs {' or '.join(takes)}, not {source.space}"
    metric = _built(recipe, encoder)
    if metric.reads:
        return "needs " + " and ".join(NEEDS[what] for what in metric.reads)
    objection = metric.objection(source, Unknown())
    if objection is not None:
        raise ConfigError(objection)
    return metric


def _kind(recipe: Recipe) -> type[Part]:
    if isinstance(recipe, Metric):
        return type(recipe)
    return find("metric", str(recipe if isinstance(recipe, str) else recipe.get("use", "")))


def _built(recipe: Recipe, encoder: Encoder) -> Metric:
    if isinstance(recipe, Metric):
        return recipe
    table: dict[str, Any] = {"use": recipe} if isinstance(recipe, str) else dict(recipe)
    for field in _encoders(_kind(recipe)):
        table.setdefault(field, encoder)
    metric: Metric = build("metric", table, str(table.get("use", "metric")))
    return metric


def _encoders(metric: type[Part]) -> list[str]:
    """The settings that are an encoder."""
    return [name for name, kind in hints(metric).items() if isinstance(kind, type) and issubclass(kind, Encoder)]
