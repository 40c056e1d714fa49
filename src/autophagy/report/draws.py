"""The draws that a gallery shows, read from the store, and what a template needs to show them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from autophagy.archive.disk import DiskStore
from autophagy.core.errors import AutophagyError
from autophagy.core.pool import Pool

from .diets import meal_text
from .story import Story

GALLERY = "probe gallery"  # the pool in a record that holds the same latents and conditions in every generation

Kind = Literal["images", "points", "bars"]


@dataclass(frozen=True)
class Row:
    """One arm through the frames.

    Attributes:
        sprite: a data URI, one frame below the other; empty unless images.
        slots: for each frame its place in the sprite, or None where there is nothing to show.
        paths: for each frame the path to draw; empty for images.
        notes: for each frame what it was trained on, or why there is nothing.
        heads: names above the columns, the classes asked for; None where those of a row further up hold.
    """

    arm: int
    name: str
    sprite: str
    slots: tuple[int | None, ...]
    paths: tuple[str, ...]
    notes: tuple[str, ...]
    heads: tuple[str, ...] | None = None

    @property
    def ghost(self) -> str:
        """What the founder drew, kept in sight behind later generations."""
        return self.paths[0] if self.paths else ""


@dataclass(frozen=True)
class Gallery:
    """`width` × `height` is one frame, in pixels or units; `labels` name bars, each with its place."""

    kind: Kind
    seed: int
    width: int
    height: int
    sprite_heights: tuple[int, ...]
    columns: int
    labels: tuple[tuple[float, str], ...]
    rows: tuple[Row, ...]
    about: str


@dataclass(frozen=True)
class Drawn:
    """The first lineage's gallery pools: `pools[row][frame]`, a row for each of `arms`, and notes on each."""

    arms: tuple[int, ...]
    pools: tuple[tuple[Pool | None, ...], ...]
    notes: tuple[tuple[str, ...], ...]

    @property
    def stored(self) -> list[Pool]:
        return [pool for row in self.pools for pool in distinct(row)]

    def among(self, rows: Sequence[int]) -> Drawn:
        return Drawn(
            tuple(self.arms[k] for k in rows), tuple(self.pools[k] for k in rows), tuple(self.notes[k] for k in rows)
        )


def distinct(row: Sequence[Pool | None]) -> list[Pool]:
    """A row's pools, each once however many frames show it."""
    return list({id(pool): pool for pool in row if pool is not None}.values())


def read(root: Path, story: Story, frames: list[int], *, is_held: bool = False) -> Drawn:
    """Reads the first lineage's galleries; what is gone or damaged is told, not raised.

    With `is_held` an arm whose planned end is behind it shows its last generation.
    """
    store, known = DiskStore(root), dict[str, Pool]()
    pools, notes = [], []
    for arm in story.arms:
        shown = [min(g, arm.generations) if is_held else g for g in frames]
        found = [_pool(story, store, known, arm.name, g) for g in shown]
        pools.append(tuple(pool for pool, _ in found))
        notes.append(
            tuple(
                why or (f"ends at generation {at}" if at < g else f"trained on {meal_text(story, arm, g)}")
                for g, at, (_, why) in zip(frames, shown, found, strict=True)
            )
        )
    return Drawn(tuple(range(len(story.arms))), tuple(pools), tuple(notes))


def _pool(story: Story, store: DiskStore, known: dict[str, Pool], arm: str, generation: int) -> tuple[Pool | None, str]:
    seed = story.first_seed
    record = story.by_address.get((arm, seed, generation))
    if record is None:
        failed = story.failed(arm)
        if (ended := story.ended(arm)) is not None:
            return None, f"diverged at generation {ended}"
        return None, "not run" if failed is None else f"failed at generation {failed}"
    if record.status == "diverged":
        return None, f"diverged: {record.reason}"
    key = record.pools.get(GALLERY, "")
    try:
        if key not in known:
            known[key] = store.pool(key)
        return (known[key], "") if len(known[key]) else (None, "nothing was drawn")
    except (AutophagyError, OSError):
        return None, "its draws are not stored any more"
