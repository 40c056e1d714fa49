"""Bytes behind a part's fields are in its key, in place of where they lie."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from autophagy.core.identity import PLACE, fingerprint, part_key, plain
from autophagy.core.parts import Collection, Curator, Encoder, Metric, Model, Part, Sampler


@dataclass(frozen=True)
class _Filed(Part):
    """Knows a file by its bytes."""

    path: str = field(default="", metadata={PLACE: True})
    tag: int = 0

    def content(self) -> str:
        return Path(self.path).read_text()


class _Weights(_Filed, Encoder):
    name = "weights"

    def encode(self, samples: np.ndarray) -> np.ndarray:
        return samples


class _Pretrained(_Filed, Model):
    name = "pretrained"

    def fit(self, train: Any, *, start: Any, seed: Any, workspace: Any) -> Sampler:
        raise AssertionError

    def load(self, folder: Path) -> Sampler:
        raise AssertionError


class _Judge(_Filed, Metric):
    name = "judge"

    def measure(self, generation: Any) -> Mapping[str, float]:
        return {}


@dataclass(frozen=True)
class _Judged(Metric):
    name = "judged"
    encoder: Encoder = field(default_factory=_Weights)

    def measure(self, generation: Any) -> Mapping[str, float]:
        return {}


@dataclass(frozen=True)
class _Choosy(Curator):
    name = "choosy"
    encoders: tuple[Encoder, ...] = ()

    def curate(self, fresh: Any, *, real: Any, founder: Any, seed: Any) -> Any:
        return fresh


class _Data(_Filed, Collection):
    name = "data"
    space = "vectors"

    def size(self, split: Any) -> int:
        return 0

    def conditions(self, split: Any) -> None:
        return None

    def load(self, split: Any) -> np.ndarray:
        return np.zeros((0, 1))


PARTS = {
    "an encoder": _Weights,
    "a model": _Pretrained,
    "a metric": _Judge,
    "a metric with an encoder": lambda path: _Judged(_Weights(path)),
    "a curator with encoders": lambda path: _Choosy((_Weights(path),)),
}


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    """Two files of the same bytes and one of others."""
    for name, text in (("one", "a"), ("copy", "a"), ("other", "b")):
        (tmp_path / name).write_text(text)
    return [str(tmp_path / name) for name in ("one", "copy", "other")]


@pytest.mark.parametrize("make", PARTS.values(), ids=PARTS.keys())
def test_a_key_follows_the_bytes_and_not_their_place(make: Any, files: list[str]) -> None:
    one, copy, other = (part_key(make(path)) for path in files)
    assert one == copy != other
    Path(files[0]).write_text("b")
    assert part_key(make(files[0])) == other  # also of a part whose key has been asked for before


def test_other_fields_still_count() -> None:
    assert fingerprint(_Pretrained(__file__, tag=1)) != fingerprint(_Pretrained(__file__, tag=2))


def test_a_recipe_that_people_read_says_where_it_lies(files: list[str]) -> None:
    assert plain(_Pretrained(files[0])) == {"use": "pretrained", "version": 1, "path": files[0], "tag": 0}


def test_a_sources_bytes_are_not_asked_for_twice() -> None:
    """They are in the key of its rows; its settings alone make this one."""
    assert part_key(_Data("nowhere")) == fingerprint(_Data("nowhere"))
