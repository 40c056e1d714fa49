"""Samples by what they were drawn for: a caption, or a class."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import numpy as np

from autophagy.core.parts import Model, Source
from autophagy.core.pool import Pool


def by_prompt(pool: Pool) -> Mapping[object, np.ndarray]:
    """The rows of every caption or class, `(k,)` ints each; nothing for samples that were drawn for none."""
    if pool.condition is None or not len(pool):
        return {}
    prompts, which = np.unique(pool.condition, return_inverse=True)
    order, ends = np.argsort(which, kind="stable"), np.cumsum(np.bincount(which))
    return dict(zip(prompts.tolist(), np.split(order, ends[:-1]), strict=True))


def captions(pool: Pool) -> np.ndarray | None:
    """`(n,)` the captions that samples were drawn for; None for classes or nothing."""
    return pool.condition if pool.condition is not None and pool.condition.dtype.kind == "U" else None


def uncaptioned(who: str, source: Source, model: Model) -> str | None:
    """A sentence unless samples are drawn for captions."""
    known = source.conditions("train")
    if known is None:
        return f"metric '{who}' needs captions, but source '{source.name}' gives none; leave the metric out."
    if np.asarray(known).dtype.kind != "U":
        can_add = any(field.name == "caption" for field in dataclasses.fields(source))
        remedy = 'add caption = "a photo of a {label}"' if can_add else "leave the metric out"
        return f"metric '{who}' needs captions, but source '{source.name}' gives class labels; {remedy}."
    if not model.conditional:
        return f"metric '{who}' needs captions, but model '{model.name}' takes none; leave the metric out."
    return None
