"""Standard errors, debiasing and extrapolation of the Fréchet distance, against replicates whose truth is known."""

import math

import numpy as np
import pytest

from autophagy.kernels.frechet import fitted, frechet
from autophagy.kernels.frechet_error import extrapolated, jackknife
from autophagy.kernels.frechet_influence import influence_error

REPLICATES = 300
SPREAD = np.linspace(1, 0.1, 10)  # deviations of the axes


def draws(n, m, scale, shift, seed, heavy=False):
    rng = np.random.default_rng(seed)
    draw = (
        (lambda k: rng.standard_t(8, (k, 10)) / math.sqrt(8 / 6)) if heavy else (lambda k: rng.standard_normal((k, 10)))
    )
    return draw(n) * SPREAD * scale + shift, draw(m) * SPREAD


@pytest.mark.parametrize(
    ("n", "m", "scale", "shift", "heavy"),
    [(300, 300, 1.2, 0.0, False), (250, 500, 1.0, 0.2, False), (500, 250, 0.5, 0.0, True), (300, 200, 0.0, 0.1, False)],
)
def test_influence_is_the_deviation_over_fresh_draws(n, m, scale, shift, heavy):
    sets = [draws(n, m, scale, shift, seed, heavy) for seed in range(REPLICATES)]
    values = np.array([frechet(a, b) for a, b in sets])
    errors = np.array([influence_error(a, b) for a, b in sets])
    z = (errors.mean() / values.std(ddof=1) - 1) * math.sqrt(2 * REPLICATES)
    assert abs(z) < 4
    covered = (np.abs(values - values.mean()) < 1.96 * errors).sum()
    assert abs(covered - 0.95 * REPLICATES) < 4 * math.sqrt(REPLICATES * 0.95 * 0.05)


def test_influence_stays_honest_where_the_distributions_are_equal():
    """There the first order is gone; without the halves the ratio would be 1.4."""
    sets = [draws(300, 300, 1.0, 0.0, seed) for seed in range(REPLICATES)]
    values = np.array([frechet(a, b) for a, b in sets])
    errors = np.array([influence_error(a, b) for a, b in sets])
    assert 0.9 < errors.mean() / values.std(ddof=1) < 1.25


def test_influence_of_a_shift_alone_is_that_of_means():
    """Equal covariances by construction: d² = ‖gap‖², whose error is 2 √(gapᵀ S gap (1/n + 1/m)) to first order."""
    rng = np.random.default_rng(0)
    a = rng.standard_normal((4000, 3))
    b = rng.permutation(a) + np.eye(3)[0]
    truth = 2 * a[:2048, 0].std() * math.sqrt(2 / 4000)
    assert influence_error(a, b) == pytest.approx(truth, rel=0.05)


def test_influence_is_symmetric_and_blind_to_rotation_and_translation():
    a, b = draws(200, 300, 1.3, 0.2, 1)
    turn = np.linalg.qr(np.random.default_rng(2).standard_normal((10, 10)))[0]
    found = influence_error(a, b)
    assert influence_error(b, a) == pytest.approx(found, rel=1e-8)
    assert influence_error(a @ turn - 5, b @ turn - 5) == pytest.approx(found, rel=1e-6)
    assert influence_error(3 * a, 3 * b) == pytest.approx(9 * found, rel=1e-8)
    assert influence_error(a, b, fitted(b)) == found


def test_influence_of_a_collapsed_set_counts_its_own_dimensions():
    """All of `a` lies on a line: its errors are finite, and those of the replicates."""
    values, errors = [], []
    for seed in range(REPLICATES):
        a, b = draws(300, 300, 1.0, 0.0, seed)
        a = a[:, :1] * np.ones(10) / math.sqrt(10)
        values.append(frechet(a, b))
        errors.append(influence_error(a, b))
    z = (np.mean(errors) / np.std(values, ddof=1) - 1) * math.sqrt(2 * REPLICATES)
    assert abs(z) < 4


@pytest.mark.parametrize("case", ["few", "flat reference", "nan", "one row"])
def test_influence_says_nothing_where_it_has_nothing_to_say(case):
    a, b = draws(50, 50, 1.0, 0.0, 3)
    if case == "few":
        a = a[:10]
    if case == "flat reference":
        b = b * ([1] * 9 + [0])
    if case == "nan":
        a[4, 2] = np.nan
    if case == "one row":
        b = b[:1]
    assert math.isnan(influence_error(a, b))


def test_jackknife_and_influence_agree():
    a, b = draws(2000, 2000, 1.3, 0.1, 4)
    part = np.arange(2000) % 100
    debiased, error = jackknife(a, b, frechet(a, b), (part, part))
    assert error == pytest.approx(influence_error(a, b), rel=0.35)  # 99 blocks: 7 %, the rest is second order
    assert debiased < frechet(a, b)


@pytest.mark.parametrize(("n", "m"), [(30, 40), (12, 40), (40, 6), (30, 90)])
def test_jackknife_of_few_rows_is_that_of_the_definition(n, m):
    rng = np.random.default_rng(5)
    a, b = rng.standard_normal((n, 60)) + 3, 2 * rng.standard_normal((m, 60))
    parts = rng.permutation(n) % 3, rng.permutation(m) % 3
    left = [frechet(a[parts[0] != i], b[parts[1] != i]) for i in range(3)]
    debiased, error = jackknife(a, b, frechet(a, b), parts)
    assert debiased == pytest.approx(3 * frechet(a, b) - 2 * np.mean(left), rel=1e-9)
    assert error == pytest.approx(np.sqrt(2 * np.var(left)), rel=1e-7)


def test_jackknife_needs_two_blocks_that_leave_two_rows():
    a, b = draws(50, 50, 1.0, 0.0, 7)
    assert np.isnan(jackknife(a, b, 1.0, (np.zeros(50, int), np.zeros(50, int)))).all()
    assert np.isnan(jackknife(a[:3], b, 1.0, (np.array([0, 0, 1]), np.arange(50) % 2))).all()


def test_extrapolation_frees_of_the_samples_share_of_the_bias():
    """What is left is the distance of endless samples from the same few reference rows, and their bias."""
    found = []
    for seed in range(60):
        a, b = draws(400, 400, 1.2, 0.0, seed)
        endless = draws(40_000, 2, 1.2, 0.0, 1000 + seed)[0]
        known = fitted(b)
        found.append((extrapolated(a, b, range(80, 401, 40), known), frechet(endless, b, known), frechet(a, b, known)))
    infinite, truth, plain = np.array(found).T
    gap = infinite - truth
    assert abs(gap.mean()) < 4 * gap.std() / math.sqrt(60)
    assert (plain - truth).mean() > 8 * (plain - truth).std() / math.sqrt(60)


def test_extrapolation_is_the_intercept_of_a_line():
    a, b = draws(100, 100, 1.2, 0.0, 6)
    sizes = [50, 100]
    near, far = frechet(a[:50], b), frechet(a, b)
    assert extrapolated(a, b, sizes) == pytest.approx(2 * far - near, rel=1e-9)
    assert math.isnan(extrapolated(a, b, [50, 50]))
    assert math.isnan(extrapolated(a, b, [1, 50]))
    assert math.isnan(extrapolated(a, b[:1], sizes))
    a[70] = np.nan
    assert math.isnan(extrapolated(a, b, sizes))
    assert math.isnan(extrapolated(b, a, sizes))
