"""DeepFace's answers (Serengil and Ozpinar 2021) in our words. The package downloads its networks when first asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from autophagy.core.errors import MissingPackage

from ._face_table import Ask, Attributes

ACTIONS = ("age", "gender", "race")
GENDERS = {"Man": "man", "Woman": "woman"}
RACES = {"latino hispanic": "hispanic"}  # the others are the same words, and "middle eastern" is left as it is
Analyze = Callable[..., Sequence[Mapping[str, Any]]]


def deepface() -> Ask:
    """A classifier of faces. Raises MissingPackage."""
    try:
        from deepface import DeepFace
    except ImportError:
        raise MissingPackage("autophagy faces", "deepface", "faces") from None
    return asking(DeepFace.analyze)


def asking(analyze: Analyze) -> Ask:
    """Turns `DeepFace.analyze`, or what answers as it does, into a classifier."""

    def ask(pixels: np.ndarray) -> Attributes | None:
        try:
            faces = analyze(pixels[:, :, ::-1], actions=ACTIONS, enforce_detection=True, silent=True)  # BGR
        except ValueError as error:
            if "could not be detected" in str(error) or type(error).__name__ == "FaceNotDetected":
                return None
            raise
        return attributes(max(faces, key=_area)) if faces else None

    return ask


def attributes(face: Mapping[str, Any]) -> Attributes:
    """One face's, from the answer for it: dominant gender and race, age in years."""
    gender, race = str(face["dominant_gender"]), str(face["dominant_race"])
    return Attributes(GENDERS.get(gender, gender.lower()), RACES.get(race, race), float(face["age"]))


def _area(face: Mapping[str, Any]) -> float:
    """Of its frame in square pixels; a picture of one person may have others in its background."""
    region = face.get("region") or {}
    return float(region.get("w", 0)) * float(region.get("h", 0))
