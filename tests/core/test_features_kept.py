"""Features are worked out once for as long as there is room, and never mixed up."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar
from weakref import ref

import numpy as np
import pytest

from autophagy.core.features import Features
from autophagy.core.generation import Generation
from autophagy.core.parts import Encoder
from autophagy.core.pool import Origin, Pool
from autophagy.core.workspace import Workspace
from autophagy.testing.fakes import Numbered


@dataclass(frozen=True)
class Centred(Encoder):
    """Subtracts the mean of the reference it was prepared on, and counts its work."""

    name = "centred"
    log: ClassVar[list[str]] = []
    mean: float = 0.0

    def prepared(self, reference: Pool) -> Encoder:
        self.log.append("prepare")
        return Centred(mean=float(reference.samples.mean()))

    def encode(self, samples: np.ndarray) -> np.ndarray:
        self.log.append("encode")
        return np.asarray(samples - self.mean, np.float32)


def pool(value: float, n: int = 4) -> Pool:
    return Pool.born(np.full((n, 1), value), Origin("x", 0))


@pytest.fixture(autouse=True)
def clean() -> None:
    Centred.log.clear()


def test_a_pool_that_nobody_holds_is_not_held_for_its_features() -> None:
    features, held = Features(), pool(5)
    watched = ref(held)
    features.of(Centred(), held, reference=pool(2))
    del held
    assert watched() is None
    assert features.of(Centred(), pool(5), reference=pool(2))[0, 0] == 3
    assert Centred.log == ["prepare", "encode"]


def test_equal_pools_are_encoded_once() -> None:
    features = Features()
    for _ in range(3):
        assert features.of(Centred(), pool(5), reference=pool(2))[0, 0] == 3
    assert Centred.log == ["prepare", "encode"]


def test_pools_encoders_and_references_are_told_apart() -> None:
    features = Features()
    assert features.of(Centred(), pool(5), reference=pool(2))[0, 0] == 3
    assert features.of(Centred(), pool(6), reference=pool(2))[0, 0] == 4
    assert features.of(Centred(), pool(5), reference=pool(1))[0, 0] == 4
    assert features.of(Centred(mean=9.0), pool(5), reference=pool(2))[0, 0] == 3
    assert Centred.log.count("encode") == 4


def test_the_oldest_goes_first_when_room_is_short() -> None:
    features, big = Features(megabytes=1), 100_000  # 0.4 MB each
    for value in (1, 2, 1, 3):
        features.of(Centred(), pool(value, big), reference=pool(0))
    Centred.log.clear()
    features.of(Centred(), pool(1, big), reference=pool(0))
    assert Centred.log == []
    features.of(Centred(), pool(2, big), reference=pool(0))
    assert Centred.log == ["encode"]


def test_something_larger_than_the_room_is_still_given() -> None:
    features = Features(megabytes=0)
    assert len(features.of(Centred(), pool(1, 1000), reference=pool(0))) == 1000


def test_other_work_is_remembered_by_what_it_is_and_what_it_is_of() -> None:
    features, made = Features(), []

    def make() -> np.ndarray:
        made.append(1)
        return np.ones(1)

    for what, value in (("radii", 1), ("radii", 1), ("radii", 2), ("factor", 1)):
        features.remembered((what, 5), (pool(value),), make)
    assert len(made) == 3


def test_pools_are_known_by_content_however_many_there_are() -> None:
    features = Features()
    for value in range(200):
        assert features.of(Centred(), pool(value), reference=pool(0))[0, 0] == value


def test_a_generation_encodes_against_its_reference() -> None:
    found = Generation(1, pool(5), pool(0), pool(2), pool(0), Numbered())
    assert found.encode(Centred(), found.samples)[0, 0] == 3


# ── workspaces ───────────────────────────────────────────────────────────────


def test_a_checkpoint_is_the_old_one_or_the_new_one(tmp_path: Path) -> None:
    workspace = Workspace(lambda: tmp_path)
    assert workspace.saved("step") is None
    workspace.save("step", lambda path: path.write_text("one") and None)

    def breaks(path: Path) -> None:
        path.write_text("tw")
        raise RuntimeError("killed here")

    with pytest.raises(RuntimeError):
        workspace.save("step", breaks)
    saved = workspace.saved("step")
    assert saved is not None
    assert saved.read_text() == "one"


def test_progress_is_silent_unless_asked_for(tmp_path: Path) -> None:
    said: list[tuple[int, int, str]] = []
    Workspace(lambda: tmp_path).progress(1, 2, "x")
    Workspace(lambda: tmp_path, progress=lambda *a: said.append(a)).progress(1, 2, "x")
    assert said == [(1, 2, "x")]
