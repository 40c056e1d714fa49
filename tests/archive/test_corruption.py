"""Whatever happens to the bytes of an artefact is found, and no run ever builds on it."""

from __future__ import annotations

import dataclasses
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from autophagy.archive.disk import DiskStore
from autophagy.core.errors import Damaged, StoreError
from autophagy.core.pool import Origin, Pool
from autophagy.experiment.config import Arm, Experiment
from autophagy.experiment.run import run
from autophagy.loops.synthetic_augmentation import SyntheticAugmentation
from autophagy.metrics.moments import Moments
from autophagy.models.gaussian import Gaussian
from autophagy.sources.normal import Normal
from autophagy.testing.fakes import Every

HALF, WHOLE = 1, 2
arm = Arm(Normal(1), Gaussian(), SyntheticAugmentation(), real=5, curators=(Every(),), metrics=(Moments(),), gallery=2)


def experiment(generations: int) -> Experiment:
    return Experiment({"a": arm}, generations=generations, keep_models="all", name="r")


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A run that is half done, and the same run when it is whole."""
    folder = tmp_path_factory.mktemp("stores")
    for name, generations in (("half", HALF), ("whole", HALF), ("whole", WHOLE)):
        assert not run(experiment(generations), folder / name, on="serial").failures
    return folder / "half", folder / "whole"


def files(store: Path) -> dict[str, bytes]:
    found = (p for p in (store / "artefacts").rglob("*") if p.is_file())
    return {str(p.relative_to(store)): p.read_bytes() for p in found}


def artefact(path: Path) -> Path:
    """The folder that a file belongs to, or the file itself where it is one alone."""
    return path if len(path.parent.name) == 2 else path.parent


def damage_byte(path: Path, where: int, how: int) -> None:
    content = bytearray(path.read_bytes())
    content[where % len(content)] ^= 1 + how % 255
    path.write_bytes(content)


def cut_off(path: Path, where: int, how: int) -> None:
    os.truncate(path, where % path.stat().st_size)


def lengthen(path: Path, where: int, how: int) -> None:
    path.write_bytes(path.read_bytes() + bytes([how % 256]) * (1 + where % 3))


def remove(path: Path, where: int, how: int) -> None:
    path.unlink()


def add_a_file(path: Path, where: int, how: int) -> None:
    (path.parent / f"{path.name}.{how}").write_bytes(b"x")


def link_away(path: Path, where: int, how: int) -> None:
    """The same bytes, but elsewhere, where they may change later."""
    elsewhere = artefact(path).parents[2] / "elsewhere"
    path.rename(elsewhere)
    path.symlink_to(elsewhere)


def pipe(path: Path, where: int, how: int) -> None:
    path.unlink()
    os.mkfifo(path)


def swap(path: Path, where: int, how: int) -> None:
    """Another artefact, whole in itself, under this one's name."""
    own = artefact(path)
    others = [p for p in sorted(own.parents[1].glob("*/*")) if p != own and p.is_dir() == own.is_dir()]
    other = others[where % len(others)]
    if own.is_dir():
        shutil.rmtree(own)
        shutil.copytree(other, own)
    else:
        shutil.copyfile(other, own)


DAMAGES = (damage_byte, cut_off, lengthen, remove, add_a_file, link_away, pipe, swap)


