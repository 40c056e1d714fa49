"""Precision, recall, density and coverage on hard sets, against other people's formulas on the same features."""

import numpy as np
import prdc
import pytest
import torch

from autophagy.kernels.balls import balls
from autophagy.kernels.neighbours import radii

HARD = ["network", "narrow", "one point", "copies", "constant feature", "offset", "uint8", "collapsed"]


def sets(kind, n=260, m=240, seed=0):
    """Samples and real rows, float64 unless said."""
    rng = np.random.default_rng(seed)
    turn = rng.standard_normal((24, 24)) * np.arange(1, 25) ** -0.7
    a, b = (np.maximum(rng.standard_normal((size, 24)) @ turn, 0) for size in (n, m))
    if kind == "narrow":  # fewer rows than features
        return a[:12], b[:15]
    if kind == "one point":
        return np.repeat(b[:1], n, axis=0), b
    if kind == "copies":
        return b[rng.integers(m, size=n)], b
    if kind == "constant feature":
        a[:, 3] = b[:, 3] = 0.1
    if kind == "offset":
        a, b = a + 1e3, b + 1e3
    if kind == "uint8":
        return (a * 40).astype(np.uint8), (b * 40).astype(np.uint8)
    if kind == "collapsed":
        return b[rng.integers(4, size=n)] + 1e-6 * rng.standard_normal((n, 24)), b
    return a, b


def counts(a, b, k):
    found = balls(a, b, radii(a, k), radii(b, k))
    return tuple(int(x.sum()) for x in (found.precise, found.recalled, found.density, found.covered))


@pytest.mark.parametrize("k", [1, 3, 5])
@pytest.mark.parametrize("kind", [k for k in HARD if k not in ("one point", "copies")])
def test_counts_are_those_of_prdc(kind, k):
    a, b = sets(kind)
    theirs = prdc.compute_prdc(real_features=b.astype(np.float64), fake_features=a.astype(np.float64), nearest_k=k)
    sizes = {"precision": len(a), "recall": len(b), "density": k * len(a), "coverage": len(b)}
    assert counts(a, b, k) == tuple(round(theirs[name] * size) for name, size in sizes.items())


def blocked_inclusive(a, b, k):
    """Kynkäänniemi's formula as torch-fidelity has it: pairwise distances, the k-th smallest but itself, and ≤."""
    across, own_a, own_b = torch.cdist(a, b), torch.cdist(a, a), torch.cdist(b, b)
    radius_a, radius_b = (own.kthvalue(k + 1, dim=1).values for own in (own_a, own_b))
    return int((across <= radius_b).any(1).sum()), int((across <= radius_a[:, None]).any(0).sum())


@pytest.mark.parametrize("k", [3, 5])
@pytest.mark.parametrize("kind", ["network", "narrow", "constant feature", "offset", "collapsed"])
def test_counts_are_those_of_the_inclusive_formula(kind, k):
    a, b = sets(kind)
    plain = (torch.from_numpy(x).double() for x in (a, b))
    with torch.no_grad():
        assert counts(a, b, k)[:2] == blocked_inclusive(*plain, k)


@pytest.mark.parametrize("kind", HARD)
def test_exchanged_sets_exchange_precision_and_recall(kind):
    a, b = sets(kind)
    assert counts(a, b, 3)[:2] == counts(b, a, 3)[1::-1]


@pytest.mark.parametrize("kind", HARD)
def test_a_set_holds_itself(kind):
    a, _ = sets(kind)
    precise, recalled, _, covered = counts(a, a, 3)
    assert precise == recalled == len(a)
    assert covered == np.count_nonzero(radii(a, 3) > 0)  # a ball of no size holds nothing within its border


@pytest.mark.parametrize("kind", ["network", "narrow", "copies"])
def test_turning_and_moving_both_sets_changes_nothing(kind):
    a, b = (np.round(x * 256) / 256 for x in sets(kind))  # moved exactly
    order, sign = np.random.default_rng(1).permutation(24), np.random.default_rng(2).choice([-1.0, 1.0], 24)
    moved = [(x * sign)[:, order] + 512 for x in (a, b)]
    assert counts(*moved, 3) == counts(a, b, 3)


def test_bytes_count_as_their_numbers_do():
    a, b = sets("uint8")
    assert counts(a, b, 5) == counts(a.astype(np.float64), b, 5) == counts(a.astype(np.float32), b.astype(float), 5)
    assert counts(a, b, 5) == counts(a / 256.0, b / 256.0, 5)


def test_the_order_of_rows_changes_nothing():
    a, b = sets("network")
    rng = np.random.default_rng(3)
    assert counts(rng.permutation(a), rng.permutation(b), 5) == counts(a, b, 5)


def test_one_point_is_precise_and_recalls_itself_alone():
    a, b = sets("one point")
    precise, recalled, _, covered = counts(a, b, 5)
    assert (precise, recalled) == (len(a), 1)
    assert covered < 40


@pytest.mark.parametrize("n", [1, 2, 5])
def test_too_few_rows_have_no_radii(n):
    assert np.isnan(radii(np.arange(2.0 * n).reshape(n, 2), 5)).all()
