"""The thirty groups of nepotistic training: gender × race × age, and what the words of others mean in them."""

from __future__ import annotations

from itertools import product
from typing import Any

GENDERS = ("man", "woman")
RACES = ("asian", "black", "hispanic", "indian", "white")
AGES = ("young", "middle-age", "old")
OUTSIDE = ("", "middle eastern", "other", "others", "unknown")  # of no group: such faces are left out
SAME = {
    "male": "man",
    "female": "woman",
    "latino hispanic": "hispanic",
    "latino": "hispanic",
    "east asian": "asian",
    "southeast asian": "asian",
    "middle age": "middle-age",
    "middle aged": "middle-age",
}
OLDEST = 130  # years


class Unknown(Exception):
    """A word or number that is no label; says so as part of a sentence."""


def caption(gender: str, race: str, age: str) -> str:
    return f"a photo of a {age} {race} {gender}"


GROUPS = tuple(sorted(caption(gender, race, age) for gender, race, age in product(GENDERS, RACES, AGES)))


def label(value: Any, known: tuple[str, ...]) -> str | None:
    """The group's word for a label, whatever its case, hyphens and underscores; None if it is of no group."""
    said = " ".join(str(value if value is not None else "").lower().replace("_", " ").replace("-", " ").split())
    if said in OUTSIDE:
        return None
    found = SAME.get(said, said)
    if found not in known:
        raise Unknown(f"says {value!r}, which is none of {', '.join(known)}")
    return found


def age_group(value: Any, middle_from: int, old_from: int) -> str | None:
    """One of AGES, from such a word or from years; None if nothing is said."""
    text = str(value if value is not None else "").strip()
    try:
        years = float(text)
    except ValueError:
        return label(text, AGES)
    if not 0 <= years <= OLDEST:
        raise Unknown(f"says {text} years; give 0 to {OLDEST}, or one of {', '.join(AGES)}")
    return AGES[(years >= middle_from) + (years >= old_from)]
