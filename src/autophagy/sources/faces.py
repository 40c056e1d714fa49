"""Faces in balanced groups of gender, race and age: the real images of nepotistic training."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np

from autophagy.core.catalog import register
from autophagy.core.errors import ConfigError
from autophagy.core.parts import Split
from autophagy.core.settings import Count, Fraction, shown
from autophagy.images.look import Look, MaxPixels, Side
from autophagy.sources import _face_groups, _listing, _metadata
from autophagy.sources._image_files import ImageFiles


@register("faces")
@dataclass(frozen=True)
class Faces(ImageFiles):
    """Faces (3, side, side) with captions "a photo of a <age> <race> <gender>", thirty groups (Bohacek and Farid 2023).

    A folder of images (FFHQ) and in it a table with a line for each: its
    `file_name` within the folder, gender, race and age, the last in words or in
    years. `autophagy faces FOLDER` writes it. Images that it does not name, and
    those of no group (a face that was not found, a race that is none of the
    five), are left out. Splits are as in `image-folder`.

    Attributes:
        folder: where the images are.
        table: the table's name in the folder, .csv or .jsonl.
        side: pixels; images are cut to their central square and resized to this (Lanczos).
        per_group: keep at most so many of each group in each split, by a hash of their names; else all of them, and all
            are held in memory (70,000 at 512 pixels: 55 GB).
        heldout: the share held out where there are no split folders, 0–1.
        middle_from: years at which young ends and middle-age begins.
        old_from: years at which middle-age ends.
        gender, race, age: the table's columns.
        max_pixels: images with more are refused, by their headers.
    """

    table: str = "attributes.csv"
    side: Side = 512
    per_group: Count | None = None
    heldout: Fraction = 0.2
    middle_from: Count = 30
    old_from: Count = 60
    gender: str = "gender"
    race: str = "race"
    age: str = "age"
    max_pixels: MaxPixels = 50_000_000

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.middle_from < self.old_from:
            raise ConfigError(f"old_from must be above middle_from = {self.middle_from}, but is {self.old_from}.")

    def conditions(self, split: Split) -> np.ndarray | None:
        return self.listing().conditions[split].column

    def groups(self) -> Sequence[str]:
        return _face_groups.GROUPS

    def look(self) -> Look:
        return Look(self.side, "RGB", self.max_pixels)

    def emptiness(self, heldout: int) -> str:
        return f"no face to train on and {heldout} held out; name more in {self.table}, or lower heldout"

    def listed(self, root: Path) -> _listing.Listing:
        walk = _listing.walked(root)
        problems = list(walk.problems)
        captions = self._captions(root, walk, problems)
        names = sorted(captions)
        is_heldout = _listing.held_out(names, self.heldout, problems)
        chosen = {
            "train": self._capped([n for n, held in zip(names, is_heldout, strict=True) if not held], captions),
            "heldout": self._capped([n for n, held in zip(names, is_heldout, strict=True) if held], captions),
        }
        known = {split: _column([captions[name] for name in kept]) for split, kept in chosen.items()}
        return _listing.Listing({split: tuple(kept) for split, kept in chosen.items()}, known, tuple(problems))

    def _captions(self, root: Path, walk: _listing.Walk, problems: list[str]) -> dict[str, str]:
        """The caption of every image that has a group."""
        if self.table not in walk.others:
            problems.append(f"{shown(self.table)} is not there; write it by: autophagy faces FOLDER")
            return {}
        found: dict[str, str] = {}
        seen: set[str] = set()
        for line in _metadata.read(root, self.table, problems):
            name = _listing.file_of(line, PurePosixPath(self.table).parent, walk, problems)
            if name is None:
                continue
            if name in seen:
                problems.append(f"{shown(name)} is named twice, the second time in {line.where}")
            seen.add(name)
            if caption := self._caption(line, problems):
                found[name] = caption
        return found

    def _caption(self, line: _metadata.Line, problems: list[str]) -> str | None:
        if missing := [column for column in (self.gender, self.race, self.age) if column not in line.facts]:
            problems.append(f"{line.where} has no {', '.join(missing)}")
            return None
        try:
            gender = _face_groups.label(line.facts[self.gender], _face_groups.GENDERS)
            race = _face_groups.label(line.facts[self.race], _face_groups.RACES)
            age = _face_groups.age_group(line.facts[self.age], self.middle_from, self.old_from)
        except _face_groups.Unknown as trouble:
            problems.append(f"{line.where} {trouble}")
            return None
        return _face_groups.caption(gender, race, age) if gender and race and age else None

    def _capped(self, names: list[str], captions: Mapping[str, str]) -> list[str]:
        """Those that stay if no group may have more than `per_group`, sorted; adding images moves few others."""
        if self.per_group is None:
            return names
        taken: Counter[str] = Counter()
        kept = []
        for name in sorted(names, key=_listing.place):
            taken[captions[name]] += 1
            if taken[captions[name]] <= self.per_group:
                kept.append(name)
        return sorted(kept)


def _column(captions: list[str]) -> _metadata.Conditions:
    column: np.ndarray = np.array(captions, np.str_)
    column.setflags(write=False)
    return _metadata.Conditions(column)
