"""Our numbers beside those of the packages people compare with, and of their formulas written out.

Packages' quirks are met on the way: torch-fidelity and pytorch-fid lose about
5e-5 of the traces on sets that have lost dimensions; `vendi_score.score_X`
ignores its order; POT's sliced distance takes directions in columns; all of
them use the divisor n − 1, and the population's for the deviation over subsets.
"""

import importlib.util
from pathlib import Path

import mpmath
import numpy as np
import ot
import pytest
import torch
from scipy.linalg import sqrtm
from vendi_score import vendi as vendi_score

from autophagy.core.seeds import Seed
from autophagy.kernels.balls import balls
from autophagy.kernels.frechet import frechet, of_moments
from autophagy.kernels.kid import over_subsets
from autophagy.kernels.moments import Moments
from autophagy.kernels.neighbours import radii
from autophagy.kernels.vendi import vendi
from autophagy.kernels.wasserstein import directions, exact_w2, projected, sliced_w2

TOOL = Path(__file__).parents[2] / "tools" / "reference_networks.py"


@pytest.fixture(scope="module")
def fidelity():
    """torch-fidelity's modules by name, without torchvision, which none of these metrics needs."""
    spec = importlib.util.spec_from_file_location("reference_networks", TOOL)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return lambda name: module.imported(f"torch_fidelity.{name}")


def features(n, d, seed, rank=None, scale=1.0):
    """Like a network's: not negative, correlated, a few strong axes."""
    rng = np.random.default_rng(seed)
    mixing = np.random.default_rng(99).standard_normal((rank or d, d)) / np.sqrt(1 + np.arange(rank or d))[:, None]
    return np.maximum(scale * rng.standard_normal((n, rank or d)) @ mixing + 0.2, 0 if rank is None else -np.inf)


@pytest.mark.parametrize("k", [3, 5])
@pytest.mark.parametrize("scale", [0.8, 1.1])
def test_precision_and_recall_are_torch_fidelitys(fidelity, k, scale):
    """Without copies, which its `cdist` does not put at distance 0."""
    fake, real = features(300, 24, 1, scale=scale), features(350, 24, 2)
    sides = [torch.from_numpy(rows) for rows in (fake, real)]
    theirs = fidelity("metric_prc").calculate_precision_recall_full(*sides, neighborhood=k)
    found = balls(fake, real, radii(fake, k), radii(real, k))
    assert (found.precise.mean(), found.recalled.mean()) == pytest.approx(theirs, abs=1e-7)  # they count in 32 bits
    assert 0.3 < theirs[1] < 1


@pytest.mark.parametrize(("n", "m", "d"), [(400, 300, 1), (400, 300, 24), (900, 1000, 64)])
def test_frechet_is_torch_fidelitys_and_pytorch_fids(fidelity, n, m, d):
    module = fidelity("metric_fid")
    a, b = features(n, d, 1, scale=1.1), features(m, d, 2)
    if d > 1:  # their np.cov makes a scalar of one feature
        stats = [module.fid_features_to_statistics(torch.from_numpy(x)) for x in (a, b)]
        theirs = module.fid_statistics_to_metric(*stats, verbose=False)["frechet_inception_distance"]
        assert frechet(a, b) == pytest.approx(theirs, rel=1e-6)
    s, t = np.atleast_2d(np.cov(a.T)), np.atleast_2d(np.cov(b.T))
    gap = a.mean(0) - b.mean(0)
    by_sqrtm = gap @ gap + np.trace(s) + np.trace(t) - 2 * np.trace(sqrtm(s @ t)).real
    assert frechet(a, b) == pytest.approx(by_sqrtm, rel=1e-6)


def test_frechet_from_a_file_of_statistics_is_that_of_the_rows(tmp_path):
    a, b = features(400, 24, 3), features(300, 24, 4, scale=1.2)
    for name, x in (("a", a), ("b", b)):
        np.savez(tmp_path / f"{name}.npz", mu=x.mean(0), sigma=np.cov(x, rowvar=False))
    one, other = (Moments.load(tmp_path / f"{name}.npz") for name in "ab")
    assert of_moments(one, other) == pytest.approx(frechet(a, b), rel=1e-9)


