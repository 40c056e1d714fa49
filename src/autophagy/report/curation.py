"""What curators took away or changed: how much in every generation, and what it looked like."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from autophagy.analysis import words
from autophagy.analysis.trajectories import Interval, interval
from autophagy.core.pool import Pool

from .begun import beside
from .sheets import LARGEST, Cell, block, spaced
from .shelf import Shelf
from .sprites import is_images
from .story import Story

MOST = 10  # removed samples shown of a generation
EDITED = 6  # pairs of before and after
BARS = 25  # generations
EXAMPLED = 6  # arms of which examples are shown
WIDTH, HEIGHT = 260, 80


@dataclass(frozen=True)
class Bar:
    x: float
    y: float
    width: float
    height: float
    about: str


@dataclass(frozen=True)
class Example:
    """Samples of one generation: removed ones, or pairs of before and after; `about` counts them."""

    generation: int
    about: str
    cells: tuple[Cell, ...]
    is_edited: bool


@dataclass(frozen=True)
class Removals:
    """One arm with curators.

    Attributes:
        curators: their names, in the order in which they are applied.
        bars: share of the drawn samples that was removed, mean over lineages, by generation.
        top: the share at full height.
        rows: generation, drawn, and removed by each curator, as texts.
        n: lineages.
    """

    arm: int
    name: str
    curators: tuple[str, ...]
    bars: tuple[Bar, ...]
    top: float
    last: int
    rows: tuple[tuple[str, ...], ...]
    n: int
    examples: tuple[Example, ...]


def removals(shelf: Shelf) -> list[Removals]:
    """One for each arm whose records tell of curators."""
    story = shelf.story
    curated = [i for i, arm in enumerate(story.arms) if story.curators(arm.name)]
    return [_removals(shelf, i, has_examples=k < EXAMPLED) for k, i in enumerate(curated)]


def _removals(shelf: Shelf, i: int, *, has_examples: bool) -> Removals:
    story, arm = shelf.story, shelf.story.arms[i].name
    generations = sorted({r.generation for r in story.records if r.arm == arm and r.status == "finished"})
    shown = spaced(generations, BARS)
    means = {g: _share(story, arm, g).mean for g in shown}
    top = max([0.0, *(m for m in means.values() if np.isfinite(m))])
    step = WIDTH / max(len(shown), 1)
    bars = tuple(
        Bar(
            round(k * step, 2), round(HEIGHT * (1 - means[g] / (top or 1)), 2), round(0.82 * step, 2),
            round(HEIGHT * means[g] / (top or 1), 2), f"generation {g}: {words.share(means[g])} of the drawn",
        )
        for k, g in enumerate(shown)
    )  # fmt: skip
    curators = story.curators(arm)
    rows = tuple(_row(story, arm, g, curators) for g in shown)
    n = len({r.seed for r in story.records if r.arm == arm and r.status == "finished"})
    last = generations[-1] if generations else 0
    examples = _examples(shelf, arm, curators) if has_examples else ()
    return Removals(i, arm, curators, bars, top, last, rows, n, examples)


def _share(story: Story, arm: str, generation: int) -> Interval:
    """Removed of drawn, over lineages."""
    found = [sum(r.removed.values()) / r.drawn for r in story.of(arm, generation) if r.drawn]
    return interval(np.array(found, float))


def _row(story: Story, arm: str, generation: int, curators: tuple[str, ...]) -> tuple[str, ...]:
    records = story.of(arm, generation)
    drawn = interval(np.array([r.drawn for r in records], float))
    taken = [interval(np.array([r.removed.get(name, 0) for r in records], float)) for name in curators]
    return (str(generation), words.number(drawn.mean), *map(words.spread, taken))


def _examples(shelf: Shelf, arm: str, curators: tuple[str, ...]) -> tuple[Example, ...]:
    """Of the first and the last generation whose pools are both still stored."""
    have = [g for g in shelf.generations(arm, "drawn") if all(shelf.is_there(arm, g, n) for n in ("drawn", "samples"))]
    found = [e for g in dict.fromkeys(have[:1] + have[-1:]) for e in _of_generation(shelf, arm, g, curators)]
    return tuple(found)


def _of_generation(shelf: Shelf, arm: str, generation: int, curators: tuple[str, ...]) -> list[Example]:
    drawn, kept = shelf.pool(arm, generation, "drawn"), shelf.pool(arm, generation, "samples")
    if drawn is None or kept is None or not is_images(drawn) or not is_images(kept):
        return []
    gone = removed(drawn, kept)
    found = []
    if gone:
        cells = tuple(_one(drawn, k, f"removed in generation {generation}") for k in spaced(gone, MOST))
        about = (
            f"{len(cells)} of {words.count(len(gone))} removed" if len(cells) < len(gone) else f"{len(gone)} removed"
        )
        found.append(Example(generation, f"{about}, of {words.count(len(drawn))} drawn at first", cells, False))
    pairs = edited(drawn, kept)
    if pairs:
        cells = tuple(_pair(drawn, kept, *pair) for pair in spaced(pairs, EDITED))
        about = f"before and after {words.listed(list(curators))}: {len(cells)} of {words.count(len(pairs))} edited"
        found.append(Example(generation, about, cells, True))
    return found


def removed(drawn: Pool, kept: Pool) -> list[int]:
    """Places in `drawn` of the samples that `kept` has not, by origin and row."""
    left = set(names(kept))
    return [k for k, name in enumerate(names(drawn)) if name not in left]


def edited(drawn: Pool, kept: Pool) -> list[tuple[int, int]]:
    """Places in `drawn` and `kept` of samples that are in both, and look different."""
    if drawn.samples.shape[1:] != kept.samples.shape[1:]:
        return []
    places = {name: k for k, name in reversed(list(enumerate(names(kept))))}
    both = [(k, places[name]) for k, name in enumerate(names(drawn)) if name in places]
    return [(k, j) for k, j in both if not np.array_equal(drawn.samples[k], kept.samples[j])]


def names(pool: Pool) -> list[tuple[str, int]]:
    """What each sample is called for ever: the key of its origin, and its row there."""
    return [(pool.origins[o].key, row) for o, row in zip(pool.origin.tolist(), pool.row.tolist(), strict=True)]


def _one(pool: Pool, k: int, about: str) -> Cell:
    text = f", “{pool.condition[k]}”" if pool.condition is not None and pool.condition.dtype.kind == "U" else ""
    return Cell(block(pool, [k], LARGEST, 1), f"sample {int(pool.row[k])}{text}, {about}")


def _pair(drawn: Pool, kept: Pool, k: int, j: int) -> Cell:
    left, right = block(drawn, [k], LARGEST, 1), block(kept, [j], LARGEST, 1)
    return Cell(beside(left, right), f"sample {int(drawn.row[k])} before and after")