@settings(max_examples=210, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    do=st.sampled_from((damage_byte,) * 4 + (cut_off,) * 3 + DAMAGES),
    which=st.integers(0, 10_000),
    where=st.integers(0, 100_000),
    how=st.integers(0, 100_000),
    is_verified=st.booleans(),
)
def test_any_damage_is_found_and_never_built_upon(
    stores: tuple[Path, Path],
    tmp_path: Path,
    do: Callable[[Path, int, int], None],
    which: int,
    where: int,
    how: int,
    is_verified: bool,
) -> None:
    half, whole = stores
    root = tmp_path / "store"
    shutil.rmtree(root, ignore_errors=True)
    shutil.copytree(half, root)
    names = sorted(files(root))
    path = root / names[which % len(names)]
    key = artefact(path).name.removesuffix(".json")
    assume(do is not add_a_file or artefact(path) != path)  # beside a file alone it would belong to nothing
    do(path, where, how)
    is_gone = not os.path.lexists(artefact(path))

    with pytest.raises(StoreError if is_gone else Damaged, match=key):
        DiskStore(root).about(key)
    if is_verified:
        assert not DiskStore(root).holds(key)  # puts it aside
        assert is_gone or os.path.lexists(root / "damaged" / f"{key}-0")
    results = run(experiment(WHOLE), root, on="serial")

    expected = files(whole)
    found = files(root)
    assert not results.failures
    assert [(r.key, r.scores) for r in results.records] == [
        (r.key, r.scores) for r in run(experiment(WHOLE), whole, on="serial").records
    ]
    if is_verified or is_gone or (root / "damaged").exists():
        assert found == expected
    else:  # nothing that was still to do needed it, so nobody has looked
        assert all(key in name for name, _ in found.items() ^ expected.items())
        assert not DiskStore(root).holds(key)


@pytest.mark.parametrize("name", ["ab12", "ab34.json"])
def test_what_is_a_link_is_not_an_artefact(tmp_path: Path, name: str) -> None:
    store = DiskStore(tmp_path / "store")
    store.pool("ab12", lambda: Pool.born(np.zeros((2, 2)), Origin("ab12", 0)))
    store.numbers("ab34", lambda: {"n": 1})
    place = tmp_path / "store" / "artefacts" / "ab" / name
    place.rename(tmp_path / "elsewhere")
    place.symlink_to(tmp_path / "elsewhere")
    assert not DiskStore(tmp_path / "store").holds(name.removesuffix(".json"))
    assert (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize("text", ["", "[]", "null", "{}", '"x"', '{"self":1}', "[" * 100_000, "\x00", '{"key":"ab12"}'])
def test_a_manifest_of_something_else_is_damage(tmp_path: Path, text: str) -> None:
    store = DiskStore(tmp_path)
    store.numbers("ab12", lambda: {"n": 1})
    (tmp_path / "artefacts" / "ab" / "ab12.json").write_text(text)
    with pytest.raises(Damaged, match="ab12"):
        DiskStore(tmp_path).about("ab12")


def test_damage_to_what_is_asked_for_with_a_recipe_is_mended_on_the_spot(tmp_path: Path) -> None:
    pool = Pool.born(np.arange(6.0).reshape(3, 2), Origin("ab12", 0))
    DiskStore(tmp_path).pool("ab12", lambda: pool)
    damage_byte(tmp_path / "artefacts" / "ab" / "ab12" / "samples.npy", 140, 3)
    with pytest.raises(Damaged, match=r"'samples\.npy' is not what was written"):
        DiskStore(tmp_path).pool("ab12")
    assert DiskStore(tmp_path).pool("ab12", lambda: pool).digest() == pool.digest()
    assert DiskStore(tmp_path).pool("ab12").digest() == pool.digest()
    assert DiskStore(tmp_path).lost() == set()


def test_a_second_damage_is_put_aside_beside_the_first(tmp_path: Path) -> None:
    for _ in range(3):
        DiskStore(tmp_path).numbers("ab12", lambda: {"n": 1})
        damage_byte(tmp_path / "artefacts" / "ab" / "ab12.json", 5, 5)
        assert not DiskStore(tmp_path).holds("ab12")
    assert sorted(p.name for p in (tmp_path / "damaged").iterdir()) == ["ab12-0", "ab12-1", "ab12-2"]
    assert DiskStore(tmp_path).lost() == {"ab12"}


def test_numbers_are_not_taken_for_a_pool(tmp_path: Path) -> None:
    DiskStore(tmp_path).numbers("ab12", lambda: dataclasses.asdict(Origin("x", 1)))
    with pytest.raises(Damaged, match="it should be a pool"):
        DiskStore(tmp_path).pool("ab12")
