"""Texts that went on from the same prompt, generation by generation, beside one another."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from autophagy.analysis import words
from autophagy.core.pool import Pool

from .draws import GALLERY
from .grids import OWN, PROBE
from .sheets import ROWS, left_out, spaced
from .shelf import Shelf

PROMPTS = 8  # of the gallery, and of each probe
LONGEST = 700  # characters of a text, and of its prompt, that are shown


@dataclass(frozen=True)
class Passages:
    """One prompt's table.

    Attributes:
        prompt: what every text went on from; empty where texts begin from nothing.
        place: "gallery" or the probe's name, and the prompt's number in it.
        rows: generation, and a text of each arm; None where there is nothing.
    """

    prompt: str
    place: str
    rows: tuple[tuple[int, tuple[str | None, ...]], ...]


@dataclass(frozen=True)
class Readings:
    """`arms` head the columns; `about` says where the texts come from and what was left out."""

    arms: tuple[int, ...]
    names: tuple[str, ...]
    tables: tuple[Passages, ...]
    about: str


def readings(shelf: Shelf) -> Readings | None:
    """The texts of the first lineage's gallery and probes; None without texts."""
    story = shelf.story
    arms = tuple(i for i, arm in enumerate(story.arms) if _example(shelf, arm.name, GALLERY) is not None)
    have = sorted({g for i in arms for g in shelf.generations(story.arms[i].name, GALLERY)})
    if not arms or not have:
        return None
    shown = spaced(have, ROWS)
    names = tuple(story.arms[i].name for i in arms)
    tables = [table for pool in (GALLERY, *_probes(shelf, names)) for table in _tables(shelf, names, pool, shown)]
    about = (
        "From the same prompt and seed in every generation, and in every arm that has the prompt "
        f"(lineage with seed {story.first_seed}).{left_out(shown, have)}"
    )
    if len(arms) < len(story.arms):
        about += f" {len(arms)} of {words.count(len(story.arms))} arms have texts that are stored."
    return Readings(arms, names, tuple(tables), about)


def is_text(pool: Pool | None) -> bool:
    return pool is not None and pool.samples.ndim == 1 and pool.samples.dtype.kind == "U"


def _probes(shelf: Shelf, names: tuple[str, ...]) -> list[str]:
    records = [r for r in shelf.story.records if r.arm in names]
    found = dict.fromkeys(name for r in records for name in r.pools if name.startswith(PROBE) and name not in OWN)
    return [name for name in found if any(_example(shelf, arm, name) is not None for arm in names)]


def _tables(shelf: Shelf, names: tuple[str, ...], pool: str, generations: list[int]) -> list[Passages]:
    """A table for each of the first prompts of a pool, once for arms that have the same ones."""
    place = "gallery" if pool == GALLERY else pool.removeprefix(PROBE)
    found: list[Passages] = []
    for prompts, fed in _by_prompts(shelf, names, pool).items():
        at = _rows(prompts)
        texts = {(g, name): _texts(shelf.texts(name, g, pool), at) for g in generations for name in fed}
        nothing: list[str | None] = [None] * len(at)
        found += [
            Passages(
                _cut(prompts[row] or ""),
                f"{place} {len(found) + k + 1}",
                tuple((g, tuple(texts.get((g, name), nothing)[k] for name in names)) for g in generations),
            )
            for k, row in enumerate(at)
        ]
    return found


def _by_prompts(shelf: Shelf, names: tuple[str, ...], pool: str) -> dict[tuple[str | None, ...], list[str]]:
    """The arms that have such a pool, by what each of its texts went on from; None where they begin from nothing."""
    found: dict[tuple[str | None, ...], list[str]] = {}
    for name in names:
        if (example := _example(shelf, name, pool)) is not None:
            known = example.condition
            prompts = (None,) * len(example) if known is None else tuple(map(str, known.tolist()))
            found.setdefault(prompts, []).append(name)
    return found


def _rows(prompts: tuple[str | None, ...]) -> list[int]:
    """The first row of each of the first prompts, or the first rows where there are none."""
    rows = [row for row, prompt in enumerate(prompts) if prompt is None or prompts.index(prompt) == row]
    return rows[:PROMPTS]


def _texts(texts: np.ndarray | None, rows: list[int]) -> list[str | None]:
    return [None if texts is None or row >= len(texts) else _cut(str(texts[row])) for row in rows]


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else text[:LONGEST].rstrip() + " …"


def _example(shelf: Shelf, arm: str, pool: str) -> Pool | None:
    """The earliest stored texts of an arm under that name."""
    for generation in shelf.generations(arm, pool):
        found = shelf.pool(arm, generation, pool)
        if found is not None:
            return found if shelf.texts(arm, generation, pool) is not None else None
    return None