def precise(a, b):
    """The formula in 60 digits."""
    with mpmath.workdps(60):
        one, other = (mpmath.matrix(x.tolist()) for x in (a, b))
        moved = []
        gap = mpmath.mpf(0)
        means = [[mpmath.fsum(x[:, j]) / x.rows for j in range(x.cols)] for x in (one, other)]
        gap = mpmath.fsum((p - q) ** 2 for p, q in zip(*means, strict=True))
        for x, mean in zip((one, other), means, strict=True):
            moved.append(mpmath.matrix(x.rows, x.cols))
            for i in range(x.rows):
                for j in range(x.cols):
                    moved[-1][i, j] = (x[i, j] - mean[j]) / mpmath.sqrt(x.rows - 1)
        traces = mpmath.fsum(v**2 for x in moved for v in x)
        product = moved[0] * moved[1].T
        values = mpmath.eigsy(product * product.T, eigvals_only=True)
        return float(gap + traces - 2 * mpmath.fsum(mpmath.sqrt(abs(v)) for v in values))


@pytest.mark.parametrize(
    ("n", "m", "rank"), [(12, 15, None), (12, 30, None), (30, 12, None), (30, 30, 4), (12, 14, 4), (30, 26, None)]
)
def test_frechet_is_right_to_nine_digits_where_covariances_have_lost_dimensions(n, m, rank):
    a, b = features(n, 20, 5, rank), features(m, 20, 6, rank, scale=1.3)
    assert frechet(a, b) == pytest.approx(precise(a, b), rel=1e-9)


def test_eigenvalues_of_the_product_leak_on_flat_sets(fidelity):
    """Why ours are not found that way: equal flat sets are not at 0 for torch-fidelity."""
    module = fidelity("metric_fid")
    a = features(200, 300, 7)
    stats = module.fid_features_to_statistics(torch.from_numpy(a))
    theirs = module.fid_statistics_to_metric(stats, stats, verbose=False)["frechet_inception_distance"]
    assert abs(theirs) > 1e-9 * np.trace(stats["sigma"])
    assert frechet(a, a) == 0.0


def test_kid_of_the_same_subsets_is_torch_fidelitys(fidelity):
    a, b = features(150, 24, 8, scale=1.1), features(120, 24, 9)
    rng = np.random.RandomState(2020)
    subsets = [(rng.choice(150, 50, replace=False), rng.choice(120, 50, replace=False)) for _ in range(20)]
    theirs = fidelity("metric_kid").kid_features_to_metric(
        torch.from_numpy(a), torch.from_numpy(b), kid_subsets=20, kid_subset_size=50, rng_seed=2020, verbose=False
    )
    mean, spread = over_subsets(a, b, subsets)
    assert mean == pytest.approx(theirs["kernel_inception_distance_mean"], rel=1e-6)
    assert spread == pytest.approx(theirs["kernel_inception_distance_std"], rel=1e-6)


@pytest.mark.parametrize(("n", "d"), [(60, 8), (20, 50)])
def test_vendi_is_vendi_scores(n, d):
    x = features(n, d, 10)
    assert vendi(x) == pytest.approx(vendi_score.score_X(x), rel=1e-6)
    units = x / np.linalg.norm(x, axis=1, keepdims=True)
    for q, theirs in ((0.5, 0.5), (2.0, 2), (np.inf, "inf")):
        values = np.clip(units @ units.T, -1, 1)
        expected = vendi_score.score_K(values, q=theirs)
        assert vendi(x, q) == pytest.approx(expected, rel=1e-5 if q < 1 and n > d else 1e-9)
    assert vendi_score.score_X(x, q=2) == vendi_score.score_X(x)  # it ignores its order


@pytest.mark.parametrize(("n", "m"), [(40, 40), (30, 50)])
def test_sliced_wasserstein_is_pots(n, m):
    a, b = features(n, 8, 11), features(m, 8, 12, scale=1.5)
    onto = directions(8, 64, Seed(("test",)))
    theirs = ot.sliced_wasserstein_distance(a, b, projections=onto.T)
    assert sliced_w2(projected(a, onto), projected(b, onto)) == pytest.approx(theirs, rel=1e-6)


def test_exact_wasserstein_is_pots():
    a, b = features(60, 5, 13), features(60, 5, 14, scale=1.5)
    assert exact_w2(a, b) == pytest.approx(ot.emd2([], [], ot.dist(a, b)) ** 0.5, rel=1e-6)
