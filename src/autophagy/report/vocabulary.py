"""Which words a lineage has lost: those that the founder wrote and a later generation does not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from autophagy.text.units import split

from .sheets import ROWS, left_out, spaced
from .shelf import Shelf

POOL = "samples"
EXAMPLES = 8  # words in a cell


@dataclass(frozen=True)
class Loss:
    """One generation beside the founder.

    Attributes:
        types: different words.
        lost: of the founder's words, those that are missing here.
        examples: the lost words that the founder wrote most often.
    """

    types: int
    lost: int
    examples: tuple[str, ...]


@dataclass(frozen=True)
class Vocabulary:
    """Generations down, arms across; None where a generation's texts are not stored."""

    arms: tuple[int, ...]
    names: tuple[str, ...]
    rows: tuple[tuple[int, tuple[Loss | None, ...]], ...]
    about: str


def vocabulary(shelf: Shelf) -> Vocabulary | None:
    """Of the first lineage's texts; None where no arm has texts of its founder and of a later generation."""
    story = shelf.story
    known = {i: found for i, arm in enumerate(story.arms) if len(found := _losses(shelf, arm.name)) > 1}
    if not known:
        return None
    have = sorted({g for losses in known.values() for g in losses})
    shown = spaced(have, ROWS)
    about = (
        f"Words are what stands between white space, small and capital letters apart; lineage with seed "
        f"{story.first_seed}, all texts of a generation.{left_out(shown, have)}"
    )
    rows = tuple((g, tuple(losses.get(g) for losses in known.values())) for g in shown)
    return Vocabulary(tuple(known), tuple(story.arms[i].name for i in known), rows, about)


def lost(founder: Counter[str], now: Iterable[str]) -> Loss:
    """What is left of the founder's words, counted; ties among the examples are broken by the alphabet."""
    types = set(now)
    gone = sorted((word for word in founder if word not in types), key=lambda word: (-founder[word], word))
    return Loss(len(types), len(gone), tuple(gone[:EXAMPLES]))


def _losses(shelf: Shelf, arm: str) -> dict[int, Loss]:
    """By generation, as far as texts are stored; empty without the founder's."""
    founder = shelf.texts(arm, 0, POOL)
    if founder is None:
        return {}
    counted = Counter(_words(founder))
    texts = ((g, shelf.texts(arm, g, POOL)) for g in shelf.generations(arm, POOL))
    return {g: lost(counted, _words(found)) for g, found in texts if found is not None}


def _words(texts: np.ndarray) -> list[str]:
    return [word for text in texts.tolist() for word in split(text, "word")]
