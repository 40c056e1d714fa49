"""What a report shows of images and texts beyond the gallery; a part is there only if a run left what it is made of."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from .begun import Pairs, pairs
from .course import Course, course
from .curation import Removals, removals
from .distances import Distances, distances
from .grids import by_arm, by_prompt
from .passages import Readings, readings
from .sheets import Sheet
from .shelf import Decode, Shelf
from .story import Story
from .surprise import Surprise, surprise
from .vocabulary import Vocabulary, vocabulary


@dataclass(frozen=True)
class Pictures:
    samples: Sheet | None
    course: Course | None
    prompts: list[list[Sheet]]  # by arm
    pairs: list[Pairs]
    removals: list[Removals]
    distances: list[Distances]
    readings: Readings | None
    surprise: list[Surprise]
    vocabulary: Vocabulary | None

    @classmethod
    def read(cls, root: Path, story: Story, decode: Decode | None = None) -> Pictures:
        shelf = Shelf(root, story, decode)
        return cls(
            by_arm(shelf), course(story), by_prompt(shelf), pairs(shelf), removals(shelf), distances(story),
            readings(shelf), surprise(story), vocabulary(shelf),
        )  # fmt: skip
