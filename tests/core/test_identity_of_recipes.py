"""A recipe's fingerprint depends on all of the recipe, and on nothing else."""

from __future__ import annotations

import math
import os
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autophagy.core.errors import ConfigError
from autophagy.core.identity import KEY_LENGTH, fingerprint, key, part_key, plain
from autophagy.core.mixture import REAL, Draw
from autophagy.core.seeds import Seed
from autophagy.testing.fakes import Every, Logged, Mean, Numbered

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@given(PLAIN)
def test_a_fingerprint_is_hex_and_the_same_every_time(recipe: Any) -> None:
    assert fingerprint(recipe) == fingerprint(recipe)
    assert len(fingerprint(recipe)) == KEY_LENGTH
    assert int(fingerprint(recipe), 16) >= 0


@given(PLAIN, PLAIN)
def test_different_recipes_have_different_fingerprints(one: Any, other: Any) -> None:
    assert (fingerprint(one) == fingerprint(other)) == (repr(_sorted(one)) == repr(_sorted(other)))


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _sorted(value[k]) for k in sorted(value)}
    return [_sorted(v) for v in value] if isinstance(value, list) else value


def test_every_field_counts_and_so_do_name_and_version() -> None:
    parts = [Logged(), Logged(tag=1), Mean(), Mean(tag=1), Every(), Every(nth=3), Numbered(), Numbered(groups=1)]
    assert len({part_key(part) for part in parts}) == len(parts)
    assert plain(Every(nth=3)) == {"use": "every", "version": 1, "nth": 3}

    class Newer(Every):
        version = 2

    assert part_key(Newer()) != part_key(Every())


def test_dataclasses_and_tables_become_plain() -> None:
    assert plain(Draw(REAL, size=3)) == {
        "pool": {"kind": "real", "generation": 0, "arm": None},
        "size": 3, "share": None, "per_group": None, "stratified": False, "is_rest": False, "as_real": False,
    }  # fmt: skip
    assert plain({1: (2, 3)}) == {"1": [2, 3]}


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_numbers_that_are_none_have_no_identity(value: float) -> None:
    with pytest.raises(ConfigError, match="settings must be finite"):
        fingerprint({"a": [value]})


@pytest.mark.parametrize("value", [object(), np.arange(3), {1, 2}, b"x", Logged, lambda: 1])
def test_what_has_no_clear_identity_is_refused(value: Any) -> None:
    with pytest.raises(ConfigError, match="cannot be part of a recipe"):
        fingerprint(value)


def test_keys_and_seeds_are_the_same_in_another_process() -> None:
    program = (
        "from autophagy.core.identity import key, part_key; from autophagy.core.seeds import Seed; "
        "from autophagy.testing.fakes import Numbered; "
        "print(key('a', [1, 2.5, None], {'b': 1}), part_key(Numbered(groups=3)), Seed(('x', 3)).number)"
    )
    told = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True,
        env={**os.environ, "PYTHONHASHSEED": "77"},
    ).stdout.split()  # fmt: skip
    here = (key("a", [1, 2.5, None], {"b": 1}), part_key(Numbered(groups=3)), str(Seed(("x", 3)).number))
    assert tuple(told) == here


def test_a_key_once_given_never_changes() -> None:
    """Stores outlive versions of this package; a change here would orphan every one of them."""
    assert key("fit", ["a", 1, None, 0.5, True]) == "ca464df525053cb110e70dcc1a2ddf72"
    assert Seed(("lineage", 0, 3)).child("fit").small == 1117561678


# ── seeds ────────────────────────────────────────────────────────────────────


def test_addresses_do_not_run_into_each_other() -> None:
    paths: list[tuple[int | str, ...]] = [("a", 1), ("a1",), ("a", "1"), (1, "a"), ("a", 1, 0), ("a",), ()]
    assert len({Seed(path).number for path in paths}) == len(paths)


def test_a_child_is_its_path() -> None:
    assert Seed(("a",)).child(1, "b") == Seed(("a", 1, "b")) == Seed(("a",)).child(1).child("b")
    assert 0 <= Seed(("a",)).small < 2**31


def test_the_same_address_gives_the_same_numbers_and_neighbours_do_not_correlate() -> None:
    draws = np.stack([Seed(("x", i)).numpy().standard_normal(2000) for i in range(20)])
    assert np.array_equal(draws[3], Seed(("x", 3)).numpy().standard_normal(2000))
    correlations = np.corrcoef(draws)[np.triu_indices(20, 1)]
    assert np.abs(correlations * np.sqrt(2000)).max() < 4.5  # 190 z-scores
